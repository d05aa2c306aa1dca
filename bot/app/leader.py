"""Leadership of this copy of the bot: claim the lease at the start, renew it while the bot runs, release it
at the end.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from bot.concurrency.heartbeats import Beat
from bot.concurrency.tasks import cancel_and_wait
from bot.errors import DatabaseBusy, LeaseLost, StoreError
from bot.metrics.catalog import LEADER_CHANGES
from bot.metrics.labels import LeadReason
from bot.metrics.meter import OFF, Meter
from bot.store import Store

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderTiming:
    """Durations in seconds. `patience` is how long a start waits for the previous copy, which may just have been
    killed.
    """

    patience: float = 20.0
    look_every: float = 1.0
    renew_every: float = 5.0
    jitter: float = 0.5


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
        self._beat = beat
        self._settle = settle
        self._timing = timing
        self._has_begun = asyncio.Event()

    async def claim(self) -> None:
        """Take the lease. If another copy holds it on a server, stand by.

        Raises DatabaseBusy if another copy holds the SQLite file and still does after `patience`.
        """
        leases, ends = self._store.leases, time.monotonic() + self._timing.patience
        while True:
            try:
                if await leases.take():
                    self._meter.count(LEADER_CHANGES, LeadReason.START)
                    return
            except DatabaseBusy:
                if time.monotonic() >= ends:
                    raise
            else:
                if leases.is_shared:
                    log.info("standing_by", leader=str(await leases.holder()))
                    return
                if time.monotonic() >= ends:
                    other = await leases.holder() or "of which nothing is known"
                    raise DatabaseBusy(
                        f"Another copy of the bot runs on this database: {other}. Stop it, or use PostgreSQL for two."
                    )
            await asyncio.sleep(self._timing.look_every)

    async def begin(self) -> None:
        """Begin the leader's work if this copy has the lease."""
        if self._store.leases.was_taken and not self._has_begun.is_set():
            await self._settle()
            self._has_begun.set()

    async def keep(self) -> None:
        """Renew the lease while this copy holds it, or take it over once the copy that holds it is gone."""
        wait = self._timing.renew_every
        while True:
            await asyncio.sleep(wait + random.uniform(-1, 1) * self._timing.jitter)  # noqa: S311  no secret
            wait = self._timing.renew_every
            self._beat()
            try:
                if self._store.leases.was_taken:
                    await self._store.leases.renew()
                elif await self._store.leases.take():
                    log.warning("took_over")
                    reason = LeadReason.HANDOVER if self._store.leases.was_released else LeadReason.TAKEOVER
                    self._meter.count(LEADER_CHANGES, reason)
                await self.begin()
            except LeaseLost as exc:
                log.warning("lead_lost", reason=str(exc))
                return
            except StoreError as exc:
                log.warning("lead_not_renewed", reason=str(exc))
                wait = self._timing.look_every

    async def had(self) -> None:
        """Wait until this copy leads and what the previous leader left in flight is settled."""
        await self._has_begun.wait()

    def when_had(self, run: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[object]]:
        """Return a job that waits until this copy leads, then calls `run`."""

        async def wait_and_run() -> None:
            await self.had()
            await run()

        return wait_and_run

    async def give_back(self) -> None:
        """Release the lease, so that the next copy takes over at once."""
        if self._store.database.locked_since is not None:  # it finds out that this one is gone
            return
        try:
            await self._store.leases.release()
        except StoreError as exc:
            log.warning("lead_not_given_back", reason=str(exc))


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
    keeping = asyncio.create_task(lead.keep())
    try:
        yield lead
    finally:
        await cancel_and_wait(keeping)
        await lead.give_back()
