"""When a digest is due."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.digest import Counts, Digest, DigestKind, DigestPeriod, Group, due_digests, due_own_digests, week_before
from bot.domain.team_settings import DigestTimes, WeeklyTime
from bot.domain.working_time import DEFAULT_HOURS, WorkingCalendar, WorkingHours

BERLIN = WorkingCalendar(hours=DEFAULT_HOURS, zone=ZoneInfo("Europe/Berlin"), holidays=frozenset({date(2026, 11, 25)}))
NINE = DigestTimes(daily=time(9))
MONDAYS = DigestTimes(weekly=WeeklyTime(day=0, at=time(9)))
MONDAY = date(2026, 11, 23)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment by the clocks of Berlin, which are an hour ahead in November."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) - timedelta(hours=1)


def due(times: DigestTimes, now: datetime) -> list[DigestPeriod]:
    return list(due_digests(times, BERLIN, now))


@pytest.mark.parametrize(
    ("now", "is_due"),
    [
        (at(MONDAY, 8, 59), False),
        (at(MONDAY, 9), True),
        (at(MONDAY, 13), True),
        (at(MONDAY, 13, 1), False),
        (at(date(2026, 11, 25), 9), False),  # a holiday
        (at(date(2026, 11, 28), 9), False),  # a Saturday
    ],
)
def test_a_daily_digest_is_due_for_four_hours_of_a_working_day(now: datetime, *, is_due: bool) -> None:
    assert bool(due(NINE, now)) is is_due


def test_a_daily_digest_tells_of_all_since_the_one_before() -> None:
    [on_monday] = due(NINE, at(MONDAY, 9, 5))
    friday = date(2026, 11, 20)
    assert on_monday == DigestPeriod(kind=DigestKind.DAILY, day=MONDAY, since=at(friday, 9), until=at(MONDAY, 9))
    [after_the_holiday] = due(NINE, at(date(2026, 11, 26), 9))
    assert after_the_holiday.since == at(date(2026, 11, 24), 9)


def test_a_weekly_digest_is_due_for_a_day_and_tells_of_a_week() -> None:
    assert due(MONDAYS, at(MONDAY, 8)) == []
    [weekly] = due(MONDAYS, at(date(2026, 11, 24), 8))
    assert (weekly.kind, weekly.day, weekly.since) == (DigestKind.WEEKLY, MONDAY, at(date(2026, 11, 16), 9))
    assert week_before(weekly) == (at(date(2026, 11, 9), 9), weekly.since)
    assert due(MONDAYS, at(date(2026, 11, 24), 10)) == []


def test_ones_own_digest_comes_at_the_time_of_the_team_or_with_the_beginning_of_work() -> None:
    early = replace(BERLIN, hours=WorkingHours.read("mon-fri 08:00-16:00"))
    [own] = due_own_digests(NINE, early, at(MONDAY, 9))
    assert (own.kind, own.day, own.until) == (DigestKind.OWN, MONDAY, at(MONDAY, 9))
    [own] = due_own_digests(DigestTimes(), early, at(MONDAY, 9))
    assert (own.since, own.until) == (at(date(2026, 11, 20), 8), at(MONDAY, 8))
    assert list(due_own_digests(NINE, early, at(date(2026, 11, 28), 9))) == []


def test_nothing_is_due_that_is_off() -> None:
    assert due(DigestTimes(), at(MONDAY, 9)) == []


@given(
    zone=st.sampled_from(["Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe", "Africa/Cairo"]),
    begins=st.integers(0, 700).map(lambda days: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days)),
    wall=st.times(),
)
def test_each_day_and_each_week_has_one_digest_and_their_times_follow_each_other(
    zone: str, begins: datetime, wall: time
) -> None:
    wall = wall.replace(second=0, microsecond=0)
    calendar = WorkingCalendar(hours=DEFAULT_HOURS, zone=ZoneInfo(zone))
    times = DigestTimes(daily=wall, weekly=WeeklyTime(day=2, at=wall))
    found = dict[tuple[DigestKind, date], DigestPeriod]()
    for hour in range(24 * 15):
        for period in due_digests(times, calendar, begins + timedelta(hours=hour)):
            assert found.setdefault((period.kind, period.day), period) == period
    for kind in (DigestKind.DAILY, DigestKind.WEEKLY):
        one_after_the_other = sorted((each for each in found.values() if each.kind is kind), key=lambda each: each.day)
        assert len(one_after_the_other) >= (9 if kind is DigestKind.DAILY else 2)
        for one, other in pairwise(one_after_the_other):
            assert one.until == other.since


def test_a_digest_without_anything_to_say_is_empty() -> None:
    nothing = Digest(unowned=Group(), untouched=Group(), counts=Counts())
    assert nothing.is_empty
    assert not Digest(unowned=Group(total=1), untouched=Group(), counts=Counts()).is_empty
    assert not Digest(unowned=Group(), untouched=Group(), counts=Counts(ended=1)).is_empty
    before = Counts(started=(("Gantt", 2),))
    assert not Digest(unowned=Group(), untouched=Group(), counts=Counts(), before=before).is_empty
