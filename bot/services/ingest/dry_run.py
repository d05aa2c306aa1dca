"""A poll that writes nothing: what it would change, and why."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.domain.announcement import AnnouncementPolicy, SkipReason
from bot.domain.evaluation import License, Trial
from bot.domain.history import UNTOLD, Entry
from bot.domain.license_update import LicenseUpdate, starts_trial
from bot.domain.reported_entries import entry_of
from bot.marketplace.license_record import InvalidRecord
from bot.marketplace.responses import Row
from bot.services.ingest.parsing import parse_new
from bot.store import Store
from bot.store.licenses.batching import ParsedRecord

_BATCH: Final = 500

Progress = Callable[[int], None]
"""Called now and then with the number of rows read."""


@dataclass(kw_only=True)
class DryRunResult:
    """What a poll would change. Trials that would get no card are counted by reason."""

    rows: int = 0
    known: int = 0
    """Rows that were processed before, or belong to a license of an earlier row."""
    cards: list[tuple[License, Trial]] = field(default_factory=list)
    facts: list[tuple[License, Entry]] = field(default_factory=list)
    silent: Counter[SkipReason] = field(default_factory=Counter)
    unreadable: list[InvalidRecord] = field(default_factory=list)


class DryRun:
    """A dry run beside the running bot: it asks the store the same questions and writes nothing."""

    def __init__(self, store: Store, *, announcement: AnnouncementPolicy, now: datetime, progress: Progress) -> None:
        self._store = store
        self._announcement = announcement
        self._now = now
        self._progress = progress
        self._batch: list[Row] = []
        self._met: set[tuple[str, str]] = set()
        self.result = DryRunResult()

    async def add(self, rows: Iterable[Row]) -> None:
        """Add some rows."""
        self._batch += rows
        if len(self._batch) >= _BATCH:
            await self.flush()

    async def flush(self) -> None:
        """Compare the rows added so far."""
        batch, self._batch = self._batch, []
        self.result.rows += len(batch)
        for license_update in await self._store.licenses.diff(await self._new(batch), self._announcement):
            self._note(license_update)
        self._progress(self.result.rows)

    async def _new(self, batch: list[Row]) -> list[ParsedRecord]:
        """Return the records not processed before, one for each license: an earlier one was not stored."""
        new = await parse_new(self._store, batch)
        self.result.unreadable += new.unreadable
        self.result.known += new.known
        records = []
        for record in new.records:
            if self._met.isdisjoint(record.keys):
                self._met |= record.keys
                records.append(record)
            else:
                self.result.known += 1
        return records

    def _note(self, license_update: LicenseUpdate) -> None:
        cards = dict.fromkeys(change.trial for change in license_update.announced)
        self.result.cards += [(license_update.seen, trial) for trial in cards]
        for change in license_update.changes:
            if change.trial in cards:
                continue
            if starts_trial(change, today=self._announcement.today):
                reason = self._announcement.skip_reason(license_update.seen, change.trial)
                self.result.silent.update([] if reason is None else [reason])
            entry = entry_of(change, license_update.seen, at=self._now)
            if license_update.known is not None and entry is not None and entry.kind not in UNTOLD:
                self.result.facts.append((license_update.seen, entry))
