"""What the team sets about its day: working hours, channels, digests, reminders, rotation.

The keys of its plain form are those of the team file, and a contract.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

from bot.domain.working_time import (
    DEFAULT_HOURS,
    WEEKDAYS,
    DurationUnit,
    WorkingCalendar,
    WorkingDuration,
    WorkingHours,
)

OFF: Final = "off"
WAITING_BY_DEFAULT: Final = WorkingDuration(4, DurationUnit.HOURS)
"""After so much working time a person who wrote to us should have an answer, unless the team says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyTime:
    """A day of the week, Monday is 0, and a local time on it."""

    day: int
    at: time

    def __str__(self) -> str:
        return f"{WEEKDAYS[self.day]} {self.at:%H:%M}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read `mon 09:00`. Raises ValueError for other text."""
        day, at = text.lower().split()
        return cls(day=WEEKDAYS.index(day), at=read_time(at))


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestTimes:
    """When digests are posted, in the team's time zone. None: never."""

    daily: time | None = None
    weekly: WeeklyTime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminders:
    """After how much working time each reminder comes. None: never."""

    unclaimed: WorkingDuration | None = None
    untouched: WorkingDuration | None = None
    escalated: WorkingDuration | None = None
    ending: WorkingDuration | None = None
    waiting: WorkingDuration | None = WAITING_BY_DEFAULT
    escalate_to: str | None = None
    """A channel or a user; None for the channel of the card."""
    rehearse_until: date | None = None
    """Until then, reminders are only listed in the digest."""


@dataclass(frozen=True, slots=True)
class RotationMember:
    """Somebody who takes evaluations in turn, `weight` of them at a time when somebody else takes one."""

    user: str
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationRule:
    """Who takes the evaluations of some apps, by their keys, or of all other apps if there are none."""

    apps: tuple[str, ...] = ()
    members: tuple[RotationMember, ...]

    @property
    def name(self) -> str:
        """The apps in one text, by which the members' credits are kept. Empty for all."""
        return " ".join(sorted(self.apps))


@dataclass(frozen=True, slots=True)
class CardChannels:
    """Where the cards of each app go: to its own channel, or else to the default."""

    default: str
    own: Mapping[str, str]

    def of(self, app_key: str) -> str:
        """Return the channel of an app."""
        return self.own.get(app_key, self.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamSettings:
    """Everything the team sets. Holidays and channels are sorted."""

    working_hours: WorkingHours = DEFAULT_HOURS
    holidays: tuple[date, ...] = ()
    channels: tuple[tuple[str, str], ...] = ()
    """The channel of each app that has its own, by the app's key."""
    digest: DigestTimes = field(default_factory=DigestTimes)
    reminders: Reminders = field(default_factory=Reminders)
    rotation: tuple[RotationRule, ...] = ()

    def calendar(self, zone: ZoneInfo) -> WorkingCalendar:
        """Return the working calendar in a time zone."""
        return WorkingCalendar(hours=self.working_hours, zone=zone, holidays=frozenset(self.holidays))

    def rotation_for(self, app_key: str) -> RotationRule | None:
        """Return the rotation of an app: the one that names it, or else the one for all others."""
        own = (rule for rule in self.rotation if app_key in rule.apps)
        return next(own, next((rule for rule in self.rotation if not rule.apps), None))

    def seats(self, default: str) -> dict[str, frozenset[str]]:
        """Return who may be chosen as owner in each channel. Cards of other apps go to `default`."""
        found = dict[str, set[str]]()
        channels = self.card_channels(default)
        named = {app for rule in self.rotation for app in rule.apps}
        for rule in self.rotation:
            others = [channels.of(app) for app in channels.own if app not in named]
            for channel in [channels.of(app) for app in rule.apps] or [default, *others]:
                found.setdefault(channel, set()).update(member.user for member in rule.members)
        return {channel: frozenset(users) for channel, users in found.items()}

    def card_channels(self, default: str) -> CardChannels:
        """Return where the cards of each app go."""
        return CardChannels(default, dict(self.channels))


def read_time(text: str) -> time:
    """Read `09:00`. Raises ValueError for other text."""
    if re.fullmatch(r"\d{2}:\d{2}", text.strip(), re.ASCII) is None:
        raise ValueError("not a time")
    return time.fromisoformat(text.strip())


def to_plain(settings: TeamSettings) -> dict[str, Any]:
    """Return the settings as the team file has them, every key included but those without a value."""
    digest, reminders = settings.digest, settings.reminders
    steps = ("unclaimed", "untouched", "escalated", "ending", "waiting")
    return {
        "working_hours": str(settings.working_hours),
        "holidays": [day.isoformat() for day in settings.holidays],
        "channels": dict(settings.channels),
        "digest": {
            "daily": OFF if digest.daily is None else f"{digest.daily:%H:%M}",
            "weekly": OFF if digest.weekly is None else str(digest.weekly),
        },
        "reminders": {
            **{step: str(getattr(reminders, step) or OFF) for step in steps},
            **({"escalate_to": reminders.escalate_to} if reminders.escalate_to else {}),
            **({"rehearse_until": reminders.rehearse_until} if reminders.rehearse_until else {}),
        },
        **({"rotation": [_plain_rule(rule) for rule in settings.rotation]} if settings.rotation else {}),
    }


def _plain_rule(rule: RotationRule) -> dict[str, Any]:
    members = [{"user": member.user, "weight": member.weight} for member in rule.members]
    return {**({"apps": list(rule.apps)} if rule.apps else {}), "members": members}


def differences(before: TeamSettings, after: TeamSettings) -> dict[str, str]:
    """Return what changed, by key: `off → 09:00`."""
    was, is_ = dict(_texts(before)), dict(_texts(after))
    keys = dict.fromkeys([*was, *is_])
    return {key: f"{was.get(key) or '–'} → {is_.get(key) or '–'}" for key in keys if was.get(key) != is_.get(key)}


def _texts(settings: TeamSettings) -> Iterator[tuple[str, str]]:
    """Yield every key with its value as text; a rotation by its apps."""
    plain = to_plain(settings)
    rules = plain.pop("rotation", [])
    for key, value in plain.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}.{name}", str(each)) for name, each in value.items())
        else:
            yield key, ", ".join(value) if isinstance(value, list) else value
    for rule in rules:
        members = ", ".join(f"{member['user']} × {member['weight']}" for member in rule["members"])
        yield f"rotation of {' '.join(rule.get('apps', ['all']))}", members
