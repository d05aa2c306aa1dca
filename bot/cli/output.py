"""Plain text that the command line prints about the report."""

from collections.abc import Iterator

from bot.domain.card import title
from bot.domain.evaluation import License, Trial
from bot.domain.health import HealthReport
from bot.domain.text import counted, day
from bot.services.ingest.dry_run import DryRunResult
from bot.slack.views.health import PLAIN, health_lines

_MAX_LINES = 50
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
    """Yield how the bot is doing, in the words of `/evaluators health`."""
    for line in health_lines(found, PLAIN):
        mark = "   " if line.is_detail else "!" if line.is_problem else "·"
        yield f"{mark} {line.text}"


def _unreadable(result: DryRunResult) -> Iterator[str]:
    if result.unreadable:
        yield f"! {counted(len(result.unreadable), 'row')} cannot be read:"
        yield from _some([f"    {each.ref}: {each.reason}" for each in result.unreadable])


def _some(lines: list[str]) -> Iterator[str]:
    yield from lines[:_MAX_LINES]
    if len(lines) > _MAX_LINES:
        yield f"  and {len(lines) - _MAX_LINES:,} more"


def _named(seen: License) -> str:
    return f"{title(seen)} · {seen.app_name}"


def _window(trial: Trial) -> str:
    until = "" if trial.ends is None else f" to {day(trial.ends)}"
    return f"trial {day(trial.started)}{until}"
