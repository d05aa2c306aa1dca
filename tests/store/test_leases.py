"""One copy leads: no second one beside it, no wait after it is gone, no write of one that lost the lead."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update

from bot.errors import DatabaseBusy, LeaseLost
from bot.services.operations.health import Health
from bot.store import Store, open_store
from bot.store.leases import Leases, LeaseStatus
from bot.store.schema import lease
from tests.builders import NOON
from tests.postgres import needs_a_server
from tests.store.steps import SECRET, rows

TERM = timedelta(seconds=15)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs_a_server)])
def either(request: pytest.FixtureRequest, url: str) -> str:
    found: str = url if request.param == "sqlite" else request.getfixturevalue("postgres")
    return found


@dataclass
class Copy:
    """A copy of the bot on a machine's own stopwatch, which stands still until a test says so."""

    store: Store
    leases: Leases = field(init=False)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.leases = Leases(self.store.database, term=TERM, elapsed=lambda: self.seconds)

    async def writes(self) -> None:
        """Write something down."""
        await self.store.polls.quarantine([("E-1", "r")], at=NOON)

    async def leads(self) -> None:
        """Do the leader's work of the present term: write something down, and send something."""
        with self.leases.as_leader():
            await self.writes()
            self.leases.ensure()


@asynccontextmanager
async def copies(url: str) -> AsyncIterator[tuple[Copy, Copy]]:
    async with AsyncExitStack() as stack:
        one, other = [Copy(await stack.enter_async_context(open_store(url, secret_keys=[SECRET]))) for _ in range(2)]
        stack.callback(one.leases.close)
        stack.callback(other.leases.close)
        yield one, other


async def _its_term_is_over(store: Store) -> None:
    """Let the database's clock pass the end of the term, as far as one can."""
    async with store.database.lease() as connection:
        await connection.execute(update(lease).values(until=NOON - timedelta(days=9)))


async def test_of_two_copies_one_leads_until_it_gives_the_lead_back(either: str) -> None:
    async with copies(either) as (one, other):
        assert await one.leases.take()
        assert not await other.leases.take()
        await one.leases.renew()
        assert not await other.leases.take()
        assert one.leases.is_held
        assert not other.leases.is_held
        await one.leases.release()
        assert await other.leases.take()
        assert [(row.epoch, row.pid, row.host) for row in await rows(one.store, lease)] == [
            (2, os.getpid(), socket.gethostname())
        ]


async def test_the_status_names_the_leader_with_host_process_and_since_when(either: str) -> None:
    async with copies(either) as (one, other):
        assert await other.leases.holder() is None
        await one.leases.take()
        holder = await other.leases.holder()
        assert holder is not None
        assert str(holder).startswith(f"process {os.getpid()} on {socket.gethostname()}, version ")
        assert str(holder).endswith(f"since {holder.since:%Y-%m-%d %H:%M} UTC")
        assert await one.leases.holder() is None
        await one.leases.release()
        assert await other.leases.holder() is None


async def test_a_copy_whose_row_stands_still_for_a_term_is_taken_for_gone_and_writes_nothing_more(either: str) -> None:
    async with copies(either) as (one, other):
        await one.leases.take()
        assert not await other.leases.take()
        other.seconds = TERM.total_seconds() - 1
        assert not await other.leases.take()
        await one.leases.renew()
        other.seconds = TERM.total_seconds()
        assert not await other.leases.take()
        other.seconds = TERM.total_seconds() * 2
        assert await other.leases.take()

        lost = list[None]()
        one.leases.on_lost = lambda: lost.append(None)
        with one.leases.as_leader():
            with pytest.raises(LeaseLost):
                await one.writes()
            with pytest.raises(LeaseLost):
                one.leases.ensure()
        assert lost == [None]
        assert not one.leases.was_taken
        with pytest.raises(LeaseLost):
            await one.leases.renew()
        assert await one.store.polls.quarantined() == 0
        await one.leases.release()
        await other.leads()


async def test_a_process_that_lost_a_file_ends(url: str) -> None:
    async with copies(url) as (one, other):
        await one.leases.take()
        assert not await other.leases.take()
        other.seconds = TERM.total_seconds()
        assert await other.leases.take()
        with pytest.raises(LeaseLost):
            await one.leases.renew()
        with pytest.raises(LeaseLost):
            await one.leases.until_lost()


@needs_a_server
async def test_while_a_leader_writes_for_long_it_renews_its_lease_and_nobody_takes_it(postgres: str) -> None:
    async with copies(postgres) as (one, other):
        await one.leases.take()
        with one.leases.as_leader():
            async with one.store.database.write():
                await one.leases.renew()
                await _its_term_is_over(one.store)
                with pytest.raises(DatabaseBusy):
                    await other.leases.take()
        assert await other.leases.take()


@needs_a_server
async def test_what_any_copy_may_do_it_does_also_after_it_lost_the_lead(postgres: str) -> None:
    async with copies(postgres) as (one, other):
        await one.leases.take()
        await _its_term_is_over(one.store)
        assert await other.leases.take()
        await one.writes()
        assert await one.store.polls.quarantined() == 1


