"""Which trials count, and how their figures are added up and said."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.domain.evaluation import State
from bot.domain.report import (
    ConversionReport,
    ReportScope,
    TrialGroup,
    TrialGroups,
    conversion_report,
    default_since,
    is_counted,
)
from bot.domain.report_rates import Share, is_difference_shown
from bot.domain.report_speed import Response, delay_of, speed_report
from bot.domain.report_team import TemplateForApp, TemplateUse, Work, WorkOnApp, team_report
from bot.domain.working_time import DEFAULT_HOURS, WorkingCalendar
from tests.builders import TODAY, license_

SCOPE = ReportScope(since=date(2026, 1, 1), today=TODAY)
UTC_ZONE = ZoneInfo("UTC")
MORNING = datetime(2026, 11, 2, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("part", "of", "words"),
    [
        (0, 0, "0 of 0"),
        (3, 10, "3 of 10"),
        (19, 19, "19 of 19"),
        (6, 20, "30 % (15–52 %)"),
        (30, 100, "30 % (22–40 %)"),
        (0, 20, "0 % (0–16 %)"),
        (20, 20, "100 % (84–100 %)"),
        (120_000, 400_000, "30 % (30–30 %)"),
    ],
)
def test_a_rate_is_a_count_below_20_and_has_its_wilson_interval_from_20_on(part: int, of: int, words: str) -> None:
    assert Share(part, of).words == words


def test_a_difference_is_shown_only_where_two_intervals_do_not_overlap() -> None:
    assert is_difference_shown(Share(80, 100), Share(20, 100))
    assert is_difference_shown(Share(20, 100), Share(80, 100))
    assert not is_difference_shown(Share(35, 100), Share(30, 100))
    assert not is_difference_shown(Share(19, 19), Share(0, 100))


@pytest.mark.parametrize(
    ("given", "counts"),
    [
        ({}, True),
        ({"license_type": "COMMERCIAL"}, True),
        ({"license_type": "UPGRADE_EVALUATION"}, True),
        ({"license_type": "COMMUNITY"}, False),
        ({"license_type": "FREE"}, False),
        ({"sandbox": True}, False),
        ({"migration": True}, False),
        ({"atlassian": True}, False),
    ],
)
def test_a_trial_that_nobody_would_buy_does_not_count(given: dict[str, Any], *, counts: bool) -> None:
    assert is_counted(license_(**given)) is counts


@pytest.mark.parametrize(
    ("today", "since"),
    [
        (date(2026, 11, 30), date(2025, 12, 1)),
        (date(2026, 12, 1), date(2026, 1, 1)),
        (date(2027, 1, 5), date(2026, 2, 1)),
    ],
)
def test_a_report_covers_twelve_months_with_the_present_one(today: date, since: date) -> None:
    assert default_since(today) == since


def group(app: str, month: int, number: int, state: State = State.EXPIRED, **overrides: Any) -> TrialGroup:  # noqa: ANN401  of its field's type
    """So many trials that began on the second of a month and ended, or are to end, on its last day but one."""
    given = {"started": date(2026, month, 2), "ends": date(2026, month, 27), "is_counted": True, "is_upgrade": False}
    return TrialGroup(**{"app_key": app, "state": state, "number": number, **given, **overrides})


def reported(
    *every: TrialGroup,
    contacted: tuple[TrialGroup, ...] = (),
    own: tuple[TrialGroup, ...] = (),
    app_keys: frozenset[str] | None = None,
) -> ConversionReport:
    names = {"maps": "Maps", "gantt": "Gantt"}
    scope = ReportScope(since=SCOPE.since, today=TODAY, names=names, app_keys=app_keys)
    return conversion_report(scope, TrialGroups(every=every, contacted=contacted, own=own))


def test_trials_are_added_up_by_app_and_by_month() -> None:
    bought = group("maps", 3, 2, State.CONVERTED)
    found = reported(
        bought,
        group("maps", 3, 3),
        group("maps", 4, 5, State.CANCELLED),
        group("gantt", 4, 20),
        group("gantt", 11, 4, State.RUNNING),
        group("sandboxes", 4, 7, is_counted=False),
        group("maps", 4, 3, State.CONVERTED, is_upgrade=True),
        contacted=(bought, group("gantt", 4, 1), group("gantt", 11, 1, State.RUNNING)),
    )

    assert [(name, counts.trials) for name, counts in found.apps] == [("Gantt", 24), ("Maps", 10)]
    assert [(month.month, counts.bought) for month, counts in found.months] == [(3, 2), (4, 0), (11, 0)]
    assert (found.total.rate, found.total.young, found.total.left_out) == (Share(2, 30), 4, 7)
    assert (found.total.when_contacted, found.total.when_not_contacted) == (Share(2, 3), Share(0, 27))
    assert (found.total.upgrades, found.total.upgrades_bought) == (3, 3)


@pytest.mark.parametrize(
    ("state", "ended", "is_mature"),
    [
        (State.CONVERTED, TODAY + timedelta(days=9), True),
        (State.CONVERTED, None, True),
        (State.EXPIRED, TODAY - timedelta(days=14), True),
        (State.EXPIRED, TODAY - timedelta(days=13), False),
        (State.RUNNING, TODAY - timedelta(days=14), True),  # the report never said that it is over
        (State.RUNNING, None, False),
    ],
)
def test_a_trial_is_mature_once_it_was_bought_or_ended_14_days_ago(
    state: State, ended: date | None, *, is_mature: bool
) -> None:
    assert group("maps", 3, 1, state, ends=ended).is_mature(TODAY) is is_mature


def test_trials_on_the_vendors_own_sites_are_left_out() -> None:
    found = reported(group("maps", 3, 5), own=(group("maps", 3, 2),))
    assert (found.total.trials, found.total.mature, found.total.left_out) == (3, 3, 2)


def test_a_report_covers_the_apps_that_were_asked_for() -> None:
    found = reported(group("maps", 3, 1), group("gantt", 3, 1), app_keys=frozenset({"gantt"}))
    assert [name for name, _ in found.apps] == ["Gantt"]


def test_the_median_and_the_ninetieth_percentile_are_values_that_came() -> None:
    hours = [timedelta(hours=n) for n in range(10, 0, -1)]
    found = delay_of(hours, of=12)
    assert (found.done, found.open, found.median, found.p90) == (10, 2, timedelta(hours=5), timedelta(hours=9))
    assert delay_of([], of=3).median is None


def test_the_three_delays_are_apart_and_the_teams_begin_when_the_trial_was_seen() -> None:
    def response(claimed: int | None, contacted: int | None) -> Response:
        after = [None if hours is None else MORNING + timedelta(hours=hours) for hours in (claimed, contacted)]
        return Response(
            app_key="maps",
            started=date(2026, 11, 2),
            seen=MORNING,
            claimed=after[0],
            contacted=after[1],
        )

    found = speed_report(
        SCOPE,
        [response(4, 28), response(6, None), response(None, None)],
        WorkingCalendar(hours=DEFAULT_HOURS, zone=UTC_ZONE),
    )

    assert (found.seen.median, found.seen.open) == (timedelta(hours=6), 0)
    assert (found.claimed.median, found.claimed.p90, found.claimed.open) == (timedelta(hours=1), timedelta(hours=3), 1)
    assert (found.contacted.median, found.contacted.open) == (timedelta(hours=9), 2)


def test_what_a_person_did_for_several_apps_is_added_up_without_a_ranking() -> None:
    def work(user: str, app: str, **done: int) -> WorkOnApp:
        return WorkOnApp(user=user, app_key=app, work=Work(**done))

    def use(template: str, sent: int) -> TemplateForApp:
        return TemplateForApp(template=template, app_key="maps", use=TemplateUse(sent=sent))

    found = team_report(
        SCOPE,
        [work("U0BEN", "maps", owned=9), work("U0ANA", "maps", owned=2), work("U0ANA", "gantt", emails=3)],
        [use("welcome", 1), use("reminder", 4), use("welcome", 2)],
    )

    assert found.people == (("U0ANA", Work(owned=2, emails=3)), ("U0BEN", Work(owned=9)))
    assert [(name, each.sent) for name, each in found.templates] == [("reminder", 4), ("welcome", 3)]
