"""Snoozes: when to remind a person of an evaluation, and which times are refused."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, assert_never
from zoneinfo import ZoneInfo

_MORNING: Final = time(9)
_WEEK: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Snooze:
    """A person (Slack user id) wants to be reminded of an evaluation at `until`. They said so at `at`."""

    user: str
    until: datetime
    at: datetime


class SnoozeChoice(StrEnum):
    """What the form offers. The values are those of its options."""

    HOUR = "hour"
    TOMORROW = "tomorrow"
    MONDAY = "monday"
    PICK = "pick"


@dataclass(frozen=True, slots=True, kw_only=True)
class SnoozeRefused:
    """A time at which nobody can be reminded: it is over, or after the last day of the trial, `ends`."""

    ends: date | None = None


def snoozed_until(choice: SnoozeChoice, picked: datetime | None, *, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when a person in this zone is to be reminded, or None if they have picked no time yet."""
    today = now.astimezone(zone).date()
    match choice:
        case SnoozeChoice.HOUR:
            return now + timedelta(hours=1)
        case SnoozeChoice.TOMORROW:
            return tomorrow(now, zone)
        case SnoozeChoice.MONDAY:
            return _morning(today + timedelta(days=_WEEK - today.weekday()), zone)
        case SnoozeChoice.PICK:
            return picked
        case _:
            assert_never(choice)


def tomorrow(now: datetime, zone: ZoneInfo) -> datetime:
    """Return tomorrow at nine in the morning, in this zone."""
    return _morning(now.astimezone(zone).date() + timedelta(days=1), zone)


def why_not_snoozed(until: datetime, ends: date | None, *, now: datetime, zone: ZoneInfo) -> SnoozeRefused | None:
    """Return why a person in this zone cannot be reminded then, or None if they can.

    `ends` is None for a trial without a known end.
    """
    if until <= now:
        return SnoozeRefused()
    return SnoozeRefused(ends=ends) if ends is not None and until.astimezone(zone).date() > ends else None


def _morning(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, _MORNING, tzinfo=zone)
