"""A report as a table for a spreadsheet, or as JSON."""

import csv
import io
import json
from datetime import timedelta

from bot.domain.report import ConversionReport, Counts, ReportScope
from bot.domain.report_speed import Delay, SpeedReport
from bot.domain.report_team import TeamReport, Work
from bot.exports.report_table import report_rows, write_csv, write_json
from tests.builders import TODAY

SCOPE = ReportScope(since=TODAY, today=TODAY)
CONVERSION = ConversionReport(
    scope=SCOPE,
    total=Counts(),
    apps=(("Maps, for Jira", Counts(trials=12, mature=10, bought=3)), ("=cmd()", Counts(trials=1))),
    months=(),
)


def test_conversion_is_a_table_by_app_without_formulas() -> None:
    text = write_csv(*report_rows(CONVERSION))
    assert text.splitlines()[0] == "app,trials,mature,bought"
    assert list(csv.reader(io.StringIO(text)))[1:] == [["Maps, for Jira", "12", "10", "3"], ["'=cmd()", "1", "0", "0"]]


def test_json_holds_the_same_rows() -> None:
    columns, rows = report_rows(CONVERSION)
    assert json.loads(write_json(rows))[0] == {"app": "Maps, for Jira", "trials": 12, "mature": 10, "bought": 3}
    assert all(tuple(row) == columns for row in rows)


def test_delays_are_in_seconds_and_empty_where_nothing_came() -> None:
    never = Delay(done=0, open=2, median=None, p90=None)
    seen = Delay(done=2, open=0, median=timedelta(hours=1), p90=timedelta(hours=2))
    columns, rows = report_rows(SpeedReport(scope=SCOPE, trials=2, seen=seen, claimed=never, contacted=never))
    assert write_csv(columns, rows).splitlines() == [
        "step,done,not_yet,median_s,p90_s",
        "seen,2,0,3600,7200",
        "claimed,0,2,,",
        "contacted,0,2,,",
    ]


def test_the_team_is_a_table_by_person() -> None:
    report = TeamReport(scope=SCOPE, people=(("U0ANA", Work(owned=3, emails=7, replied=2)),), templates=())
    assert write_csv(*report_rows(report)).splitlines()[1] == "U0ANA,3,0,0,0,7,2"
