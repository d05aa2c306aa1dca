"""A copy that cannot renew its lease stops in time, and works again once it can."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from bot.app.leader import TIMING, Leader
from bot.concurrency.tasks import cancel_and_wait
from bot.store import open_store
from bot.store.leases import Leases
from tests.machine import limit
from tests.postgres import needs_a_server
from tests.store.steps import SECRET


@needs_a_server
async def test_what_runs_is_cancelled_13_seconds_after_the_last_renewal_and_begun_again_after_the_next(
    postgres: str,
) -> None:
    seconds, begun, cancelled, settled = 0.0, asyncio.Semaphore(0), asyncio.Event(), list[None]()

    async def run() -> None:
        begun.release()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    @asynccontextmanager
    async def work() -> AsyncIterator[Sequence[asyncio.Task[None]]]:
        task = asyncio.create_task(run())
        yield [task]
        await cancel_and_wait(task)

    async def settle() -> None:
        settled.append(None)

    async with open_store(postgres, secret_keys=[SECRET]) as store:
        leases = Leases(store.database, term=timedelta(seconds=15), elapsed=lambda: seconds)
        lead = Leader(replace(store, leases=leases), settle=settle, timing=replace(TIMING, jitter=0.0))
        async with asyncio.timeout(limit(20)):
            await lead.claim()
            lead.begin()
            seconds = 12.99
            leading = asyncio.create_task(lead.work(work))
            await begun.acquire()
            assert not cancelled.is_set()
            seconds = 13.0
            await cancelled.wait()
            await leases.renew()
            while len(settled) == 1:  # the former term ends first
                lead.begin()
                await asyncio.sleep(0.01)
            await begun.acquire()
            lead.end()
            await leading
            await lead.release()
        assert len(settled) == 2
        assert (await store.leases.status()).holder == "nobody"
