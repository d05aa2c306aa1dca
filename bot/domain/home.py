"""What a person's Home tab shows, before it becomes Slack blocks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.domain.listing import EvaluationRow, Page
from bot.domain.report import ConversionReport

PEOPLE_FOR: Final = timedelta(days=14)
"""How long after somebody opened their Home tab it is kept up to date."""
NUMBERS_FOR: Final = timedelta(days=30)
"""The time that the numbers cover."""
MOST_ROWS: Final = 10
"""Rows of a section, but for one's own evaluations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportState:
    """Whether the licenses report is being read: when it was last read completely, and why the latest poll failed."""

    read_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamHome:
    """What is the same on every Home tab."""

    state: ReportState
    unowned: Page[EvaluationRow]
    ending: Page[EvaluationRow]
    waiting: Page[EvaluationRow]
    """Evaluations whose contact waits for an answer, with or without an owner."""
    numbers: ConversionReport
    emails: int
    """Sent in the time of the numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snoozed:
    """An evaluation, and when its person is reminded of it."""

    row: EvaluationRow
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A person's Home tab."""

    team: TeamHome
    mine: Page[EvaluationRow]
    is_away: bool = False
    is_admin: bool = False
    """Whether the person may change the team's settings."""
    has_digest: bool = False
    """Whether the person switched their own digest on."""
    snoozed: tuple[Snoozed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedHome:
    """The Home tab that a person has in Slack: its hash, and a digest of what it shows. Both may be empty."""

    user: str
    slack_hash: str = ""
    digest: str = ""
