"""Working time, compared with a simulation that looks at the clock every minute."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest

from bot.domain.working_time import DEFAULT_HOURS, DurationUnit, WorkingCalendar, WorkingDuration, WorkingHours
from tests.examples import some_quick

MINUTE = timedelta(minutes=1)
ZONES = (
    "UTC Africa/Cairo Africa/Casablanca Africa/Johannesburg Africa/Lagos America/Adak America/Argentina/Buenos_Aires "
    "America/Asuncion America/Chicago America/Denver America/Halifax America/Havana America/Los_Angeles "
    "America/Mexico_City America/New_York America/Nuuk America/Santiago America/Sao_Paulo America/Scoresbysund "
    "America/St_Johns Antarctica/Troll Asia/Beirut Asia/Gaza Asia/Jerusalem Asia/Kathmandu Asia/Kolkata Asia/Riyadh "
    "Asia/Tehran Asia/Tokyo Atlantic/Azores Australia/Adelaide Australia/Lord_Howe Australia/Sydney Europe/Berlin "
    "Europe/Dublin Europe/Lisbon Europe/London Pacific/Apia Pacific/Auckland Pacific/Chatham"
).split()
ODD_ZONES = "Africa/Casablanca America/Havana Antarctica/Troll Australia/Lord_Howe Europe/Berlin Pacific/Apia".split()
"""They change their clocks for Ramadan, at midnight, by two hours, by half an hour, as most do, and by a whole day."""
HOURS = (
    "mon-fri 09:00-17:00",
    "mon-sun 00:00-23:59",
    "sun-thu 08:30-16:15",
    "mon-sun 01:30-02:30",
    "mon-sun 00:15-02:00",
    "mon-sat 02:30-03:15",
    "tue,thu,sat,sun 23:10-23:50",
)
YEARS = (2007, 2011, 2018, 2024, 2026)


@cache
def _days_of_clock_change(zone: ZoneInfo) -> list[date]:
    days = [date(year, 1, 1) + timedelta(days=n) for year in YEARS for n in range(365)]

    def offset(day: date) -> timedelta | None:
        return datetime.combine(day, time(12), tzinfo=zone).utcoffset()

    return [day for day in days if offset(day - timedelta(days=1)) != offset(day)]


def _open_minutes(calendar: WorkingCalendar, start: datetime) -> Iterator[datetime]:
    """Yield each minute of work from `start` on: one whose wall clock, set back or not, has come as far as the opening
    of its day, and not as far as the closing.
    """
    moment = start - timedelta(days=2)
    latest = datetime.min  # noqa: DTZ901  a wall clock
    while True:
        latest = max(latest, moment.astimezone(calendar.zone).replace(tzinfo=None))
        is_hour = moment >= start and calendar.hours.opens <= latest.time() < calendar.hours.closes
        if is_hour and latest.weekday() in calendar.hours.days and latest.date() not in calendar.holidays:
            yield moment
        moment += MINUTE


@pytest.mark.parametrize("name", some_quick(ZONES, quick=ODD_ZONES))
def test_it_agrees_with_a_simulation_minute_by_minute(name: str) -> None:
    dice, zone = random.Random(name), ZoneInfo(name)  # noqa: S311  tests draw the same each time
    for n in range(len(HOURS)):
        change = dice.choice(_days_of_clock_change(zone) or [date(2026, 3, 29)])
        calendar = WorkingCalendar(
            hours=WorkingHours.read(HOURS[n]),
            zone=zone,
            holidays=frozenset({change + timedelta(days=dice.randrange(-3, 4))} if n % 2 else ()),
        )
        noon = datetime.combine(change, time(12), tzinfo=zone).astimezone(UTC)
        start = noon + dice.randrange(-36 * 60, 24 * 60) * MINUTE
        duration = WorkingDuration(dice.choice([0, 1, 59, 60, dice.randrange(200)]), DurationUnit.MINUTES)
        opens, *later = islice(_open_minutes(calendar, start), duration.amount + 1)
        assert calendar.add(start, duration) == [opens, *later][-1]
        assert calendar.next_opening(start) == opens
        assert calendar.is_open(start) == (opens == start)


@pytest.mark.parametrize("name", ZONES[::8])
def test_the_time_between_two_moments_is_what_the_simulation_counts(name: str) -> None:
    chance = random.Random(name)  # noqa: S311  the same every time
    zone = ZoneInfo(name)
    for day in _days_of_clock_change(zone)[:3] or [date(2026, 3, 2)]:
        calendar = WorkingCalendar(hours=WorkingHours.read(chance.choice(HOURS)), zone=zone)
        start = datetime.combine(day, time(chance.randrange(24), chance.randrange(60)), tzinfo=UTC)
        end = start + timedelta(minutes=chance.randrange(3 * 24 * 60))
        minutes = sum(1 for _ in takewhile(lambda moment: moment < end, _open_minutes(calendar, start)))  # noqa: B023
        assert calendar.between(start, end) == minutes * MINUTE
        assert calendar.between(end, start) == timedelta(0)


def test_there_are_forty_zones_of_which_most_change_their_clocks() -> None:
    assert len(set(ZONES)) == 40
    assert sum(bool(_days_of_clock_change(ZoneInfo(name))) for name in ZONES) >= 30


BERLIN = WorkingCalendar(hours=DEFAULT_HOURS, zone=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("start", "duration", "expected"),
    [
        ("2026-11-02 10:00", "4h", "2026-11-02 14:00"),
        ("2026-11-02 10:00", "1d", "2026-11-03 10:00"),
        ("2026-11-02 10:00", "5d", "2026-11-09 10:00"),
        ("2026-11-06 16:00", "90m", "2026-11-09 09:30"),
        ("2026-11-06 09:00", "8h", "2026-11-09 09:00"),
        ("2026-11-07 12:00", "0s", "2026-11-09 09:00"),
        ("2026-11-06 17:00", "0m", "2026-11-09 09:00"),
        ("2026-11-02 03:00", "30s", "2026-11-02 09:00:30"),
    ],
)
def test_a_duration_counts_in_working_hours(start: str, duration: str, expected: str) -> None:
    begins, ends = (datetime.fromisoformat(text).replace(tzinfo=BERLIN.zone) for text in (start, expected))
    assert BERLIN.add(begins, WorkingDuration.read(duration)) == ends


def test_a_day_that_a_zone_left_out_has_no_working_time() -> None:
    apia = WorkingCalendar(hours=WorkingHours.read("mon-sun 09:00-17:00"), zone=ZoneInfo("Pacific/Apia"))
    start = datetime(2011, 12, 29, 16, tzinfo=apia.zone)
    assert apia.add(start, WorkingDuration.read("2h")) == datetime(2011, 12, 31, 10, tzinfo=apia.zone)


def test_holidays_and_other_days_are_no_working_days() -> None:
    calendar = WorkingCalendar(hours=DEFAULT_HOURS, zone=ZoneInfo("UTC"), holidays=frozenset({date(2026, 12, 25)}))
    assert [calendar.is_working_day(date(2026, 12, day)) for day in (24, 25, 26)] == [True, False, False]


def test_a_calendar_without_a_working_day_for_sixty_days_is_empty() -> None:
    first = date(2026, 11, 2)
    days = [first + timedelta(days=n) for n in range(60)]
    calendar = WorkingCalendar(hours=DEFAULT_HOURS, zone=ZoneInfo("UTC"), holidays=frozenset(days))
    assert calendar.is_empty(first)
    assert not calendar.is_empty(first + timedelta(days=1))


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("mon-fri 09:00-17:00", "mon-fri 09:00-17:00"),
        ("Mon - Fri 09:00 - 17:00", "mon-fri 09:00-17:00"),
        ("mon,tue,wed,thu,fri 09:00-17:00", "mon-fri 09:00-17:00"),
        ("sun-thu 08:00-16:30", "sun-thu 08:00-16:30"),
        ("fri-mon 08:00-16:30", "fri-mon 08:00-16:30"),
        ("wed 10:00-10:01", "wed 10:00-10:01"),
        ("mon,wed-fri 10:00-12:00", "mon,wed-fri 10:00-12:00"),
        ("mon-sun 00:00-23:59", "mon-sun 00:00-23:59"),
        ("tue-mon 00:00-23:59", "mon-sun 00:00-23:59"),
    ],
)
def test_working_hours_are_read_and_shown(typed: str, shown: str) -> None:
    hours = WorkingHours.read(typed)
    assert str(hours) == shown
    assert WorkingHours.read(str(hours)) == hours


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "mon-fri",
        "09:00-17:00",
        "mon-fry 09:00-17:00",
        "mon-fri 17:00-09:00",
        "mon-fri 9-17",
        "mon 09:00-25:00",
        "mon 09:00-09:00",
        "- 09:00-17:00",
        "mon-tue-wed 09:00-17:00",
        "mon- 09:00-17:00 x",
    ],
)
def test_other_text_is_no_working_hours(typed: str) -> None:
    with pytest.raises(ValueError, match="not working hours"):
        WorkingHours.read(typed)


@pytest.mark.parametrize("typed", ["", "4", "h", "-4h", "4.5h", "4 w", "99999h", "４h", "4h 30m"])
def test_other_text_is_no_duration(typed: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        WorkingDuration.read(typed)
