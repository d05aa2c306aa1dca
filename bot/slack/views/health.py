"""The answer to `/evaluators health`: polls, discovery delays, quarantined rows."""

from datetime import datetime, timedelta

from bot.domain.health import HealthReport
from bot.slack.blocks import Message, paragraphs
from bot.slack.text import escape, moment, span


def health_message(found: HealthReport) -> Message:
    """Say how the bot is doing, one line for each figure."""
    good = found.outcome in {"good", "running"} and found.quarantined == 0
    good = good and not found.closed and not found.problems
    good = good and (found.line is None or found.line.down is None)
    good = good and found.clock_moved is None and found.locked is None and not found.unwiped
    head = "All is well" if good else "Something needs a look"
    lines = [
        f"*{head}*",
        *_reading(found),
        _delays(found),
        *_set_aside(found),
        *_waiting(found),
        *_machine(found),
        *_line(found),
    ]
    return Message(text=head, blocks=paragraphs(lines))


def _reading(found: HealthReport) -> list[str]:
    if found.outcome is None:
        return ["The licenses report has not been read yet."]
    lines = [f"Report last read {_ago(found.read_at, found.now)}" + (f": {found.rows:,} rows." if found.rows else ".")]
    if found.error is not None:
        lines.append(f":warning: The latest attempt failed. {escape(found.error, longest=1000)}")
    lines.append(f"Whole report last read {_ago(found.swept_at, found.now)}.")
    if found.next_poll is not None:
        due = moment(found.next_poll) if found.next_poll > found.now else "at any moment"
        lines.append(f"Next poll: {due}.")
    return lines


def _delays(found: HealthReport) -> str:
    late = found.delays
    if late is None:
        return "No new trial in the last seven days."
    trials = "1 trial" if late.trials == 1 else f"{late.trials:,} trials"
    return (
        f"New in the last seven days: {trials}, first seen within {span(late.median)} of the start (median), "
        f"{span(late.worst)} at worst."
    )


def _set_aside(found: HealthReport) -> list[str]:
    if found.quarantined == 0:
        return ["Every row could be read."]
    rows = "1 row" if found.quarantined == 1 else f"{found.quarantined:,} rows"
    lines = [f":warning: {rows} of the report cannot be read and were set aside:"]
    lines += [f"• `{escape(each.ref)}`: {escape(each.reason, longest=300)}" for each in found.examples]
    if found.quarantined > len(found.examples):
        lines.append(f"• and {found.quarantined - len(found.examples):,} more")
    return lines


def _waiting(found: HealthReport) -> list[str]:
    lines = [f":warning: {sentence}" for sentence in dict.fromkeys((*found.closed, *map(escape, found.problems)))]
    if found.waiting == 0:
        lines.append("Nothing waits for Slack.")
    else:
        lines.append(f"{found.waiting:,} {'message waits' if found.waiting == 1 else 'messages wait'} for Slack.")
    if found.mails_waiting:
        mails = "1 mail waits for its" if found.mails_waiting == 1 else f"{found.mails_waiting:,} mails wait for their"
        lines.append(f"{mails} time, or for the mail server.")
    if found.bounces_unclear:
        emails = "1 email" if found.bounces_unclear == 1 else f"{found.bounces_unclear:,} emails"
        lines.append(f":warning: Something came back for {emails} of the last 30 days that I can't read as a bounce.")
    if found.given_up:
        messages = "1 message" if found.given_up == 1 else f"{found.given_up:,} messages"
        lines.append(f":warning: {messages} of the last seven days will never get there; the log says why.")
    return lines


def machine(found: HealthReport) -> list[str]:
    """Return the problems of the machine that the bot runs on, one plain-text sentence each."""
    lines = []
    if found.clock_moved is not None:
        way = "forward" if found.clock_moved > timedelta(0) else "back"
        lines.append(
            f"The clock of the server moved {way} by {span(abs(found.clock_moved))} during the last day. Check its "
            "time service (NTP): times on cards and in lists may be wrong."
        )
    if found.locked is not None:
        lines.append(
            f"Another program has locked the database for {span(found.locked)}, so nothing can be written. Stop it."
        )
    if found.unwiped:
        lines.append(
            "What was erased is still in the log of the database file, because another program reads it. It goes as "
            "soon as that program lets go."
        )
    return lines


def _machine(found: HealthReport) -> list[str]:
    return [f":warning: {sentence}" for sentence in machine(found)]


def _line(found: HealthReport) -> list[str]:
    line = found.line
    if line is None:
        return []
    if line.down is not None:
        return [f":warning: No press has reached me for {span(line.down)}. {escape(line.problem or '', longest=300)}"]
    return [f"Slack's socket is open, last heard {span(line.heard)} ago."] if line.heard is not None else []


def _ago(then: datetime | None, now: datetime) -> str:
    return "never to its end" if then is None else f"{span(now - then)} ago"
