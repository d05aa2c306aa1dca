"""Plain text that the command line prints about the report."""

from collections.abc import Iterator

from bot.domain.card import title
from bot.domain.evaluation import License, Trial
from bot.domain.health import HealthReport
from bot.domain.text import counted, day
from bot.services.ingest.dry_run import DryRunResult
from bot.slack.views.health import describe_delays, machine

_SHOWN = 50
"""Lines of one kind; the rest is counted."""


def format_dry_run(result: DryRunResult) -> Iterator[str]:
    """Yield what a poll would change, and why."""
    yield f"{counted(result.rows, 'row')} read, {result.known:,} already known."
    yield f"A poll would post {counted(len(result.cards), 'card')}."
    yield from _some(
        [f"+ {_named(seen)}: {_window(trial)}, running and not seen before" for seen, trial in result.cards]
    )
    if result.facts:
        yield f"It would record {counted(len(result.facts), 'change')}, and post them in the threads of their cards:"
        yield from _some([f"~ {_named(seen)}: {entry.kind.value.replace('_', ' ')}" for seen, entry in result.facts])
    for reason, count in result.silent.most_common():
        yield f"- {count:,} skipped: {reason.value}"
    yield from _unreadable(result)
    yield "Nothing was written."


def format_backfill(result: DryRunResult) -> Iterator[str]:
    """Yield what a backfill would record."""
    yield f"{counted(result.rows, 'row')} in the report, {result.known:,} already known."
    yield f"{counted(sum(result.silent.values()), 'evaluation')} would be recorded, without a card."
    yield from _unreadable(result)


def format_health(found: HealthReport) -> Iterator[str]:
    """Yield how the bot is doing."""
    if found.outcome is None:
        yield "· Report: not read yet"
        return
    read = (
        "never completely" if found.read_at is None else f"{found.read_at:%Y-%m-%d %H:%M} UTC, {found.rows or 0:,} rows"
    )
    yield f"· Report last read: {read}"
    if found.error is not None:
        yield f"· Latest attempt failed: {found.error}"
    yield f"· Full report last read: {'never' if found.swept_at is None else f'{found.swept_at:%Y-%m-%d %H:%M} UTC'}"
    if found.next_poll is not None:
        yield f"· Next poll: {found.next_poll:%Y-%m-%d %H:%M} UTC, while the bot runs"
    yield f"· {describe_delays(found.delays)}"
    yield f"· Unreadable rows: {found.quarantined:,}"
    for each in found.examples:
        yield f"    {each.ref}: {each.reason}"
    if found.quarantined > len(found.examples):
        yield f"    and {found.quarantined - len(found.examples):,} more"
    yield f"· Waiting for Slack: {found.waiting:,}; given up in the last seven days: {found.given_up:,}"
    if found.mails_waiting:
        yield f"· Emails waiting: {found.mails_waiting:,}"
    if found.bounces_unclear:
        yield f"! Unreadable bounces in the last 30 days: {found.bounces_unclear:,}"
    yield from (f"! {sentence}" for sentence in (*found.closed, *machine(found)))


def _unreadable(result: DryRunResult) -> Iterator[str]:
    if result.unreadable:
        yield f"! {counted(len(result.unreadable), 'row')} cannot be read:"
        yield from _some([f"    {each.ref}: {each.reason}" for each in result.unreadable])


def _some(lines: list[str]) -> Iterator[str]:
    yield from lines[:_SHOWN]
    if len(lines) > _SHOWN:
        yield f"  and {len(lines) - _SHOWN:,} more"


def _named(seen: License) -> str:
    return f"{title(seen)} · {seen.app_name}"


def _window(trial: Trial) -> str:
    until = "" if trial.ends is None else f" to {day(trial.ends)}"
    return f"trial {day(trial.started)}{until}"
