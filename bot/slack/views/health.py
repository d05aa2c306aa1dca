"""The answer to `/evaluators health`: polls, discovery delays, quarantined rows."""

from datetime import datetime, timedelta

from bot.domain.health import Delays, HealthReport
from bot.domain.text import counted
from bot.slack.blocks import Message, paragraphs
from bot.slack.text import ago, escape, moment, span


def health_message(found: HealthReport) -> Message:
    """Say how the bot is doing, one line for each figure."""
    good = found.outcome in {"good", "running"} and found.quarantined == 0
    good = good and not found.closed and not found.problems
    good = good and (found.line is None or found.line.down is None)
    good = good and found.clock_moved is None and found.locked is None and not found.unwiped
    head = "All is well" if good else "Something needs attention"
    lines = [
        f"*{head}*",
        *_reading(found),
        describe_delays(found.delays),
        *_set_aside(found),
        *_waiting(found),
        *_machine(found),
        *_line(found),
    ]
    return Message(text=head, blocks=paragraphs(lines))


def _reading(found: HealthReport) -> list[str]:
    if found.outcome is None:
        return ["The licenses report hasn't been read yet."]
    rows = f" ({counted(found.rows, 'row')})" if found.rows else ""
    lines = [_read("Report", found.read_at, found.now) + f"{rows}."]
    if found.error is not None:
        lines.append(f":warning: The latest attempt failed. {escape(found.error, longest=1000)}")
    lines.append(_read("Full report", found.swept_at, found.now) + ".")
    if found.next_poll is not None:
        due = moment(found.next_poll) if found.next_poll > found.now else "any moment now"
        lines.append(f"Next poll: {due}.")
    return lines


def describe_delays(late: Delays | None) -> str:
    """Say how long after their start the trials of the last seven days were seen."""
    if late is None:
        return "No new trials this week."
    if late.trials == 1:
        return f"1 new trial this week, seen within {span(late.worst)}."
    trials = counted(late.trials, "new trial")
    return f"{trials} this week; half were seen within {span(late.median)}, the slowest after {span(late.worst)}."


def _set_aside(found: HealthReport) -> list[str]:
    if found.quarantined == 0:
        return ["Every row of the report could be read."]
    lines = [f":warning: I can't read {counted(found.quarantined, 'row')} of the report and skipped them:"]
    lines += [f"• `{escape(each.ref)}`: {escape(each.reason, longest=300)}" for each in found.examples]
    if found.quarantined > len(found.examples):
        lines.append(f"• and {found.quarantined - len(found.examples):,} more")
    return lines


def _waiting(found: HealthReport) -> list[str]:
    lines = [f":warning: {sentence}" for sentence in dict.fromkeys((*found.closed, *map(escape, found.problems)))]
    if found.waiting == 0:
        lines.append("No messages waiting.")
    else:
        lines.append(f"{counted(found.waiting, 'message')} waiting for Slack.")
    if found.mails_waiting:
        lines.append(f"{counted(found.mails_waiting, 'email')} waiting to be sent.")
    if found.bounces_unclear:
        emails = counted(found.bounces_unclear, "email")
        lines.append(f":warning: Something came back for {emails} of the last 30 days that I can't read as a bounce.")
    if found.given_up:
        messages = counted(found.given_up, "message")
        lines.append(f":warning: {messages} couldn't be delivered to Slack this week; the log says why.")
    return lines


def machine(found: HealthReport) -> list[str]:
    """Return the problems of the machine that the bot runs on, one plain-text sentence each."""
    lines = []
    if found.clock_moved is not None:
        way = "forward" if found.clock_moved > timedelta(0) else "back"
        lines.append(
            f"The server's clock moved {way} by {span(abs(found.clock_moved))} during the last day. Check its time "
            "service (NTP). Times on cards and in lists may be wrong."
        )
    if found.locked is not None:
        lines.append(
            f"Another program has locked the database for {span(found.locked)}, so nothing can be written. Stop it."
        )
    if found.unwiped:
        lines.append(
            "Erased data is still in the log of the database file, because another program is reading it. It goes as "
            "soon as that program closes the file."
        )
    return lines


def _machine(found: HealthReport) -> list[str]:
    return [f":warning: {sentence}" for sentence in machine(found)]


def _line(found: HealthReport) -> list[str]:
    line = found.line
    if line is None:
        return []
    if line.down is not None:
        why = escape(line.problem or "", longest=300)
        return [f":warning: No button presses have arrived from Slack for {span(line.down)}. {why}"]
    return [f"Connected to Slack, last heard from it {ago(line.heard)}."] if line.heard is not None else []


def _read(what: str, then: datetime | None, now: datetime) -> str:
    return f"{what} never read to its end" if then is None else f"{what} read {ago(now - then)}"
