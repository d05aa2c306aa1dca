"""Working time: the hours in which the team works, and moments counted in them.

A day's window keeps its wall times, so on a day of clock change it may be an hour longer or shorter. A wall time that
does not exist counts as the first one after it, and one that comes twice as the earlier.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import count, takewhile
from typing import Final, Self
from zoneinfo import ZoneInfo

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""As the team file has them, Monday first."""
_TIME: Final = r"((?:[01]\d|2[0-3]):[0-5]\d)"
_HOURS: Final = re.compile(rf"([a-z,\s-]+?)\s+{_TIME}\s*-\s*{_TIME}", re.ASCII)
_DURATION: Final = re.compile(r"(\d{1,4})\s*([smhd])", re.ASCII)
_HORIZON: Final = timedelta(days=60)
"""A calendar without a working day for this long is a mistake."""


class DurationUnit(StrEnum):
    """The unit of a working duration."""

    SECONDS = "s"
    MINUTES = "m"
    HOURS = "h"
    DAYS = "d"


@dataclass(frozen=True, slots=True)
class WorkingDuration:
    """An amount of working time. A day is as long as the hours of one working day, so `1d` after Monday at 10:00 is
    Tuesday at 10:00.
    """

    amount: int
    unit: DurationUnit

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read `30m`, `4h` or `5d`. Raises ValueError for other text."""
        found = _DURATION.fullmatch(text.strip())
        if found is None:
            raise ValueError("not a duration")
        return cls(int(found[1]), DurationUnit(found[2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """The hours of each working day, in local time. Monday is 0."""

    days: frozenset[int]
    opens: time
    closes: time

    def __str__(self) -> str:
        return f"{_days_text(self.days)} {self.opens:%H:%M}-{self.closes:%H:%M}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read `mon-fri 09:00-17:00`, `sun-thu 08:00-16:30` or `mon,wed,fri 09:00-13:00`.

        Raises ValueError for other text, and if the hours do not end after they begin.
        """
        found = _HOURS.fullmatch(text.strip().lower())
        days = None if found is None else _read_days(found[1])
        if found is None or not days:
            raise ValueError("not working hours")
        opens, closes = time.fromisoformat(found[2]), time.fromisoformat(found[3])
        if opens >= closes:
            raise ValueError("not working hours: they end before they begin")
        return cls(days=days, opens=opens, closes=closes)

    def length(self, duration: WorkingDuration) -> timedelta:
        """Return how long a duration is in hours of work."""
        match duration.unit:
            case DurationUnit.SECONDS:
                return timedelta(seconds=duration.amount)
            case DurationUnit.MINUTES:
                return timedelta(minutes=duration.amount)
            case DurationUnit.HOURS:
                return timedelta(hours=duration.amount)
            case DurationUnit.DAYS:
                day = datetime.combine(date.min, self.closes) - datetime.combine(date.min, self.opens)
                return duration.amount * day


DEFAULT_HOURS: Final = WorkingHours(days=frozenset(range(5)), opens=time(9), closes=time(17))


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingCalendar:
    """Working hours in a time zone, without the holidays. Every moment is aware; those returned are in UTC."""

    hours: WorkingHours
    zone: ZoneInfo
    holidays: frozenset[date] = frozenset()

    def is_working_day(self, day: date) -> bool:
        """Return whether people work on a day."""
        return day.weekday() in self.hours.days and day not in self.holidays

    def is_empty(self, after: date) -> bool:
        """Return whether there is no working day within 60 days."""
        return not any(self.is_working_day(after + timedelta(days=n)) for n in range(_HORIZON.days))

    def is_open(self, moment: datetime) -> bool:
        """Return whether a moment is inside working hours. The closing time is outside."""
        return self.next_opening(moment) == moment

    def next_opening(self, moment: datetime) -> datetime:
        """Return the first moment inside working hours, from `moment` on."""
        return self._after(moment, timedelta(0))

    def add(self, start: datetime, duration: WorkingDuration) -> datetime:
        """Return the first moment inside working hours at which this much working time has passed since `start`.

        So 8 hours after an opening at 09:00 is not 17:00, when nobody is there, but the next opening.
        """
        return self._after(start, self.hours.length(duration))

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return how much working time lies between two moments; none if `end` comes first."""
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        windows = takewhile(lambda window: window[0] < end, self._windows(start, until=end))
        return sum((max(min(closes, end) - max(opens, start), timedelta(0)) for opens, closes in windows), timedelta(0))

    def _after(self, start: datetime, left: timedelta) -> datetime:
        start = start.astimezone(UTC)
        for opens, closes in self._windows(start):
            begins = max(opens, start)
            if begins < closes:
                if left < closes - begins:
                    return begins + left
                left -= closes - begins
        raise AssertionError("days never end")

    def _windows(self, start: datetime, *, until: datetime | None = None) -> Iterator[tuple[datetime, datetime]]:
        """Yield the opening and closing of each working day, from the day before `start` on: where clocks go back at
        midnight, its window may be over while its date comes again. With `until`, they end a day after it.
        """
        first = start.astimezone(self.zone).date() - timedelta(days=1)
        days = count() if until is None else range((until.date() - first).days + 2)
        for day in (first + timedelta(days=n) for n in days):
            if self.is_working_day(day):
                yield self.moment(day, self.hours.opens), self.moment(day, self.hours.closes)

    def moment(self, day: date, wall: time) -> datetime:
        """Return when the clocks first show this time or a later one, on any day."""
        shown = datetime.combine(day, wall)
        # PEP 495: in a gap, fold 0 leads to a moment after the change of the clocks, and fold 1 to one before it.
        late, early = (shown.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if late <= early:
            return late
        while late - early > timedelta(seconds=1):
            middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
            if middle.astimezone(self.zone).replace(tzinfo=None) < shown:
                early = middle
            else:
                late = middle
        return late


def _read_days(text: str) -> frozenset[int]:
    """Return the days in `mon-wed,fri`, or none if one of them is not a day."""
    days = set[int]()
    for part in text.split(","):
        first, _, last = (word.strip() for word in part.partition("-"))
        if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
            return frozenset()
        begins, ends = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        days |= {day % len(WEEKDAYS) for day in range(begins, begins + (ends - begins) % len(WEEKDAYS) + 1)}
    return frozenset(days)


def _days_text(days: frozenset[int]) -> str:
    """Return `mon-fri`, `sun-thu` or `mon,wed-fri`: each run of days by its first and last one."""
    if len(days) == len(WEEKDAYS):
        return f"{WEEKDAYS[0]}-{WEEKDAYS[-1]}"
    runs = []
    for day in sorted(days):
        if (day - 1) % len(WEEKDAYS) in days:
            continue
        last = day
        while (last + 1) % len(WEEKDAYS) in days:
            last = (last + 1) % len(WEEKDAYS)
        runs.append(WEEKDAYS[day] if last == day else f"{WEEKDAYS[day]}-{WEEKDAYS[last]}")
    return ",".join(runs)
