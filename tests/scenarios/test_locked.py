"""While another program locks the database the bot ends when told to, and says what is wrong."""

import asyncio
import signal
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import asyncpg  # type: ignore[import-untyped]  # ships no types
import pytest

from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from tests.machine import limit
from tests.postgres import needs_a_server
from tests.scenarios.process import by_the_wall_clock, forked, life
from tests.world import World

pytestmark = pytest.mark.slow

ANA = "U0ANA"
EITHER = ["sqlite", pytest.param("postgresql", marks=needs_a_server)]


@pytest.fixture(params=EITHER)
def database(request: pytest.FixtureRequest, here: World) -> str:
    by_the_wall_clock(here)
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, here.clock.today()))
    if request.param == "sqlite":
        return str(here.given()["database_url"])
    found: str = request.getfixturevalue("postgres")
    return found


@asynccontextmanager
async def locked(url: str) -> AsyncIterator[None]:
    """Another program that lets nobody write."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.partition(":///")[2], isolation_level=None, timeout=20)) as other:
            other.execute("BEGIN EXCLUSIVE")
            yield
            other.execute("COMMIT")
        return
    other = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await other.execute("SELECT pg_advisory_lock(7341022)")  # so that the bot is in the middle of nothing
        async with other.transaction():
            await other.execute(
                "LOCK TABLE delivery, mail, interaction, history, lease, evaluation IN ACCESS EXCLUSIVE MODE"
            )
            await other.execute("SELECT pg_advisory_unlock(7341022)")
            yield
    finally:
        await other.close()


async def test_sigterm_ends_it_within_ten_seconds_while_the_database_is_locked(here: World, database: str) -> None:
    async with life(here, birth=forked, database_url=database) as process:
        card = await here.card(NORTHWIND.company)
        async with locked(database):
            for _ in range(5):
                await here.workspace.press(ANA, card, "evaluation.claim")
            await asyncio.sleep(1)
            began = time.monotonic()
            process.send(signal.SIGTERM)
            assert await process.end() == 0
            assert time.monotonic() - began < limit(10)
    assert "Traceback" not in process.log.read_text()
    async with life(here, birth=forked, database_url=database):
        await here.workspace.press(ANA, card, "evaluation.claim")
        await here.shows(f"Owner: <@{ANA}>", on=card)
    assert sum(NORTHWIND.company in message.text for message in here.workspace.messages()) == 1


async def test_sigterm_ends_a_start_that_waits_for_a_locked_database(here: World, database: str) -> None:
    async with life(here, birth=forked, database_url=database):
        await here.card(NORTHWIND.company)

    def waits() -> bool:
        return "database_locked" in (here.folder / "log").read_text()

    (here.folder / "log").write_text("")
    async with locked(database), life(here, birth=forked, database_url=database, ready=waits) as process:
        process.send(signal.SIGTERM)
        assert await process.end() == 0
    assert "Traceback" not in process.log.read_text()
