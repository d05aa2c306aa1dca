"""Read until when somebody is away."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from bot.domain.working_time import WEEKDAYS

_LONGEST_ABSENCE: Final = timedelta(days=366)
_NAMED: Final = {"today": 0, "tomorrow": 1}
_DAY: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_WEEKDAY: Final = re.compile(r"(mon|tues?|wed(nes)?|thu(rs?)?|fri|sat(ur)?|sun)(day)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class AwayCommand:
    """Somebody is away through the day `until`, or until they say that they are back."""

    until: date | None = None


def read_away(text: str, *, today: date) -> AwayCommand | None:
    """Read what follows `away`: nothing, or a day with or without `until`.

    None for other text, and for a day that is past or more than a year ahead.
    """
    words = text.lower().split()
    if words[:1] == ["until"]:
        words = words[1:] or [""]
    if not words:
        return AwayCommand()
    day = _day(words[0], today) if len(words) == 1 else None
    is_ahead = day is not None and timedelta(0) <= day - today <= _LONGEST_ABSENCE
    return AwayCommand(until=day) if is_ahead else None


def _day(word: str, today: date) -> date | None:
    """Return a day: 2026-12-07, today, tomorrow, or the next day of that name: fri, friday."""
    if word in _NAMED:
        return today + timedelta(days=_NAMED[word])
    if _WEEKDAY.fullmatch(word):
        ahead = WEEKDAYS.index(word[:3]) - today.weekday()
        return today + timedelta(days=ahead % len(WEEKDAYS))
    found = _DAY.fullmatch(word)
    try:
        return None if found is None else date(*map(int, found.groups()))
    except ValueError:
        return None
