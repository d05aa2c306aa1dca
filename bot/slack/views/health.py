"""How the bot is doing, in words: for `/evaluators health` and for the command line."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.domain.health import Delays, HealthReport
from bot.domain.text import counted
from bot.slack.blocks import Message, paragraphs
from bot.slack.text import ago, escape, moment, span


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthLine:
    """One line; a detail belongs to the line before it."""

    text: str
    is_problem: bool = False
    is_detail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Markup:
    """How external text, an id and a time are written."""

    text: Callable[[str], str]
    code: Callable[[str], str]
    moment: Callable[[datetime], str]


PLAIN: Final = Markup(text=str, code=str, moment=lambda at: f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
_MRKDWN: Final = Markup(
    text=lambda text: escape(text, longest=1000), code=lambda text: f"`{escape(text)}`", moment=moment
)


def health_message(found: HealthReport) -> Message:
    """Say how the bot is doing, one line for each figure."""
    lines = list(health_lines(found, _MRKDWN))
    is_well = found.outcome is not None and not any(line.is_problem for line in lines)
    head = "All is well" if is_well else "Something needs attention"
    return Message(text=head, blocks=paragraphs([f"*{head}*", *map(_mrkdwn, lines)]))


def _mrkdwn(line: HealthLine) -> str:
    return f"{':warning: ' if line.is_problem else ''}{'• ' if line.is_detail else ''}{line.text}"


def health_lines(found: HealthReport, markup: Markup) -> Iterator[HealthLine]:
    """Yield one line for each figure."""
    yield from _reading(found, markup)
    yield HealthLine(text=describe_delays(found.delays))
    if found.licensed is not None:
        yield HealthLine(text=_describe_licensed(found.licensed))
    yield from _set_aside(found, markup)
    yield from _waiting(found, markup)
    yield from (HealthLine(text=sentence, is_problem=True) for sentence in _machine(found))
    yield from _line(found, markup)
    yield from _mailbox(found, markup)


def _reading(found: HealthReport, markup: Markup) -> Iterator[HealthLine]:
    if found.outcome is None:
        yield HealthLine(text="The licenses report hasn't been read yet.")
        return
    rows = f" ({counted(found.rows, 'row')})" if found.rows else ""
    yield HealthLine(text=_read("Report", found.read_at, found.now) + f"{rows}.")
    if found.error is not None:
        yield HealthLine(text=f"The latest attempt failed. {markup.text(found.error)}", is_problem=True)
    yield HealthLine(text=_read("Full report", found.swept_at, found.now) + ".")
    if found.next_poll is not None:
        due = markup.moment(found.next_poll) if found.next_poll > found.now else "any moment now"
        yield HealthLine(text=f"Next poll: {due}.")


def describe_delays(late: Delays | None) -> str:
    """Say how long after their start the trials of the last seven days were seen."""
    if late is None:
        return "No new trials this week."
    if late.trials == 1:
        return f"1 new trial this week, seen within {span(late.worst)}."
    trials = counted(late.trials, "new trial")
    return f"{trials} this week; half were seen within {span(late.median)}, the slowest after {span(late.worst)}."


def _describe_licensed(lag: Delays) -> str:
    """Say how long after an installation its license was in the report."""
    return (
        f"The report's true delay, from {counted(lag.trials, 'installation')} this month: half of the licenses came "
        f"within {span(lag.median)}, nine of ten within {span(lag.p90)}."
    )


def _set_aside(found: HealthReport, markup: Markup) -> Iterator[HealthLine]:
    if found.quarantined == 0:
        yield HealthLine(text="Every row of the report could be read.")
        return
    rows = counted(found.quarantined, "row")
    yield HealthLine(text=f"I can't read {rows} of the report and skipped them:", is_problem=True)
    for each in found.examples:
        yield HealthLine(text=f"{markup.code(each.ref)}: {markup.text(each.reason)}", is_detail=True)
    if found.quarantined > len(found.examples):
        yield HealthLine(text=f"and {found.quarantined - len(found.examples):,} more", is_detail=True)


def _waiting(found: HealthReport, markup: Markup) -> Iterator[HealthLine]:
    for sentence in dict.fromkeys((*found.closed, *map(markup.text, found.problems))):
        yield HealthLine(text=sentence, is_problem=True)
    waiting = f"{counted(found.waiting, 'message')} waiting for Slack." if found.waiting else "No messages waiting."
    yield HealthLine(text=waiting)
    if found.mails_waiting:
        yield HealthLine(text=f"{counted(found.mails_waiting, 'email')} waiting to be sent.")
    if found.bounces_unclear:
        emails = counted(found.bounces_unclear, "email")
        unclear = f"Something came back for {emails} of the last 30 days that I can't read as a bounce."
        yield HealthLine(text=unclear, is_problem=True)
    yield from _webhooks(found, markup)
    if found.given_up:
        messages = counted(found.given_up, "message")
        gone = f"{messages} couldn't be delivered to Slack this week; the log says why."
        yield HealthLine(text=gone, is_problem=True)


def _webhooks(found: HealthReport, markup: Markup) -> Iterator[HealthLine]:
    for each in found.webhooks:
        if each.problem:
            yield HealthLine(text=markup.text(each.problem), is_problem=True)
        if each.given_up:
            events = counted(each.given_up, "webhook event")
            gone = (
                f"{events} couldn't be delivered to {each.name} this week. `evaluator-bot webhook resend` sends again."
            )
            yield HealthLine(text=markup.text(gone), is_problem=True)
    if waiting := sum(each.waiting for each in found.webhooks):
        yield HealthLine(text=f"{counted(waiting, 'webhook event')} waiting to be delivered.")


def _machine(found: HealthReport) -> list[str]:
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


def _line(found: HealthReport, markup: Markup) -> Iterator[HealthLine]:
    line = found.line
    if line is None:
        return
    if line.down is not None:
        why = markup.text(line.problem or "")
        gone = f"No button presses have arrived from Slack for {span(line.down)}. {why}"
        yield HealthLine(text=gone, is_problem=True)
    elif line.heard is not None:
        yield HealthLine(text=f"Connected to Slack, last heard from it {ago(line.heard)}.")


def _mailbox(found: HealthReport, markup: Markup) -> Iterator[HealthLine]:
    mailbox = found.mailbox
    if mailbox is None:
        return
    if mailbox.problem is not None:
        yield HealthLine(text=f"I can't read replies. {markup.text(mailbox.problem)}", is_problem=True)
    elif mailbox.heard is not None:
        yield HealthLine(text=f"Mailbox for replies last heard from {ago(mailbox.heard)}.")


def _read(what: str, then: datetime | None, now: datetime) -> str:
    return f"{what} never read to its end" if then is None else f"{what} read {ago(now - then)}"
