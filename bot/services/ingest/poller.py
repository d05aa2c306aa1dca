"""Poll the report and record what is new, with the cards that follow."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Final

import structlog

from bot.domain.announcement import AnnouncementPolicy
from bot.domain.clock_skew import CLOCKS_DIFFER, has_passed, is_future
from bot.domain.health import PollStats
from bot.domain.poll_window import started_since, updated_since
from bot.errors import ApiGone, BotError, ExportFailed, PermissionMissing, TokenRefused
from bot.marketplace.client import Marketplace
from bot.marketplace.responses import Row
from bot.metrics.catalog import POLL_SECONDS, POLLS
from bot.metrics.labels import PollKind, PollResult
from bot.metrics.meter import OFF, Meter
from bot.services.ingest.batches import ReportIngest
from bot.services.ingest.dry_run import DryRun, DryRunResult, Progress
from bot.services.ingest.return_reports import ReturnReports
from bot.services.operations.alerts import AdminAlerts
from bot.slack.views.alerts import first_run
from bot.store import Store

log = structlog.get_logger()

_NEXT_SWEEP: Final = timedelta(hours=1)
"""The pause after a failed sweep: a report too large for an hour must not be requested with every poll."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollPlan:
    """What is read how often, and where its cards go."""

    channel: str
    first_run_days: int
    """How far back the first run announces trials."""
    sweep_every: timedelta
    own_sites: frozenset[str] = frozenset()
    """Sites of the vendor, in lower case: their trials get no card."""


