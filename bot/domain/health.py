"""How the bot is doing, before it takes any shape."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median_high


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedRow:
    """A record of the report that could not be read: its best id, with what is wrong; nothing else of it."""

    ref: str
    reason: str
    last_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """How long after their start trials were first seen, at most: the report knows the start by its day alone."""

    trials: int
    median: timedelta
    worst: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketStatus:
    """The connection over which presses arrive; `down` is for how long there has been none, `trouble` says why."""

    heard: timedelta | None
    """Since the last sign of life from Slack."""
    down: timedelta | None = None
    trouble: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """How the bot is doing at a moment. Times are UTC; None stands for what has not happened yet."""

    now: datetime
    outcome: str | None
    """Of the latest reading of the report: `good`, `failed`, `running`."""
    error: str | None
    read_at: datetime | None
    """When the report was last read to its end."""
    rows: int | None
    """How many rows it had then."""
    swept_at: datetime | None
    """When all of it was last read."""
    next_poll: datetime | None
    delays: Delays | None
    quarantined: int
    examples: tuple[QuarantinedRow, ...]
    waiting: int
    """How many things are owed to Slack."""
    mails_waiting: int = 0
    """How many mails have not gone yet: held, or put off by the mail server."""
    bounces_unclear: int = 0
    """How many mails of the last thirty days have something at their return address that nobody understands."""
    closed: tuple[str, ...] = ()
    """The ways to Slack that are closed, a sentence each with what opens it."""
    given_up: int = 0
    """How many things owed to Slack in the last seven days will never get there."""
    clock_moved: timedelta | None = None
    """By how much the clock of the machine was set during the last day: negative when it was set back."""
    locked: timedelta | None = None
    """How long another program has kept the bot from writing to the database."""
    unwiped: bool = False
    """Whether what was erased can still be found in the files of the database."""
    line: SocketStatus | None = None
    """None where Slack sends HTTP requests instead."""
    problems: tuple[str, ...] = ()
    """Why Slack does not say who the bot is, or what the app's installation lacks; a sentence each."""


def delays(found: Sequence[timedelta]) -> Delays | None:
    """The median and the worst; None of nothing."""
    return Delays(trials=len(found), median=median_high(found), worst=max(found)) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PollStats:
    """What one reading of the report came to."""

    rows: int = 0
    started: int = 0
    announced: int = 0
    quarantined: int = 0

    def __add__(self, other: "PollStats") -> "PollStats":
        return PollStats(
            rows=self.rows + other.rows,
            started=self.started + other.started,
            announced=self.announced + other.announced,
            quarantined=self.quarantined + other.quarantined,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestStats:
    """What a batch came to: trials seen for the first time, and how many of them get a card."""

    started: int = 0
    announced: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncident:
    """A trouble that was said and is not yet known to be over; `since` is when it was said."""

    kind: str
    since: datetime
