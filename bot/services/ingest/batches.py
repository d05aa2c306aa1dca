"""Read the rows of one poll and record them batch by batch."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Final

import structlog

from bot.domain.announcement import AnnouncementPolicy
from bot.domain.changes import Change, Converted, Ended, Extended, Started
from bot.domain.health import PollStats
from bot.domain.row_counts import RowCounts
from bot.marketplace.license_record import InvalidRecord
from bot.marketplace.responses import Row
from bot.metrics.catalog import EVALUATIONS, REPORT_DELAY, REPORT_ROWS
from bot.metrics.labels import AppKey, EvaluationEvent, RowResult
from bot.metrics.meter import OFF, Meter
from bot.services.ingest.parsing import parse_new
from bot.store import Store
from bot.store.licenses.batching import ParsedRecord

log = structlog.get_logger()

_BATCH_ROWS: Final = 500
"""Rows that are compared with the store together."""
_RECORDED: Final = 5_000
"""Licenses that are recorded together: the more, the less often the database writes the same page."""
_NAMED: Final = 20
"""Unreadable rows of a batch that the log names. After a change by Atlassian it may be all of them."""

_EVENTS: Final[Mapping[type[Change], EvaluationEvent]] = {
    Started: EvaluationEvent.STARTED,
    Extended: EvaluationEvent.EXTENDED,
    Converted: EvaluationEvent.CONVERTED,
    Ended: EvaluationEvent.ENDED,
}


class ReportIngest:
    """The ingest of one poll. While a batch is recorded, completely or not at all, the next one is read. Close it at
    the end.
    """

    def __init__(
        self,
        store: Store,
        *,
        announcement: AnnouncementPolicy,
        channel: str,
        now: datetime,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.meter: Meter = OFF
        self._progress = progress
        self._store = store
        self._announcement = announcement
        self._channel = channel
        self._now = now
        self._batch: list[Row] = []
        self._records: list[ParsedRecord] = []
        self._unreadable: set[InvalidRecord] = set()
        self._recording: asyncio.Task[None] | None = None
        self.stats = PollStats()

    async def add(self, rows: Iterable[Row]) -> None:
        """Read some rows. Those that cannot be read are quarantined, and the rest goes on."""
        self._batch += rows
        if len(self._batch) >= _BATCH_ROWS:
            await self._filter_new()
            if len(self._records) >= _RECORDED:
                await self._recorded()
                self._recording = asyncio.create_task(self._record(self._taken()))

    async def flush(self) -> None:
        """Record the rows added so far."""
        await self._filter_new()
        await self._recorded()
        await self._record(self._taken())

    async def aclose(self) -> None:
        """Wait until nothing is being recorded. After a failed poll, the batch in flight is recorded, too."""
        if self._recording is not None:
            await asyncio.gather(self._recording, return_exceptions=True)

    async def _filter_new(self) -> None:
        """Find out what the batch says that was not processed before."""
        batch, self._batch = self._batch, []
        new = await parse_new(self._store, batch)
        self._records += new.records
        unreadable = set(new.unreadable) - self._unreadable  # two questions may bring the same row
        self._unreadable |= unreadable
        await self._quarantine(unreadable)
        self.stats += PollStats(rows=len(batch), quarantined=len(unreadable))
        self.meter.count(REPORT_ROWS, RowResult.QUARANTINED, by=len(new.unreadable))
        self.meter.count(REPORT_ROWS, RowResult.SAME, by=new.known)
        self._progress(self.stats.rows)

    def _taken(self) -> list[ParsedRecord]:
        records, self._records = self._records, []
        return records

    async def _recorded(self) -> None:
        """Wait for the batch that is being recorded, and raise its error, if any."""
        if self._recording is not None:
            recording, self._recording = self._recording, None
            await recording

    async def _record(self, records: list[ParsedRecord]) -> None:
        recorded = await self._store.licenses.record(records, self._announcement, channel=self._channel, at=self._now)
        self.stats += PollStats(started=recorded.started, announced=recorded.announced)
        self._count(len(records), recorded.counts)

    def _count(self, rows: int, counts: RowCounts) -> None:
        """Count what rows brought, once they are recorded."""
        self.meter.count(REPORT_ROWS, RowResult.NEW, by=counts.new)
        self.meter.count(REPORT_ROWS, RowResult.CHANGED, by=counts.changed)
        self.meter.count(REPORT_ROWS, RowResult.SAME, by=rows - counts.new - counts.changed)
        for (change, app), times in counts.changes.items():
            if (happened := _EVENTS.get(change)) is not None:
                self.meter.count(EVALUATIONS, happened, AppKey(app), by=times)
        for delay in counts.delays:
            self.meter.observe(REPORT_DELAY, seconds=delay.total_seconds())

    async def _quarantine(self, unreadable: Collection[InvalidRecord]) -> None:
        if not unreadable:
            return
        new = await self._store.polls.quarantine([(each.ref, each.reason) for each in unreadable], at=self._now)
        for ref, reason in new[:_NAMED]:
            log.warning("record_quarantined", license=ref, reason=reason)
        if len(new) > _NAMED:
            log.warning("records_quarantined", more=len(new) - _NAMED)
