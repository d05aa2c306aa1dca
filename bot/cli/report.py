"""Print a report as a table."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.arguments import read_day, store_of, unknown_app
from bot.cli.runner import with_report_settings
from bot.domain.report_request import ReportKind, ReportRequest

if TYPE_CHECKING:
    from bot.config.settings import ReportSettings

report = typer.Typer()


class Format(StrEnum):
    """How a table is written."""

    CSV = "csv"
    JSON = "json"


@report.command("report")
def print_report(
    kind: Annotated[
        ReportKind, typer.Argument(help="Trials bought by app, how quick the team was, or who did what.")
    ] = ReportKind.CONVERSION,
    *,
    format_: Annotated[Format, typer.Option("--format", help="How to write the table.")] = Format.CSV,
    app: Annotated[
        str | None, typer.Option(help="Only the app with this key, or with these words in its name.")
    ] = None,
    since: Annotated[
        date | None,
        typer.Option(parser=read_day, metavar="YYYY-MM-DD", help="Only trials that started on this day or later."),
    ] = None,
) -> None:
    """Print the figures of a report as a table, like those of `/evaluators report`.

    It covers the trials of the last twelve months.
    """
    request = ReportRequest(kind=kind, app=app, since=since)
    with_report_settings(partial(_print, request=request, format_=format_))


async def _print(settings: ReportSettings, *, request: ReportRequest, format_: Format) -> None:
    from bot.app.clock import utc_now
    from bot.domain.commands import CommandProblem
    from bot.exports.report_table import report_rows, write_csv, write_json
    from bot.services.team.reports import TeamReports

    async with store_of(settings) as store:
        reports = TeamReports(store, own_sites=settings.own_sites, clock=utc_now, zone=settings.timezone)
        found = await reports.report(request)
    if isinstance(found, CommandProblem):
        raise unknown_app(found.valid)
    columns, rows = report_rows(found)
    typer.echo(write_csv(columns, rows) if format_ is Format.CSV else write_json(rows), nl=False)
