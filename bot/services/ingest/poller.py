"""Read the report and record what is new, with the cards that follow."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Final

import structlog

from bot.domain.announcement import AnnouncementPolicy
from bot.domain.clock_skew import CLOCKS_DIFFER, has_passed, is_future
from bot.domain.poll_window import started_since, updated_since
from bot.errors import BotError, ExportFailed
from bot.marketplace.client import Marketplace
from bot.marketplace.responses import Row
from bot.services.ingest.batches import ReportIngest
from bot.services.ingest.dry_run import DryRunResult, Progress, DryRun
from bot.services.operations.alerts import AdminAlerts
from bot.slack.views.alerts import first_run
from bot.store import Store
from bot.store.polls import PollStats

log = structlog.get_logger()

_NEXT_SWEEP: Final = timedelta(hours=1)
"""After one that failed: a report too large for an hour must not be asked for with every poll."""


class ReportPoller:
    """The one reader of the report. However often and at whatever moment it runs, nothing is announced twice."""

    def __init__(
        self,
        marketplace: Marketplace,
        store: Store,
        *,
        channel: str,
        first_run_days: int,
        sweep_every: timedelta,
        trouble: AdminAlerts,
        clock: Callable[[], datetime],
        own_sites: Collection[str] = (),
    ) -> None:
        self._marketplace = marketplace
        self._store = store
        self._channel = channel
        self._first_run_days = first_run_days
        self._sweep_every = sweep_every
        self._own_sites = frozenset(site.lower() for site in own_sites)
        self._trouble = trouble
        self._clock = clock
        self._turn = asyncio.Lock()

    async def run_once(self) -> PollStats:
        """Read what may be new and, when it is time, the whole report; what it all came to.

        Whatever BotError ends a reading is on record, too, when it is raised. A poll that is asked for while one runs
        waits for its turn.
        """
        async with self._turn:
            good = await self._store.polls.last_good()
            if good is None:
                return await self._read(None, quiet_before=self._first_day(), words=self._hello)
            if is_future(good.started_at, self._clock()):
                await self._announce_missed()
            tally = await self._read(await self._since())
            if await self._sweep_is_due():
                tally += await self._read(None)
            return tally

    async def backfill(self, *, progress: Progress) -> PollStats:
        """Read the whole report in silence: nothing that it holds gets a card, now or later.

        One that broke off goes on where it stood: what is recorded is known again, and costs next to nothing.
        """
        async with self._turn:
            return await self._read(None, quiet_before=date.max, progress=progress)

    async def rehearse_backfill(self, *, progress: Progress) -> DryRunResult:
        """What `backfill` would come to; nothing is written."""
        return await self._rehearse(None, quiet_before=date.max, progress=progress)

    async def rehearse(self) -> DryRunResult:
        """What the next poll would come to; nothing is written."""
        good = await self._store.polls.last_good()
        if good is None:
            return await self._rehearse(None, quiet_before=self._first_day())
        return await self._rehearse(await self._since())

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Wait until a running poll has come to its end; none is begun inside."""
        async with self._turn:
            yield

    async def _sweep_is_due(self) -> bool:
        """Whether to read the whole report, for what no question about the last days would find."""
        now = self._clock()
        good, last = await self._store.polls.last_good(whole=True), await self._store.polls.last_sweep()
        if last is not None and not last.good and not has_passed(_NEXT_SWEEP, since=last.started_at, now=now):
            return False
        return good is None or has_passed(self._sweep_every, since=good.started_at, now=now)

    async def _since(self) -> date | None:
        """Up to which day the report is known for certain; None for all of it.

        A poll that is dated ahead was dated by a clock that was wrong: nobody knows what it has seen.
        """
        good = await self._store.polls.last_good(before=self._clock() + CLOCKS_DIFFER)
        return None if good is None else good.started_at.date()

    async def _announce_missed(self) -> None:
        """Announce what was read while the clock was ahead, and taken for over; not what had begun before the bot."""
        now = self._clock()
        ringing = self._ringing(now, await self._since() or self._first_day())
        missed = await self._store.licenses.announce_missed(
            ringing, after=now + CLOCKS_DIFFER, channel=self._channel, at=now
        )
        log.warning("clock_was_ahead", announced=missed)

    def _first_day(self) -> date:
        """What began earlier was there before the bot, and does not ring in its first run."""
        return self._clock().date() - timedelta(days=self._first_run_days)

    def _hello(self, tally: PollStats) -> str:
        today = self._clock().date()
        return first_run(
            rows=tally.rows,
            started=tally.started,
            announced=tally.announced,
            today=today,
            days=self._first_run_days,
        )

    def _ringing(self, now: datetime, quiet_before: date | None) -> AnnouncementPolicy:
        return AnnouncementPolicy(today=now.date(), quiet_before=quiet_before, own_sites=self._own_sites)

    async def _rehearse(
        self, since: date | None, *, quiet_before: date | None = None, progress: Progress = lambda _: None
    ) -> DryRunResult:
        now = self._clock()
        rehearsal = DryRun(self._store, ringing=self._ringing(now, quiet_before), now=now, progress=progress)
        await self._feed(rehearsal, since, now)
        return rehearsal.outlook

    async def _read(
        self,
        since: date | None,
        *,
        quiet_before: date | None = None,
        words: Callable[[PollStats], str] = lambda _: "",
        progress: Progress = lambda _: None,
    ) -> PollStats:
        """One reading, of everything or since a day, from its first entry in the diary to its last."""
        now, polls = self._clock(), self._store.polls
        poll_id = await polls.begin(at=now, whole=since is None)
        ringing = self._ringing(now, quiet_before)
        reading = ReportIngest(self._store, ringing=ringing, channel=self._channel, now=now, progress=progress)
        try:
            async with aclosing(reading):
                await self._feed(reading, since, now)
        except BotError as exc:
            await polls.fail(poll_id, reading.tally, at=self._clock(), error=str(exc))
            await self._trouble.failed(exc)
            raise
        text = words(reading.tally)
        await polls.succeed(poll_id, reading.tally, at=self._clock(), text=text, channel=self._channel)
        await self._trouble.read(reading.tally.quarantined, whole=since is None)
        log.info("report_read", whole=since is None, **asdict(reading.tally))
        return reading.tally

    async def _feed(self, reader: ReportIngest | DryRun, since: date | None, now: datetime) -> None:
        async with aclosing(self._rows(since, now.date())) as portions:
            async for rows in portions:
                await reader.take(rows)
        await reader.flush()

    async def _rows(self, since: date | None, today: date) -> AsyncGenerator[list[Row]]:
        """What may be new since a day: the union of two questions; or everything.

        Changed lately finds conversions and trials of old licenses; begun lately finds rows that came late without a
        fresh `lastUpdated`.
        """
        if since is None:
            questions = [self._whole()]
        else:
            questions = [
                self._marketplace.licenses(updated_since=updated_since(since, today=today)),
                self._marketplace.licenses(evaluations_only=True, started_since=started_since(since, today=today)),
            ]
        for question in questions:
            async with aclosing(question) as portions:
                async for rows in portions:
                    yield rows

    async def _whole(self) -> AsyncGenerator[list[Row]]:
        """The export, which is meant for large reports; where there is none to be had, the report page by page."""
        try:
            async with aclosing(self._marketplace.export()) as portions:
                async for rows in portions:
                    yield rows
        except ExportFailed as exc:
            log.warning("export_failed", reason=str(exc))
            async with aclosing(self._marketplace.licenses()) as portions:
                async for rows in portions:
                    yield rows
