"""Count what the rows of the report brought, for the metrics."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.card import discovery_delay
from bot.domain.changes import Change, Started
from bot.domain.license_update import LicenseUpdate


@dataclass(kw_only=True)
class RowCounts:
    """What some rows brought. The other rows said nothing new."""

    new: int = 0
    """Rows of licenses that were not known."""
    changed: int = 0
    """Rows that added something to a known license."""
    changes: Counter[tuple[type[Change], str]] = field(default_factory=Counter)
    """By what happened to a trial, and the key of its app."""
    delays: list[timedelta] = field(default_factory=list)
    """How long after their start new trials with a card were discovered."""

    def add(self, update: LicenseUpdate, *, rows: int, at: datetime) -> None:
        """Add what a record brought that stands for so many rows and was read at this time."""
        if update.known is None:
            self.new += rows
        elif update.has_changes:
            self.changed += rows
        for change in update.changes:
            self.changes[type(change), update.seen.app_key] += 1
        self.delays += [
            discovery_delay(change.trial.started, at) for change in update.announced if isinstance(change, Started)
        ]
