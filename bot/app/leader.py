"""Leadership of this copy of the bot: claim the lease at the start, renew it while the bot runs, release it
at the end. The leader's work runs only in between.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog

from bot.concurrency.heartbeats import Beat
from bot.concurrency.supervisor import log_errors
from bot.concurrency.tasks import cancel_and_wait
from bot.errors import DatabaseBusy, LeaseLost, StoreError
from bot.metrics.catalog import LEADER_CHANGES
from bot.metrics.labels import LeadReason
from bot.metrics.meter import OFF, Meter
from bot.store import Store

log = structlog.get_logger()

Work = Callable[[], AbstractAsyncContextManager[Sequence[asyncio.Task[None]]]]
"""Does the leader's work inside the block. Yields the tasks to cancel at once when this copy no longer leads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderTiming:
    """Durations in seconds. `patience` is how long a start waits for the previous copy, which may just have been
    killed. After `deaf_after` without an answer from the database, its connections are given up.
    """

    patience: float = 20.0
    look_every: float = 1.0
    renew_every: float = 5.0
    jitter: float = 0.5
    deaf_after: float = 10.0


TIMING = LeaderTiming()


class Leader:
    """Leadership of one copy of the bot. `settle` runs once this copy has the lease, before any other work: it recovers
    what the previous leader left in flight, since nobody works on it any more.
    """

    def __init__(
        self,
        store: Store,
        *,
        settle: Callable[[], Awaitable[object]],
        timing: LeaderTiming = TIMING,
        beat: Beat = lambda: None,
        meter: Meter = OFF,
    ) -> None:
        self._meter = meter
        self._store = store
        self._leases = store.leases
        self._beat = beat
        self._settle = settle
        self._timing = timing
        self._answered_at = time.monotonic()
        self._begun = asyncio.Event()
        self._over = asyncio.Event()
        self._is_ending = False
        self._keeping: asyncio.Task[None] | None = None
        self._tasks: Sequence[asyncio.Task[None]] = ()
        self._timer = asyncio.get_running_loop().call_later(0, lambda: None)

    async def claim(self) -> None:
        """Take the lease. If another copy holds it on a server, stand by.

        Raises DatabaseBusy if another copy holds the SQLite file and still does after `patience`.
        """
        ends = time.monotonic() + self._timing.patience
        while True:
            try:
                if await self._leases.take():
                    self._meter.count(LEADER_CHANGES, LeadReason.START)
                    return
            except DatabaseBusy:
                if time.monotonic() >= ends:
                    raise
            else:
                if self._leases.is_shared:
                    log.info("standing_by", leader=str(await self._leases.holder()))
                    return
                if time.monotonic() >= ends:
                    other = await self._leases.holder() or "nothing is known about it"
                    raise DatabaseBusy(
                        f"Another copy of the bot runs on this database: {other}. Stop it, or use PostgreSQL for two."
                    )
            await asyncio.sleep(self._timing.look_every)

    def begin(self) -> None:
        """Begin a term if this copy leads and its earlier term is over."""
        if self._leases.is_held and not self._begun.is_set() and not self._is_ending:
            self._over.clear()
            self._begun.set()

    def keep(self) -> None:
        """Keep the lease until `release`, or take it over once the copy that holds it is gone."""
        self._keeping = asyncio.create_task(self._keep())

    async def work(self, work: Work) -> None:
        """Do the leader's work in each term of this copy, until `end`."""
        await self._begun.wait()
        while not self._is_ending:
            if not await log_errors("lead", partial(self._do_term, work))():
                await asyncio.sleep(self._timing.renew_every)
            self._begun.clear()
            if not self._is_ending:
                await self._begun.wait()

    def end(self) -> None:
        """Begin no more terms, and end the present one."""
        self._is_ending = True
        self._over.set()
        self._begun.set()

    async def release(self) -> None:
        """Release the lease, so that the next copy takes over at once."""
        if self._keeping is not None:
            await cancel_and_wait(self._keeping)
        if self._store.database.locked_since is not None:  # the next copy notices by itself that this one is gone
            return
        try:
            await self._leases.release()
        except StoreError as exc:
            log.warning("lead_not_given_back", reason=str(exc))

    async def _keep(self) -> None:
        """Renew the lease while this copy holds it, or take it over once the copy that holds it is gone."""
        wait = self._timing.renew_every
        while True:
            await self._pause(wait)
            wait = self._timing.renew_every
            self._beat()
            try:
                if self._leases.was_taken:
                    await self._leases.renew()
                elif await self._leases.take():
                    log.warning("took_over")
                    reason = LeadReason.HANDOVER if self._leases.was_released else LeadReason.TAKEOVER
                    self._meter.count(LEADER_CHANGES, reason)
                self._answered_at = time.monotonic()
                self.begin()
            except LeaseLost as exc:
                log.warning("lead_lost", reason=str(exc))
                if not self._leases.is_shared:
                    return
            except StoreError as exc:
                log.warning("lead_not_renewed", reason=str(exc))
                wait = self._timing.look_every
                await self._reconnect()

    async def _pause(self, seconds: float) -> None:
        """Wait until the next look. A standby looks when the lease ends, or when it hears that it was released."""
        pause = max(0.0, seconds + random.uniform(-1, 1) * self._timing.jitter)  # noqa: S311  no secret
        if self._leases.was_taken:
            await asyncio.sleep(pause)
        else:
            free_in = max(self._leases.free_in, self._timing.look_every)
            await self._leases.until_released(seconds=min(pause, free_in))

    async def _reconnect(self) -> None:
        """Give all connections up if the database has not answered for long: the line may be dead without a sign."""
        if self._leases.is_shared and time.monotonic() - self._answered_at > self._timing.deaf_after:
            self._answered_at = time.monotonic()
            await self._store.database.drop_connections()

    async def _do_term(self, work: Work) -> None:
        self._leases.on_lost = self._end_term
        with self._leases.as_leader():
            await self._settle()  # the lease is renewed meanwhile
            async with work() as self._tasks:
                if self._leases.is_shared:
                    self._watch()
                await self._over.wait()

    def _watch(self) -> None:
        """End the term when this copy no longer leads for certain. A timer fires before a process that was stopped goes
        on with anything else.
        """
        if self._over.is_set():
            return
        if (left := self._leases.seconds_left) > 0:
            self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_later(left, self._watch)
        else:
            log.warning("lead_in_doubt")
            self._end_term()

    def _end_term(self) -> None:
        self._over.set()
        for task in self._tasks:
            task.cancel()


@asynccontextmanager
async def hold_lead(
    store: Store,
    *,
    settle: Callable[[], Awaitable[object]],
    timing: LeaderTiming = TIMING,
    beat: Beat = lambda: None,
    meter: Meter = OFF,
) -> AsyncIterator[Leader]:
    """Hold the lease inside the block and release it at its end. Raises DatabaseBusy if another copy keeps it."""
    lead = Leader(store, settle=settle, timing=timing, beat=beat, meter=meter)
    await lead.claim()
    lead.keep()
    try:
        yield lead
    finally:
        await lead.release()
