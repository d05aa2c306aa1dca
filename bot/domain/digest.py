"""Digests: when one is due, and what it says."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.domain.listing import EvaluationRow
from bot.domain.team_settings import DigestTimes
from bot.domain.working_time import WorkingCalendar

SHOWN: Final = 5
"""Evaluations that a line names; of the rest it gives the number."""
SOON: Final = 7
"""Days before its end from which a trial that nobody touched stands in the digest."""
_WEEK: Final = timedelta(days=7)


class DigestKind(StrEnum):
    """How often a digest comes."""

    DAILY = "daily"
    WEEKLY = "weekly"


_LATEST: Final = {DigestKind.DAILY: timedelta(hours=4), DigestKind.WEEKLY: timedelta(hours=24)}
"""How late a digest may be, after the bot was down. One that would be later is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestPeriod:
    """A digest: its kind, the local day on which it comes, and the time that it tells of, in UTC."""

    kind: DigestKind
    day: date
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Evaluations that need somebody: the most urgent ones, and how many there are."""

    rows: tuple[EvaluationRow, ...] = ()
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What happened in a time."""

    started: tuple[tuple[str, int], ...] = ()
    """Evaluations that were announced, by the name of the app, the most first."""
    bought: int = 0
    ended: int = 0

    @property
    def total_started(self) -> int:
        """How many evaluations were announced."""
        return sum(number for _, number in self.started)

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened."""
        return not (self.started or self.bought or self.ended)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What a digest says about the evaluations of one channel. A daily one has no `before`."""

    unowned: Group
    untouched: Group
    """They end soon, and nobody wrote, noted or said anything."""
    rehearsed: Group = Group()
    """Evaluations of which somebody would have been reminded."""
    late: int = 0
    """Reminders that were due too long ago to be sent."""
    report_error: str | None = None
    """Why the latest poll of the licenses report failed."""
    counts: Counts
    before: Counts | None = None
    """The same for the week before."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say, so that nothing is sent."""
        before = self.before is None or self.before.is_empty
        needing = self.unowned.total + self.untouched.total + self.rehearsed.total + self.late
        return not needing and self.counts.is_empty and before and self.report_error is None


def due_digests(times: DigestTimes, calendar: WorkingCalendar, now: datetime) -> Iterator[DigestPeriod]:
    """Yield the digests whose time has come, and is not long past. `now` is in UTC.

    A daily one comes on working days, and tells of the time since the one before.
    """
    today = now.astimezone(calendar.zone).date()
    for day in (today - timedelta(days=1), today):
        if times.daily is not None and calendar.is_working_day(day):
            until = calendar.moment(day, times.daily)
            if _is_due(DigestKind.DAILY, until, now):
                before = next(each for each in _days_before(day) if calendar.is_working_day(each))
                since = calendar.moment(before, times.daily)
                yield DigestPeriod(kind=DigestKind.DAILY, day=day, since=since, until=until)
        if times.weekly is not None and day.weekday() == times.weekly.day:
            until = calendar.moment(day, times.weekly.at)
            if _is_due(DigestKind.WEEKLY, until, now):
                since = calendar.moment(day - _WEEK, times.weekly.at)
                yield DigestPeriod(kind=DigestKind.WEEKLY, day=day, since=since, until=until)


def week_before(period: DigestPeriod) -> tuple[datetime, datetime]:
    """Return the beginning and the end of the week before a weekly digest's."""
    return period.since - (period.until - period.since), period.since


def _is_due(kind: DigestKind, moment: datetime, now: datetime) -> bool:
    return moment <= now <= moment + _LATEST[kind]


def _days_before(day: date) -> Iterator[date]:
    while True:
        day -= timedelta(days=1)
        yield day
