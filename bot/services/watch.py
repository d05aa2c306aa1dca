"""Read the report and record what is new, with the cards that follow."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

import structlog

from bot.domain.changes import Finding, Known, Reopened, Started, compare
from bot.domain.evaluation import License
from bot.domain.policy import late_arrivals, look_back, rings
from bot.errors import BotError
from bot.marketplace.client import Marketplace
from bot.marketplace.wire import Unreadable, read_license
from bot.slack.reports import first_run
from bot.store import Store
from bot.store.polls import Tally

log = structlog.get_logger()

_BATCH: Final = 200
"""Licenses a transaction: small enough that a press never waits for a poll."""

Clock = Callable[[], datetime]


class Watch:
    """The one reader of the report. However often and at whatever moment it runs, nothing is announced twice."""

    def __init__(
        self,
        marketplace: Marketplace,
        store: Store,
        *,
        channel: str,
        first_run_days: int,
        sweep_every: timedelta,
        clock: Clock,
    ) -> None:
        self._marketplace = marketplace
        self._store = store
        self._channel = channel
        self._first_run_days = first_run_days
        self._sweep_every = sweep_every
        self._clock = clock
        self._turn = asyncio.Lock()

    async def run_once(self) -> Tally:
        """One poll: read what may be new, record it. Whatever BotError ends it is on record, too, when it is raised.

        A poll that is asked for while one runs waits for its turn.
        """
        async with self._turn:
            now = self._clock()
            last_good = await self._store.polls.last_good()
            since = None if last_good is None or await self._sweep_is_due(now) else last_good.started_at.date()
            poll_id = await self._store.polls.begin(at=now, whole=since is None)
            quiet_before = now.date() - timedelta(days=self._first_run_days) if last_good is None else None
            reading = Reading(self._store, channel=self._channel, now=now, quiet_before=quiet_before)
            try:
                async for record in self._records(since, now.date()):
                    await reading.take(record)
                await reading.flush()
            except BotError as exc:
                await self._store.polls.fail(poll_id, reading.tally, at=self._clock(), error=str(exc))
                raise
            text = self._first_words(reading.tally, today=now.date()) if last_good is None else ""
            await self._store.polls.succeed(poll_id, reading.tally, at=self._clock(), text=text, channel=self._channel)
            log.info("report_read", whole=since is None, **asdict(reading.tally))
            return reading.tally

    async def _sweep_is_due(self, now: datetime) -> bool:
        """Whether to read the whole report now and then, for what no question about the last days would find.

        After a sweep that failed comes a poll: a report too large to be read whole must not keep news from the team.
        """
        last, sweep = await self._store.polls.last(), await self._store.polls.last_good(whole=True)
        if last is not None and last.whole and not last.good:
            return False
        return sweep is None or now - sweep.started_at >= self._sweep_every

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Wait until a running poll has come to its end; none is begun inside."""
        async with self._turn:
            yield

    def _first_words(self, tally: Tally, *, today: date) -> str:
        return first_run(
            rows=tally.rows,
            started=tally.started,
            announced=tally.announced,
            today=today,
            days=self._first_run_days,
        )

    async def _records(self, since: date | None, today: date) -> AsyncIterator[dict[str, Any]]:
        """What may be new since the last good poll: everything for a sweep, else the union of two questions.

        Changed lately finds conversions and trials of old licenses; begun lately finds rows that came late without a
        fresh `lastUpdated`.
        """
        async for record in self._marketplace.licenses(updated_since=look_back(since, today=today)):
            yield record
        if since is not None:
            began = late_arrivals(since, today=today)
            async for record in self._marketplace.licenses(evaluations_only=True, started_since=began):
                yield record


class Reading:
    """One pass through the report, recorded batch by batch, each all or nothing."""

    def __init__(self, store: Store, *, channel: str, now: datetime, quiet_before: date | None) -> None:
        self._store = store
        self._channel = channel
        self._now = now
        self._quiet_before = quiet_before
        self._batch: list[License] = []
        self._in_batch: set[tuple[str, str]] = set()
        self.tally = Tally()

    async def take(self, record: dict[str, Any]) -> None:
        """Read one record; what cannot be read is quarantined, and the rest goes on."""
        self.tally = replace(self.tally, rows=self.tally.rows + 1)
        seen = read_license(record)
        if isinstance(seen, Unreadable):
            self.tally = replace(self.tally, quarantined=self.tally.quarantined + 1)
            log.warning("license_unreadable", license=seen.ref, reason=seen.reason)
            await self._store.polls.quarantine(seen.ref, seen.reason, at=self._now)
            return
        aliases = {(seen.app_key, alias) for alias in seen.aliases}
        # A license that comes again must be compared with what its earlier row has left in the store.
        if len(self._batch) == _BATCH or not self._in_batch.isdisjoint(aliases):
            await self.flush()
        self._batch.append(seen)
        self._in_batch |= aliases

    async def flush(self) -> None:
        """Record what was taken."""
        known = await self._store.licenses.recall(self._batch)
        findings = [self._finding(k, seen) for k, seen in zip(known, self._batch, strict=True)]
        news = [finding for finding in findings if finding.is_news]
        if news:
            recorded = await self._store.licenses.record(news, channel=self._channel, at=self._now)
            self.tally = replace(
                self.tally,
                started=self.tally.started + recorded.started,
                announced=self.tally.announced + recorded.announced,
            )
        self._batch.clear()
        self._in_batch.clear()

    def _finding(self, known: Known | None, seen: License) -> Finding:
        changes = compare(known, seen)
        begun = [change.trial for change in changes if isinstance(change, Started | Reopened)]
        today = self._now.date()
        announce = any(rings(seen, trial, today=today, quiet_before=self._quiet_before) for trial in begun)
        return Finding(known=known, seen=seen, changes=tuple(changes), announce=announce)
