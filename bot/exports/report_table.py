"""The figures of a report as a CSV table or as JSON."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta

from bot.domain.report import ConversionReport
from bot.domain.report_speed import Delay, SpeedReport
from bot.domain.report_team import TeamReport
from bot.exports.csv_cells import escape_formula

Row = Mapping[str, str | int | None]


def report_rows(report: ConversionReport | SpeedReport | TeamReport) -> tuple[Sequence[str], list[Row]]:
    """Return the columns of a report, and its rows: apps, delays in seconds, or people with templates."""
    match report:
        case ConversionReport():
            return ("app", "trials", "mature", "bought"), [
                {"app": name, "trials": each.trials, "mature": each.mature, "bought": each.bought}
                for name, each in report.apps
            ]
        case SpeedReport():
            delays = {"seen": report.seen, "claimed": report.claimed, "contacted": report.contacted}
            delays |= {"licensed": report.licensed} if report.licensed else {}
            return ("step", "done", "not_yet", "median_s", "p90_s"), [
                _delay_row(name, delay) for name, delay in delays.items()
            ]
        case TeamReport():
            columns = ("person", "owned", "running", "done", "bought", "emails", "replied")
            return columns, [
                {
                    "person": user,
                    "owned": work.owned,
                    "running": work.running,
                    "done": work.done,
                    "bought": work.bought,
                    "emails": work.emails,
                    "replied": work.replied,
                }
                for user, work in report.people
            ]


def write_csv(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """Return a table with a head."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(columns)
    for row in rows:
        table.writerow([escape_formula(cell) if isinstance(cell, str) else cell for cell in map(row.get, columns)])
    return text.getvalue()


def write_json(rows: Sequence[Row]) -> str:
    """Return a list of objects."""
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def _delay_row(name: str, delay: Delay) -> Row:
    return {
        "step": name,
        "done": delay.done,
        "not_yet": delay.open,
        "median_s": _seconds(delay.median),
        "p90_s": _seconds(delay.p90),
    }


def _seconds(length: timedelta | None) -> int | None:
    return None if length is None else round(length.total_seconds())
