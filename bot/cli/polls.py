"""Read the report for the command line: poll, dry run, backfill."""

import sys

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from bot.app.components import Components, open_components
from bot.cli.output import format_backfill, format_dry_run
from bot.config.settings import Settings
from bot.domain.text import counted


async def poll(settings: Settings) -> None:
    async with open_components(settings) as components:
        stats = await components.poller.poll()
    typer.echo(
        f"{counted(stats.rows, 'row')} read: {counted(stats.started, 'new evaluation')}, "
        f"{counted(stats.announced, 'card')} to post, {stats.quarantined:,} unreadable."
    )


async def dry_run(settings: Settings) -> None:
    async with open_components(settings) as components:
        result = await components.poller.dry_run()
    for line in format_dry_run(result):
        typer.echo(line)


async def backfill(settings: Settings, *, sure: bool) -> None:
    """Record the report. Unless `sure`, count first what is in it, and ask: the report is then read twice."""
    async with open_components(settings) as components:
        rows = None if sure else await _ask(components)
        with _progress(TextColumn("Recording"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as bar:
            task = bar.add_task("", total=rows)
            stats = await components.poller.backfill(progress=lambda read: bar.update(task, completed=read))
    typer.echo(
        f"{counted(stats.rows, 'row')} read: {counted(stats.started, 'new evaluation')}, "
        f"{stats.quarantined:,} unreadable."
    )


async def _ask(components: Components) -> int:
    """Count what would be recorded, and ask. Return the rows of the report."""
    with _progress(TextColumn("Counting: {task.completed:,} rows"), SpinnerColumn()) as bar:
        task = bar.add_task("", total=None)
        result = await components.poller.dry_run_backfill(progress=lambda rows: bar.update(task, completed=rows))
    for line in format_backfill(result):
        typer.echo(line)
    typer.confirm("Record them?", abort=True)
    return result.rows


def _progress(*columns: ProgressColumn) -> Progress:
    """Return a progress bar on standard error that disappears at its end. Without a terminal, none is shown.

    While it is shown, log lines appear above it.
    """
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
