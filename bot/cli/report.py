"""Read the report for the command line: poll, dry run, backfill."""

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from bot.app.components import open_components
from bot.cli.output import format_backfill, format_dry_run
from bot.config.settings import Settings


async def poll(settings: Settings) -> None:
    async with open_components(settings) as components:
        stats = await components.poller.poll()
    typer.echo(
        f"{stats.rows} rows read, {stats.started} evaluations new, {stats.announced} announced, "
        f"{stats.quarantined} unreadable."
    )


async def dry_run(settings: Settings) -> None:
    async with open_components(settings) as components:
        result = await components.poller.dry_run()
    for line in format_dry_run(result):
        typer.echo(line)


async def backfill(settings: Settings, *, sure: bool) -> None:
    async with open_components(settings) as components:
        with Progress(TextColumn("Counting: {task.completed:,} rows"), SpinnerColumn()) as bar:
            task = bar.add_task("", total=None)
            result = await components.poller.dry_run_backfill(progress=lambda rows: bar.update(task, completed=rows))
        for line in format_backfill(result):
            typer.echo(line)
        if not sure:
            typer.confirm("Take them in?", abort=True)
        with Progress(TextColumn("Taking in"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as bar:
            task = bar.add_task("", total=result.rows)
            stats = await components.poller.backfill(progress=lambda rows: bar.update(task, completed=rows))
    typer.echo(f"{stats.rows:,} rows read, {stats.started:,} evaluations new, {stats.quarantined:,} rows unreadable.")
