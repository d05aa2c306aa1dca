"""Digests: when one is due, and what it says."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
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
    OWN = "own"
    """A daily one to a person who switched it on, about what they own. Their user id stands for the channel."""


_LATEST: Final = {
    DigestKind.DAILY: timedelta(hours=4),
    DigestKind.WEEKLY: timedelta(hours=24),
    DigestKind.OWN: timedelta(hours=4),
}
"""How late a digest may be, after the bot was down or Slack was away. One that would be later is left out."""


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
    """What a digest says about the evaluations of one channel, or of one owner. Only a weekly one has `before`."""

    unowned: Group = Group()
    untouched: Group = Group()
    """They end soon, and nobody wrote, noted or said anything."""
    waiting: Group = Group()
    """Of an owner: they did nothing about them yet."""
    ending: Group = Group()
    """Of an owner: they end soon, whatever was done."""
    rehearsed: Group = Group()
    """Evaluations of which somebody would have been reminded."""
    late: int = 0
    """Reminders that were due too long ago to be sent."""
    report_error: str | None = None
    """Why the latest poll of the licenses report failed."""
    left: tuple[tuple[str, int], ...] = ()
    """Why customers left, in a weekly digest: each reason with its number, also of sites that nobody knows."""
    counts: Counts
    before: Counts | None = None
    """The same for the week before."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say, so that nothing is sent."""
        before = self.before is None or self.before.is_empty
        groups = (self.unowned, self.untouched, self.waiting, self.ending, self.rehearsed)
        needing = any(group.total for group in groups) or self.late or self.left
        return not needing and self.counts.is_empty and before and self.report_error is None


def due_digests(times: DigestTimes, calendar: WorkingCalendar, now: datetime) -> Iterator[DigestPeriod]:
    """Yield the digests of the team whose time has come, and is not long past. `now` is in UTC.

    A daily one comes on working days, and tells of the time since the one before.
    """
    if times.daily is not None:
        yield from _each_working_day(DigestKind.DAILY, times.daily, calendar, now)
    for day in _days_around(calendar, now):
        if times.weekly is not None and day.weekday() == times.weekly.day:
            until = calendar.moment(day, times.weekly.at)
            if _is_due(DigestKind.WEEKLY, until, now):
                since = calendar.moment(day - _WEEK, times.weekly.at)
                yield DigestPeriod(kind=DigestKind.WEEKLY, day=day, since=since, until=until)


def due_own_digests(times: DigestTimes, calendar: WorkingCalendar, now: datetime) -> Iterator[DigestPeriod]:
    """Yield the digests that are due to a person with this calendar, who switched theirs on."""
    yield from _each_working_day(DigestKind.OWN, own_time(times, calendar), calendar, now)


def own_time(times: DigestTimes, calendar: WorkingCalendar) -> time:
    """Return the local time of a person's own digest: the team's, or else the beginning of their working hours."""
    return times.daily or calendar.hours.opens


def is_stale(delivery_text: str, *, decided_at: datetime, now: datetime) -> bool:
    """Return whether Slack has not taken a digest for too long. The text is that of its delivery: its kind and day."""
    kind = DigestKind(delivery_text.partition(" ")[0])
    return now > decided_at + _LATEST[kind]


def week_before(period: DigestPeriod) -> tuple[datetime, datetime]:
    """Return the beginning and the end of the week before a weekly digest's."""
    return period.since - (period.until - period.since), period.since


def _each_working_day(kind: DigestKind, at: time, calendar: WorkingCalendar, now: datetime) -> Iterator[DigestPeriod]:
    for day in filter(calendar.is_working_day, _days_around(calendar, now)):
        until = calendar.moment(day, at)
        if _is_due(kind, until, now):
            before = next(each for each in _days_before(day) if calendar.is_working_day(each))
            yield DigestPeriod(kind=kind, day=day, since=calendar.moment(before, at), until=until)


def _days_around(calendar: WorkingCalendar, now: datetime) -> tuple[date, date]:
    """Return yesterday and today: a digest may be a few hours late."""
    today = now.astimezone(calendar.zone).date()
    return today - timedelta(days=1), today


def _is_due(kind: DigestKind, moment: datetime, now: datetime) -> bool:
    return moment <= now <= moment + _LATEST[kind]


def _days_before(day: date) -> Iterator[date]:
    while True:
        day -= timedelta(days=1)
        yield day
