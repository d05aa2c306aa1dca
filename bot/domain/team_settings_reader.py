"""Read the team's settings from their plain form, and find everything that is wrong with it."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from bot.domain.team_settings import (
    OFF,
    WAITING_BY_DEFAULT,
    DigestTimes,
    Reminders,
    RotationMember,
    RotationRule,
    TeamSettings,
    WeeklyTime,
    read_time,
)
from bot.domain.working_time import DEFAULT_HOURS, WorkingDuration, WorkingHours

T = TypeVar("T")
Place = tuple[str | int, ...]
"""The way to a value: keys of tables and positions in lists."""

_APP: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_CHANNEL: Final = re.compile(r"[CG][A-Z0-9]{2,}", re.ASCII)
_USER: Final = re.compile(r"[UW][A-Z0-9]{2,}", re.ASCII)
_CHANNEL_OR_USER: Final = re.compile(r"[CGUW][A-Z0-9]{2,}", re.ASCII)
_MAX_WEIGHT: Final = 10
_MAX_NAME: Final = 80
"""Letters of a name that a sentence shows: it may be a mistake of any length."""
_DURATION: Final = 'a duration of working time like "30m", "4h" or "5d", or "off"'
_UTC: Final = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class SettingsProblem:
    """Something that is wrong, as a sentence, and where."""

    place: Place
    sentence: str


def read_team_settings(data: Mapping[str, Any], *, today: date) -> tuple[TeamSettings, list[SettingsProblem]]:
    """Return the settings and everything that is wrong. A key that is left out or wrong has its default."""
    problems: list[SettingsProblem] = []
    top = _Table(data, (), problems)
    hours = top.value("working_hours", _text(WorkingHours.read), 'hours like "mon-fri 09:00-17:00"')
    settings = TeamSettings(
        working_hours=hours or DEFAULT_HOURS,
        holidays=tuple(sorted(set(top.values("holidays", _day, 'a day like "2026-12-25"')))),
        channels=tuple(sorted(_channels(top.table("channels")))),
        digest=_digest(top.table("digest")),
        reminders=_reminders(top.table("reminders")),
        rotation=tuple(_rotation(top)),
    )
    top.end()
    if settings.calendar(_UTC).is_empty(today):
        top.complain(("holidays",), "holidays leaves no working day within 60 days.")
    return settings, problems


class _Table:
    """A table, of which every key must be read. What is wrong goes into `problems`."""

    def __init__(self, data: object, place: Place, problems: list[SettingsProblem]) -> None:
        self._place = place
        self._problems = problems
        self._known: list[str] = []
        self.is_table = isinstance(data, Mapping)
        self.data: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
        if not self.is_table:
            self.complain((), f"{_name(place)} should be a table.")

    def complain(self, place: Place, sentence: str) -> None:
        """Add a problem with this table or something in it."""
        self._problems.append(SettingsProblem((*self._place, *place), sentence))

    def value(self, key: str, read: Callable[[Any], T | None], should: str, *, default: T | None = None) -> T | None:
        """Return a value, which should be what the words say, or the default if it is left out. None if it is off or
        wrong.
        """
        self._known.append(key)
        return self._read((key,), self.data[key], read, should) if key in self.data else default

    def values(self, key: str, read: Callable[[Any], T | None], should: str) -> Iterator[T]:
        """Yield the good values of a list."""
        for position, each in enumerate(self._list(key)):
            if (found := self._read((key, position), each, read, should)) is not None:
                yield found

    def table(self, key: str) -> "_Table":
        """Return a table in this one."""
        self._known.append(key)
        return _Table(self.data.get(key, {}), (*self._place, key), self._problems)

    def tables(self, key: str) -> Iterator["_Table"]:
        """Yield the tables of a list."""
        for position, each in enumerate(self._list(key)):
            yield _Table(each, (*self._place, key, position), self._problems)

    def end(self) -> None:
        """Complain about the keys that nobody read."""
        for key in self.data:
            if key not in self._known:
                near = get_close_matches(key, self._known, n=1)
                hint = f"Did you mean {near[0]}?" if near else f"It can hold {', '.join(self._known)}."
                self.complain((key,), f"{_name((*self._place, key))} is unknown. {hint}")

    def _list(self, key: str) -> list[Any]:
        self._known.append(key)
        found = self.data.get(key, [])
        if isinstance(found, list):
            return found
        self.complain((key,), f"{_name((*self._place, key))} should be a list.")
        return []

    def _read(self, place: Place, value: object, read: Callable[[Any], T | None], should: str) -> T | None:
        try:
            return read(value)
        except ValueError:
            self.complain(place, f"{_name((*self._place, *place))} should be {should}.")
            return None


def _channels(table: _Table) -> Iterator[tuple[str, str]]:
    for app in table.data:
        if _APP.fullmatch(app) is None or isinstance(table.data[app], Mapping):
            table.complain(
                (app,), f'{_name(("channels", app))} should be the key of an app in quotes: "com.example.app".'
            )
        elif channel := table.value(app, _text(_matching(_CHANNEL)), "the id (C…) of a channel"):
            yield app, channel


def _digest(table: _Table) -> DigestTimes:
    daily = table.value("daily", _or_off(read_time), 'a time like "09:00", or "off"')
    weekly = table.value("weekly", _or_off(WeeklyTime.read), 'a day and a time like "mon 09:00", or "off"')
    table.end()
    return DigestTimes(daily=daily, weekly=weekly)


def _reminders(table: _Table) -> Reminders:
    found = Reminders(
        unclaimed=table.value("unclaimed", _or_off(WorkingDuration.read), _DURATION),
        untouched=table.value("untouched", _or_off(WorkingDuration.read), _DURATION),
        escalated=table.value("escalated", _or_off(WorkingDuration.read), _DURATION),
        ending=table.value("ending", _or_off(WorkingDuration.read), _DURATION),
        waiting=table.value("waiting", _or_off(WorkingDuration.read), _DURATION, default=WAITING_BY_DEFAULT),
        escalate_to=table.value(
            "escalate_to", _text(_matching(_CHANNEL_OR_USER)), "the id of a channel (C…) or of a user (U…)"
        ),
        rehearse_until=table.value("rehearse_until", _day, "a day like 2026-12-07"),
    )
    table.end()
    return found


def _rotation(top: _Table) -> Iterator[RotationRule]:
    """Yield the rules. No app may have two of them, nor may all the others."""
    taken = set[str]()
    for table in top.tables("rotation"):
        apps = tuple(table.values("apps", _text(_matching(_APP)), "the key of an app"))
        members = tuple(_members(table))
        if table.is_table and table.data.get("members", []) == []:
            table.complain((), 'members should name somebody: [{ user = "U…" }].')
        for app in apps or ("",):
            if app in taken:
                table.complain((), f"{app or 'Every other app'} has a rotation already.")
            taken.add(app)
        table.end()
        yield RotationRule(apps=apps, members=members)


def _members(rule: _Table) -> Iterator[RotationMember]:
    known = set[str]()
    for table in rule.tables("members"):
        user = table.value("user", _text(_matching(_USER)), "the id (U…) of a user")
        weight = table.value("weight", _weight, f"a number from 1 to {_MAX_WEIGHT}")
        table.end()
        if "user" not in table.data and table.is_table:
            table.complain((), "A member needs a user.")
        if user in known:
            table.complain(("user",), f"{user} is in this rotation twice. Use weight.")
        if user is not None:
            known.add(user)
            yield RotationMember(user, weight or 1)


def _name(place: Place) -> str:
    """Return the name of a value for people: `digest.daily`, `holidays[2]`. Positions count from 1."""
    name = ""
    for each in place:
        name += f"[{each + 1}]" if isinstance(each, int) else f".{each}" if name else each
    shown = "".join(letter if letter.isprintable() else "�" for letter in name[:_MAX_NAME])
    return shown if len(name) <= _MAX_NAME else f"{shown}…"


def _text(read: Callable[[str], T]) -> Callable[[object], T]:
    """Return a reader that refuses everything but text."""

    def read_text(value: object) -> T:
        if not isinstance(value, str):
            raise ValueError("not a text")  # noqa: TRY004  a problem of the file, not of a caller
        return read(value)

    return read_text


def _or_off(read: Callable[[str], T]) -> Callable[[object], T | None]:
    """Return a reader that reads `off` as None."""
    return _text(lambda text: None if text.strip().lower() == OFF else read(text))


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if pattern.fullmatch(text) is None:
            raise ValueError("another shape")
        return text

    return read


def _day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return _text(date.fromisoformat)(value)


def _weight(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MAX_WEIGHT:
        raise ValueError("no weight")
    return value
