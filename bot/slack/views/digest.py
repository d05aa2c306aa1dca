"""A digest as a message. It never names a contact and mentions nobody."""

from collections.abc import Iterator
from datetime import date, time
from typing import Final

from bot.domain.card import known_end, title
from bot.domain.digest import Counts, Digest, DigestKind, DigestPeriod, Group
from bot.domain.evaluation import days_left
from bot.domain.listing import EvaluationRow
from bot.domain.text import counted, day
from bot.slack import ids
from bot.slack.blocks import Block, Message, note_message, paragraphs, small
from bot.slack.charts import bar_chart
from bot.slack.text import days, escape

_REASONS: Final = 5
_APPS: Final = 5
"""Apps that a line names; the rest is one number."""
_HEADS: Final = {
    DigestKind.DAILY: "Digest of",
    DigestKind.WEEKLY: "The week until",
    DigestKind.OWN: "Your digest of",
}
_HELP: Final = f"`{ids.COMMAND} unowned`, `{ids.COMMAND} expiring` and `{ids.COMMAND} week` list them all."
_HELP_OWN: Final = f"`{ids.COMMAND} mine` lists them all. *Stop my digest* on the Home tab switches this off."


def digest_message(found: Digest, period: DigestPeriod, *, today: date, workspace_url: str | None) -> Message:
    """Return a digest: what needs somebody, then what happened."""
    weekly, is_own = period.kind is DigestKind.WEEKLY, period.kind is DigestKind.OWN
    head = f"{_HEADS[period.kind]} {day(period.day)}"
    lines = [
        *_needing("Without an owner", found.unowned, today, workspace_url),
        *_needing("Ending soon, and nobody wrote yet", found.untouched, today, workspace_url),
        *_needing("Yours, and nobody wrote yet", found.waiting, today, workspace_url),
        *_needing("Yours that end soon", found.ending, today, workspace_url),
        *_needing("Reminders that would have been sent", found.rehearsed, today, workspace_url),
        *_late(found),
        *_happened(found.counts, found.before, "this week" if weekly else "since the last digest"),
    ]
    if found.left:
        reasons = ", ".join(f"{escape(reason, longest=80)} {number:,}" for reason, number in found.left[:_REASONS])
        lines.append(f"*Left this week*: {sum(number for _, number in found.left):,}: {reasons}")
    if found.report_error is not None:
        lines.append(f":warning: *The licenses report can't be read*: {escape(found.report_error, longest=300)}")
    if not lines:
        lines = ["What was open is settled by now."]
    chart = _chart(found.counts, found.before) if found.before is not None else []
    blocks = [*paragraphs([f"*{head}*", *lines]), *chart, small(_HELP_OWN if is_own else _HELP)]
    return Message(text=f"{head}: {_short_own(found) if is_own else _short(found)}", blocks=blocks)


def own_digest_message(at: time | None) -> Message:
    """Say when a person's own digest comes, or that it is off."""
    if at is None:
        return note_message("Your digest is off.")
    return note_message(
        f"You get a digest of what you own at {at:%H:%M} on working days, in this conversation. With nothing to say, "
        "none comes. *Stop my digest* on the Home tab switches it off."
    )


def _needing(label: str, group: Group, today: date, workspace_url: str | None) -> Iterator[str]:
    if group.total:
        rest = group.total - len(group.rows)
        named = [_name(row, today, workspace_url) for row in group.rows]
        yield f"*{label} ({group.total:,})*: {', '.join([*named, *([f'{rest:,} more'] if rest else [])])}"


def _late(found: Digest) -> Iterator[str]:
    if found.late:
        yield f"*Overdue*: {counted(found.late, 'reminder')} were due too long ago to be sent."


def _name(row: EvaluationRow, today: date, workspace_url: str | None) -> str:
    evaluation = row.evaluation
    name = escape(title(evaluation.license), longest=60)
    if evaluation.card is not None and workspace_url is not None:
        name = f"<{evaluation.card.permalink(workspace_url)}|{name}>"
    left = days_left(evaluation.trial, today) if known_end(evaluation) else None
    when = "" if left is None else ", last day" if left == 0 else f", {days(left)} left"
    return f"{name} ({escape(evaluation.license.app_name, longest=40)}{when})"


def _happened(counts: Counts, before: Counts | None, when: str) -> Iterator[str]:
    if counts.total_started or (before and before.total_started):
        apps = [f"{escape(name, longest=40)} {number:,}" for name, number in counts.started[:_APPS]]
        rest = sum(number for _, number in counts.started[_APPS:])
        apps += [f"others {rest:,}"] if rest else []
        was = _was(before.total_started if before else None)
        yield f"*New {when}*: {counts.total_started:,}{was}{': ' if apps else ''}{', '.join(apps)}"
    if counts.bought or counts.ended or (before and (before.bought or before.ended)):
        bought = f"{counts.bought:,} bought{_was(before.bought if before else None)}"
        yield f"*Outcome {when}*: {bought}, {counts.ended:,} ended{_was(before.ended if before else None)}"


def _chart(counts: Counts, before: Counts) -> list[Block]:
    """Return the evaluations that were announced by app, with the week before beside them."""
    now, then = dict(counts.started), dict(before.started)
    apps = [*now, *(name for name in then if name not in now)]
    series = {"This week": [now.get(name, 0) for name in apps], "Week before": [then.get(name, 0) for name in apps]}
    return bar_chart("New evaluations by app", apps, series, x="App", y="Evaluations")


def _was(before: int | None) -> str:
    return "" if before is None else f" (week before: {before:,})"


def _short(found: Digest) -> str:
    counts = found.counts
    return f"{found.unowned.total:,} without an owner, {counts.total_started:,} new, {counts.bought:,} bought"


def _short_own(found: Digest) -> str:
    return f"{found.waiting.total:,} to contact, {found.ending.total:,} ending soon, {found.counts.bought:,} bought"
