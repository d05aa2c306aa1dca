"""What one copy writes is noticed by another at once, or, where hints do not arrive, after a second."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

from bot.concurrency.tasks import cancel_and_wait
from bot.store import Store, open_store
from bot.store.engine import hints
from bot.store.schema import delivery, mail, quarantine
from tests.builders import NOON
from tests.machine import limit
from tests.postgres import needs_a_server
from tests.store.steps import SECRET

pytestmark = needs_a_server


@asynccontextmanager
async def two(url: str) -> AsyncIterator[tuple[Store, Store]]:
    """Two copies, of which the second one listens."""
    async with open_store(url, secret_keys=[SECRET]) as one, open_store(url, secret_keys=[SECRET]) as other:
        listening = asyncio.create_task(other.database.hints.listen())
        try:
            yield one, other
        finally:
            await cancel_and_wait(listening)


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(limit(20)):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


async def _until_heard(store: Store) -> None:
    await _until(lambda: store.database.hints.are_heard)


async def test_a_copy_that_waits_hears_of_what_another_one_wrote_and_where(postgres: str) -> None:
    async with two(postgres) as (one, other):
        await _until_heard(other)
        before = other.database.writes
        elsewhere = asyncio.create_task(other.database.written(before, seconds=3600, to=(delivery, mail)))
        waiting = asyncio.create_task(other.database.written(before, seconds=3600, to=(quarantine,)))
        await one.polls.quarantine([("E-1", "r")], at=NOON)
        await asyncio.wait_for(waiting, timeout=limit(20))
        assert not elsewhere.done()
        await cancel_and_wait(elsewhere)


async def test_a_hint_names_tables_and_nothing_else(postgres: str) -> None:
    heard = list[str]()
    async with two(postgres) as (one, other), other.database._engine.connect() as connection:  # noqa: SLF001  a listener
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        await raw.add_listener("evaluator_bot", lambda *found: heard.append(found[3]))
        await one.polls.quarantine([("E-1", "ana@acme.example")], at=NOON)
        await _until(lambda: any(" " in each for each in heard))
        await connection.invalidate()
    assert [each.split()[1:] for each in heard if " " in each] == [["quarantine"]]


async def test_where_hints_do_not_arrive_a_copy_looks_each_second(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hints, "_TIMEOUT_S", 0.01)
    monkeypatch.setattr(hints, "_NOTIFY", text("SELECT CAST(:channel AS text), CAST(:payload AS text)"))
    async with two(postgres) as (_, other):
        assert not await other.database.hints.try_to_hear()
        async with asyncio.timeout(limit(20)):
            await other.database.written(other.database.writes, seconds=3600)
        assert "LISTEN is not heard" in await other.server()


async def test_a_listener_whose_line_was_cut_hears_again(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hints, "_PING_S", 0.01)
    monkeypatch.setattr(hints, "_SERVER_AWAY_S", 0.01)
    async with two(postgres) as (_, other):
        await _until_heard(other)
        await other.database.drop_connections()
        other.database.hints.are_heard = False
        await _until_heard(other)


async def test_a_listener_whose_line_alone_was_cut_hears_again(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hints, "_PING_S", 0.01)
    monkeypatch.setattr(hints, "_SERVER_AWAY_S", 0.01)
    async with two(postgres) as (one, other):
        await _until_heard(other)
        async with one.database.write() as connection:
            await connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
            )
        await _until(lambda: not other.database.hints.are_heard)
        await _until_heard(other)


async def test_check_says_what_works_on_a_server(postgres: str) -> None:
    async with open_store(postgres, secret_keys=[SECRET]) as store:
        assert await store.server() == "prepared statements work; LISTEN is heard"