class ReportPoller:
    """The only reader of the report. However often and whenever it runs, nothing is announced twice."""

    def __init__(
        self,
        marketplace: Marketplace,
        store: Store,
        plan: PollPlan,
        *,
        alerts: AdminAlerts,
        clock: Callable[[], datetime],
    ) -> None:
        self.meter: Meter = OFF
        self._marketplace = marketplace
        self._store = store
        self._plan = plan
        self._alerts = alerts
        self._clock = clock
        self._turn = asyncio.Lock()
        self.return_reports: ReturnReports | None = None
        """Read after each good poll, if set."""

    async def poll(self) -> PollStats:
        """Read what may be new and, when it is due, the full report. Return what both brought.

        Any BotError is recorded before it is raised. A poll requested while one runs waits for its turn.
        """
        async with self._turn:
            good = await self._store.polls.last_good()
            if good is None:
                stats = await self._run_poll(None, quiet_before=self._announce_from(), words=self._first_run_message)
                await self._read_return_reports()
                return stats
            if is_future(good.started_at, self._clock()):
                await self._announce_missed()
            stats = await self._run_poll(await self._since())
            if await self._sweep_is_due():
                stats += await self._run_poll(None)
            await self._read_return_reports()
            return stats

    async def _read_return_reports(self) -> None:
        if self.return_reports is not None:
            await self.return_reports.read()

    async def backfill(self, *, progress: Progress) -> PollStats:
        """Read the full report silently: nothing in it gets a card, now or later.

        After an interruption it continues where it stopped: recorded rows are recognised and cost next to nothing.
        """
        async with self._turn:
            return await self._run_poll(None, quiet_before=date.max, progress=progress)

    async def dry_run_backfill(self, *, progress: Progress) -> DryRunResult:
        """Return what `backfill` would change, without writing."""
        return await self._dry_run(None, quiet_before=date.max, progress=progress)

    async def dry_run(self) -> DryRunResult:
        """Return what the next poll would change, without writing."""
        good = await self._store.polls.last_good()
        if good is None:
            return await self._dry_run(None, quiet_before=self._announce_from())
        return await self._dry_run(await self._since())

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Wait for the end of a running poll. None starts inside the block."""
        async with self._turn:
            yield

    async def _sweep_is_due(self) -> bool:
        """Return whether to read the full report, for what no query about the last days would find."""
        now = self._clock()
        good, last = await self._store.polls.last_good(is_full=True), await self._store.polls.last_sweep()
        if last is not None and not last.good and not has_passed(_NEXT_SWEEP, since=last.started_at, now=now):
            return False
        return good is None or has_passed(self._plan.sweep_every, since=good.started_at, now=now)

    async def _since(self) -> date | None:
        """Return the day up to which the report is known for certain, or None to read all of it.

        A poll dated in the future was dated by a wrong clock: nobody knows what it covered.
        """
        good = await self._store.polls.last_good(before=self._clock() + CLOCKS_DIFFER)
        return None if good is None else good.started_at.date()

    async def _announce_missed(self) -> None:
        """Announce trials that seemed over because the clock was ahead, except those that began
        before the bot.
        """
        now = self._clock()
        announcement = self._announcement_policy(now, await self._since() or self._announce_from())
        missed = await self._store.licenses.announce_missed(
            announcement, after=now + CLOCKS_DIFFER, channel=self._plan.channel, at=now
        )
        log.warning("clock_was_ahead", announced=missed)

    def _announce_from(self) -> date:
        """Return the day before which trials predate the bot and get no card in its first run."""
        return self._clock().date() - timedelta(days=self._plan.first_run_days)

    def _first_run_message(self, stats: PollStats) -> str:
        today = self._clock().date()
        return first_run(
            rows=stats.rows,
            started=stats.started,
            announced=stats.announced,
            today=today,
            days=self._plan.first_run_days,
        )

    def _announcement_policy(self, now: datetime, quiet_before: date | None) -> AnnouncementPolicy:
        return AnnouncementPolicy(today=now.date(), quiet_before=quiet_before, own_sites=self._plan.own_sites)

    async def _dry_run(
        self, since: date | None, *, quiet_before: date | None = None, progress: Progress = lambda _: None
    ) -> DryRunResult:
        now = self._clock()
        dry_run = DryRun(
            self._store, announcement=self._announcement_policy(now, quiet_before), now=now, progress=progress
        )
        await self._stream_into(dry_run, since, now)
        return dry_run.result

    async def _run_poll(
        self,
        since: date | None,
        *,
        quiet_before: date | None = None,
        words: Callable[[PollStats], str] = lambda _: "",
        progress: Progress = lambda _: None,
    ) -> PollStats:
        """Run one poll, of everything or since a day, from its first entry in the log to its last."""
        now, polls = self._clock(), self._store.polls
        kind = PollKind.SWEEP if since is None else PollKind.POLL
        poll_id = await polls.begin(at=now, is_full=since is None)
        announcement = self._announcement_policy(now, quiet_before)
        ingest = ReportIngest(
            self._store, announcement=announcement, channel=self._plan.channel, now=now, progress=progress
        )
        ingest.meter = self.meter
        try:
            async with aclosing(ingest):
                with self.meter.time(POLL_SECONDS, kind):
                    await self._stream_into(ingest, since, now)
        except BotError as exc:
            self.meter.count(POLLS, kind, _result(exc, rows=ingest.stats.rows))
            await polls.fail(poll_id, ingest.stats, at=self._clock(), error=str(exc))
            await self._alerts.poll_failed(exc)
            raise
        text = words(ingest.stats)
        await polls.succeed(poll_id, ingest.stats, at=self._clock(), text=text, channel=self._plan.channel)
        await self._alerts.poll_succeeded(ingest.stats.quarantined, is_full=since is None)
        self.meter.count(POLLS, kind, PollResult.GOOD)
        log.info("report_read", is_full=since is None, **asdict(ingest.stats))
        return ingest.stats

    async def _stream_into(self, reader: ReportIngest | DryRun, since: date | None, now: datetime) -> None:
        async with aclosing(self._rows(since, now.date())) as portions:
            async for rows in portions:
                await reader.add(rows)
        await reader.flush()

    async def _rows(self, since: date | None, today: date) -> AsyncGenerator[list[Row]]:
        """Yield what may be new since a day, as the union of two queries; or everything.

        The query by update finds conversions and trials of old licenses. The query by start finds rows that came late
        without a fresh `lastUpdated`.
        """
        if since is None:
            questions = [self._full_report()]
        else:
            questions = [
                self._marketplace.licenses(updated_since=updated_since(since, today=today)),
                self._marketplace.licenses(evaluations_only=True, started_since=started_since(since, today=today)),
            ]
        for question in questions:
            async with aclosing(question) as portions:
                async for rows in portions:
                    yield rows

    async def _full_report(self) -> AsyncGenerator[list[Row]]:
        """Yield the full report: through the export, or page by page where there is none."""
        try:
            async with aclosing(self._marketplace.export()) as portions:
                async for rows in portions:
                    yield rows
        except ExportFailed as exc:
            log.warning("export_failed", reason=str(exc))
            async with aclosing(self._marketplace.licenses()) as portions:
                async for rows in portions:
                    yield rows


def _result(error: BotError, *, rows: int) -> PollResult:
    """Return how a poll ended that failed after so many rows."""
    if isinstance(error, TokenRefused | PermissionMissing | ApiGone):
        return PollResult.REFUSED
    return PollResult.PARTIAL if rows else PollResult.FAILED
