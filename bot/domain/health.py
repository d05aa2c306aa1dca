"""Figures about how the bot is doing, before they become text."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median_high

from bot.domain.row_counts import RowCounts
from bot.domain.webhook_events import WebhookStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedRow:
    """A record of the report that could not be read: its best id and what is wrong. Nothing else is kept."""

    ref: str
    reason: str
    last_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """How long after their start trials were discovered: upper bounds, since the report gives the start as a day. Or
    how long after an installation the license was there: exactly.
    """

    trials: int
    median: timedelta
    worst: timedelta
    p90: timedelta
    """What nine of ten do not exceed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketStatus:
    """The Socket Mode connection. `down`: for how long there has been none."""

    heard: timedelta | None
    """Time since the last sign of life from Slack."""
    down: timedelta | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxStatus:
    """The mailbox for replies."""

    heard: timedelta | None
    """Time since its server last answered; None if it never did."""
    problem: str | None = None
    """Why it cannot be read."""


class PollOutcome(StrEnum):
    """How a poll ended."""

    GOOD = "good"
    FAILED = "failed"
    RUNNING = "running"
    """It has not ended, or a stop of the bot cut it off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """How the bot is doing at one moment. Times are UTC; None means that it has not happened yet."""

    now: datetime
    outcome: PollOutcome | None
    """Of the latest poll."""
    error: str | None
    read_at: datetime | None
    """When the report was last read completely."""
    rows: int | None
    """How many rows it had then."""
    swept_at: datetime | None
    """When the full report was last read."""
    next_poll: datetime | None
    delays: Delays | None
    licensed: Delays | None = None
    """How long after an installation, as the app said, the report had the license. Of the last thirty days."""
    quarantined: int
    examples: tuple[QuarantinedRow, ...]
    waiting: int
    """How many deliveries to Slack are waiting."""
    mails_waiting: int = 0
    """How many emails have not been sent yet: queued, or deferred by the mail server."""
    bounces_unclear: int = 0
    """How many emails of the last thirty days have a bounce that the bot could not interpret."""
    closed: tuple[str, ...] = ()
    """A sentence for each open Slack outage, with the fix."""
    given_up: int = 0
    """How many deliveries of the last seven days were given up."""
    webhooks: tuple[WebhookStatus, ...] = ()
    """The addresses that get events."""
    clock_moved: timedelta | None = None
    """How far the machine's clock was changed during the last day: negative if it was set back."""
    locked: timedelta | None = None
    """How long another program has kept the bot from writing to the database."""
    unwiped: bool = False
    """Whether erased data can still be found in the database files."""
    line: SocketStatus | None = None
    """None if Slack sends HTTP requests instead."""
    mailbox: MailboxStatus | None = None
    """None if the bot reads no replies, or another copy does."""
    problems: tuple[str, ...] = ()
    """Returns why Slack does not say who the bot is, or what the app's installation lacks; a sentence for each."""


def delays(found: Sequence[timedelta]) -> Delays | None:
    """Return the median, the ninth of ten and the worst delay, or None if there are none."""
    if not found:
        return None
    ordered = sorted(found)
    p90 = ordered[-(-len(ordered) * 90 // 100) - 1]
    return Delays(trials=len(found), median=median_high(ordered), worst=ordered[-1], p90=p90)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollStats:
    """What one poll read and found."""

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
    """What one batch brought: newly discovered trials, and how many of them get a card."""

    started: int = 0
    announced: int = 0
    counts: RowCounts = field(default_factory=RowCounts, compare=False, repr=False)
    """The details, for the metrics."""
