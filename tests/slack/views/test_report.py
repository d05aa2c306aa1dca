"""The answer to `/evaluators report`: the text says everything that the charts and the table do."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.report import ConversionReport, Counts, ReportScope
from bot.domain.report_speed import Delay, SpeedReport
from bot.domain.report_team import TeamReport, TemplateUse, Work
from bot.slack.blocks import Message
from bot.slack.charts import without_charts
from bot.slack.views.report import report_message
from tests.builders import TODAY
from tests.slack.checks import NAMES, check, mrkdwn_of

SCOPE = ReportScope(since=date(2026, 6, 1), today=TODAY)
NEVER = Delay(done=0, open=0, median=None, p90=None)
SOME = Counts(trials=12, mature=10, bought=3, contacted=4, contacted_bought=2)
MANY = Counts(
    trials=120, mature=100, bought=30, contacted=40, contacted_bought=30, upgrades=5, upgrades_bought=2, left_out=7
)


def conversion(*apps: tuple[str, Counts], months: int = 2) -> ConversionReport:
    total = sum((counts for _, counts in apps), Counts())
    by_month = tuple((date(2025 + n // 12, n % 12 + 1, 1), counts) for n, (_, counts) in enumerate(apps * months))
    return ConversionReport(scope=SCOPE, total=total, apps=apps, months=by_month)


def text_of(message: Message) -> str:
    """All text, as where Slack takes neither charts nor tables."""
    check(message)
    return "\n".join(mrkdwn_of((without_charts(message) or message).blocks))


def test_a_small_vendor_reads_counts() -> None:
    message = report_message(conversion(("Maps", SOME)))
    text = text_of(message)
    assert "3 of 10 mature trials bought. 2 trials too young to count." in text
    assert "• Maps: 12 trials, 10 mature, 3 bought\n" in text + "\n"
    assert "Contacted: 2 of 4 bought. Not contacted: 1 of 6 bought. No difference shown." in text
    assert "%" not in text.partition("*Contacted")[0]
    assert [block["type"] for block in message.blocks].count("data_visualization") == 1


def test_a_large_vendor_reads_rates_with_their_intervals_and_the_warning() -> None:
    message = report_message(conversion(("Maps", MANY), ("Gantt", SOME)))
    text = text_of(message)
    assert "30 % (22–39 %) of 110 mature trials bought." in text
    assert "• Maps: 120 trials, 100 mature, 30 bought, 30 % (22–40 %)" in text
    assert "so this shows no effect of an email" in text
    assert "7 left out: sandboxes" in text
    assert "In brackets: where the true rate lies, with 95 % confidence." in text
    assert "Upgrades, counted apart: 2 of 5 bought." in text
    kinds = [block["type"] for block in message.blocks]
    assert (kinds.count("data_visualization"), kinds.count("data_table")) == (2, 1)


def test_apps_beyond_twelve_are_added_up() -> None:
    text = text_of(report_message(conversion(*((f"App {n}", SOME) for n in range(30)))))
    assert "• 19 other apps: 228 trials, 190 mature, 57 bought, 30 % (24–37 %)" in text


def test_three_delays_are_said_apart_with_what_has_not_come() -> None:
    hours = [timedelta(hours=n) for n in (5, 9, 30)]
    report = SpeedReport(
        scope=SCOPE,
        trials=20,
        seen=Delay(done=20, open=0, median=hours[0], p90=hours[1]),
        claimed=Delay(done=15, open=5, median=hours[1], p90=hours[2]),
        contacted=Delay(done=0, open=20, median=None, p90=None),
    )
    text = text_of(report_message(report))
    assert "• Trial started → first seen: half within 5 h, nine of ten within 9 h\n" in text
    assert "• First seen → claimed: half within 9 h, nine of ten within 30 h, not yet for 5\n" in text
    assert "• First seen → first contact: not yet for any of 20" in text


def test_the_team_and_its_templates_are_counts_of_people_by_name() -> None:
    report = TeamReport(
        scope=SCOPE,
        people=(("U0ANA", Work(owned=3, running=1, done=1, bought=1, emails=7, replied=2)), ("U0BO", Work(emails=1))),
        templates=(("welcome", TemplateUse(sent=8, bounced=1, replied=3, bought=2)),),
    )
    text = text_of(report_message(report))
    assert "• <@U0ANA>: owns 3 trials (1 running, 1 done, 1 bought), sent 7 emails (2 with a reply)" in text
    assert "• welcome: 8 sent, 1 bounced, 3 with a reply, 2 bought within 30 days" in text
    assert "%" not in text


@pytest.mark.parametrize(
    "empty",
    [
        conversion(),
        SpeedReport(scope=SCOPE, trials=0, seen=NEVER, claimed=NEVER, contacted=NEVER),
    ],
    ids=lambda report: type(report).__name__,
)
def test_a_report_of_nothing_says_what_to_try(empty: ConversionReport | SpeedReport) -> None:
    assert "No trials to count." in text_of(report_message(empty))


def test_a_team_that_has_done_nothing_yet_does_not_read_that_there_are_no_trials() -> None:
    text = text_of(report_message(TeamReport(scope=SCOPE, people=(), templates=())))
    assert "Nobody has claimed a trial or sent an email in this time." in text


@given(st.lists(NAMES, min_size=1, max_size=40))
def test_any_names_fit_a_message(names: list[str]) -> None:
    keys = {str(number): name for number, name in enumerate(names)}
    scope = ReportScope(since=SCOPE.since, today=TODAY, app_keys=frozenset(keys), names=keys)
    apps = conversion(*((name, MANY) for name in names), months=3)
    check(report_message(ConversionReport(scope=scope, total=apps.total, apps=apps.apps, months=apps.months)))
    templates = tuple((name, TemplateUse(sent=1)) for name in names)
    check(report_message(TeamReport(scope=scope, people=tuple(("U0ANA", Work()) for _ in names), templates=templates)))