@needs_a_server
async def test_work_of_a_former_term_is_not_written_although_this_copy_leads_again(postgres: str) -> None:
    async with copies(postgres) as (one, other):
        await one.leases.take()
        go_on = asyncio.Event()

        async def work() -> None:
            await go_on.wait()
            await one.writes()

        with one.leases.as_leader():
            late = asyncio.create_task(work())
        await _its_term_is_over(one.store)
        assert await other.leases.take()
        await other.leases.release()
        with pytest.raises(LeaseLost):
            await one.leases.renew()
        assert await one.leases.take()
        go_on.set()
        with pytest.raises(LeaseLost):
            await late
        await one.leads()


@needs_a_server
async def test_a_copy_that_is_older_than_the_tables_gives_the_lead_back_and_answers_on(postgres: str) -> None:
    async with open_store(postgres, secret_keys=[SECRET]) as store:
        await store.leases.take()
        async with store.database.write() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(LeaseLost, match="newer version"):
            await store.leases.renew()
        assert (await store.leases.status()).holder == "nobody"
        assert not await store.leases.take()
        await store.polls.quarantine([("E-1", "r")], at=NOON)
        figures = await Health(store, poll_every=timedelta(minutes=5), clock=lambda: NOON).figures()
        assert "This copy answers presses" in figures["problems"][0]


async def test_who_did_not_renew_in_time_begins_nothing_and_then_leads_no_more_until_it_is_sure_again(
    either: str,
) -> None:
    async with copies(either) as (one, _):
        one.leases.ensure()
        await one.leases.take()
        with one.leases.as_leader():
            one.leases.ensure()
            one.seconds = 10
            with pytest.raises(LeaseLost):
                one.leases.ensure()
            assert (one.leases.is_held, one.leases.seconds_left) == (True, 3)
            one.seconds = 13
            assert not one.leases.is_held
            await one.leases.renew()
            one.leases.ensure()


@needs_a_server
async def test_on_a_server_the_term_ends_by_the_clock_of_the_server(postgres: str) -> None:
    async with copies(postgres) as (one, other):
        await one.leases.take()
        await _its_term_is_over(one.store)
        assert await other.leases.holder() is None
        assert await other.leases.take()


async def test_a_clock_that_is_set_does_not_let_a_second_copy_onto_a_file(url: str) -> None:
    async with copies(url) as (one, other):
        await one.leases.take()
        await _its_term_is_over(one.store)
        assert await other.leases.holder() is not None
        assert not await other.leases.take()


async def test_a_term_far_in_the_future_is_not_waited_for(either: str) -> None:
    async with copies(either) as (one, other):
        await one.leases.take()
        async with one.store.database.lease() as connection:
            await connection.execute(update(lease).values(until=NOON + timedelta(days=9_999)))
        assert not await other.leases.take()
        other.seconds = TERM.total_seconds()
        assert await other.leases.take()


HOLD = """
import asyncio, sys
from bot.store import open_store
from tests.store.steps import SECRET

async def hold(url):
    async with open_store(url, secret_keys=[SECRET]) as store:
        assert await store.leases.take()
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold(sys.argv[1]))
"""


async def test_after_a_process_is_killed_the_next_one_need_not_wait(store: Store, url: str, file: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, url], stdout=subprocess.PIPE, text=True) as process:  # noqa: ASYNC220, S603
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert not await store.leases.take()
        holder = await store.leases.holder()
        assert holder is not None
        assert holder.pid == process.pid
        process.kill()
        process.wait()
    assert await store.leases.holder() is None
    assert await store.leases.take()


async def test_where_the_kernel_cannot_say_who_is_gone_a_term_is_waited_for(store: Store, url: str, file: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, url], stdout=subprocess.PIPE, text=True) as process:  # noqa: ASYNC220, S603
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
        process.wait()
    file.with_name("evaluators.db.lock").unlink()
    copy = Copy(store)
    assert not await copy.leases.take()
    copy.seconds = TERM.total_seconds()
    assert await copy.leases.take()
    copy.leases.close()


async def test_tables_are_not_changed_under_a_bot_that_runs(either: str) -> None:
    async with open_store(either, secret_keys=[SECRET]) as store:
        await store.leases.take()
        async with store.database.write() as connection:
            current = await connection.scalar(text("SELECT version_num FROM alembic_version"))
            await connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
        with pytest.raises(DatabaseBusy, match=rf"process {os.getpid()} on .*Stop it"):
            async with open_store(either, secret_keys=[SECRET]):
                pass
        async with store.database.write() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": current})
        async with open_store(either, secret_keys=[SECRET]) as beside:
            beside.leases.ensure()
            assert not await beside.leases.take()


async def test_every_copy_knows_who_leads_also_while_the_database_is_away(either: str) -> None:
    us = f"{socket.gethostname()}/{os.getpid()}"
    async with copies(either) as (one, other):
        assert await other.leases.status() == LeaseStatus(leader=False, holder="nobody", epoch=0)
        assert await one.leases.take()
        assert await one.leases.status() == LeaseStatus(leader=True, holder=us, epoch=1)
        assert await other.leases.status() == LeaseStatus(leader=False, holder=us, epoch=1)

        one.seconds = TERM.total_seconds()  # it was not renewed, so nobody knows
        assert one.leases.last_status() == LeaseStatus(leader=False, holder=us, epoch=1)
        assert other.leases.last_status() == LeaseStatus(leader=False, holder=us, epoch=1)
