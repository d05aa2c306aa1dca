"""This copy's part in who leads: the lead is claimed at the start, renewed while it runs, given back at the end."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from bot.concurrency.tasks import cancel_and_wait
from bot.errors import DatabaseBusy, LeaseLost, StoreError
from bot.store import Store

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderTiming:
    """Seconds: `patience` is how long a start waits for the copy before it, which may have been killed just now."""

    patience: float = 20.0
    look_every: float = 1.0
    renew_every: float = 5.0
    jitter: float = 0.5


TIMING = LeaderTiming()


class Leader:
    """The lead of one copy of the bot. `settle` is called once it is had, before any work: it settles what the copy
    before left under way, which nobody works on any more."""

    def __init__(self, store: Store, *, settle: Callable[[], Awaitable[object]], timing: LeaderTiming = TIMING) -> None:
        self._store = store
        self._settle = settle
        self._timing = timing
        self._has_begun = asyncio.Event()

    async def claim(self) -> None:
        """Take the lead. On a server another copy may have it: then this one stands by.

        DatabaseBusy when another copy has the SQLite file, and still has it after the `patience`.
        """
        leases, ends = self._store.leases, time.monotonic() + self._timing.patience
        while True:
            try:
                if await leases.take():
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
        """Begin the work of the leader, if this copy has the lead."""
        if self._store.leases.was_taken and not self._has_begun.is_set():
            await self._settle()
            self._has_begun.set()

    async def keep(self) -> None:
        """Renew the lead for as long as it is ours, or take it once the copy that has it is gone."""
        wait = self._timing.renew_every
        while True:
            await asyncio.sleep(wait + random.uniform(-1, 1) * self._timing.jitter)  # noqa: S311  no secret
            wait = self._timing.renew_every
            try:
                if self._store.leases.was_taken:
                    await self._store.leases.renew()
                elif await self._store.leases.take():
                    log.warning("took_over")
                await self.begin()
            except LeaseLost as exc:
                log.warning("lead_lost", reason=str(exc))
                return
            except StoreError as exc:
                log.warning("lead_not_renewed", reason=str(exc))
                wait = self._timing.look_every

    async def had(self) -> None:
        """Wait until this copy leads and what the one before left is settled."""
        await self._has_begun.wait()

    def when_had(self, run: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[object]]:
        """`run`, begun once this copy leads."""

        async def wait_and_run() -> None:
            await self.had()
            await run()

        return wait_and_run

    async def give_back(self) -> None:
        """Let the next copy take over at once."""
        if self._store.database.locked_since is not None:  # it finds out that this one is gone
            return
        try:
            await self._store.leases.release()
        except StoreError as exc:
            log.warning("lead_not_given_back", reason=str(exc))


@asynccontextmanager
async def hold_lead(
    store: Store, *, settle: Callable[[], Awaitable[object]], timing: LeaderTiming = TIMING
) -> AsyncIterator[Leader]:
    """The lead, claimed and kept inside the block; its end gives it back. DatabaseBusy when it cannot be had."""
    lead = Leader(store, settle=settle, timing=timing)
    await lead.claim()
    keeping = asyncio.create_task(lead.keep())
    try:
        yield lead
    finally:
        await cancel_and_wait(keeping)
        await lead.give_back()
