"""A pass through a large report: the next rows are read while a batch is recorded, and nothing is lost between them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import date, timedelta
from pathlib import Path

import orjson
import pytest
from sqlalchemy import func, select, text

from bot.demo.scenario.sample_data import LANTERNS, VISTULA, license_record
from bot.domain.announcement import AnnouncementPolicy
from bot.domain.health import PollStats
from bot.errors import StoreError
from bot.marketplace.responses import Row
from bot.services.ingest import batches
from bot.services.ingest.batches import ReportIngest
from bot.store import Store, open_store
from bot.store.schema import license_
from tests.store.steps import CHANNEL, SECRET
from tests.world import NOON, TODAY

A_BATCH = 1_000
"""What is recorded together; the bot records more at once."""


def licenses(first: int, count: int) -> list[Row]:
    """Rows of licenses that were evaluated long ago."""
    began = TODAY - timedelta(days=300)
    records = (license_record(number, LANTERNS, VISTULA, began) for number in range(first, first + count))
    return [Row(record, orjson.dumps(record).decode()) for record in records]


async def stored(store: Store) -> int:
    """How many licenses there are."""
    async with store.database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(license_)) or 0)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_RECORDED", A_BATCH)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(f"sqlite+aiosqlite:///{tmp_path / 'evaluators.db'}", secret_keys=[SECRET]) as found:
        yield found


@pytest.fixture
def read() -> asyncio.Event:
    """Set each time a whole batch was read."""
    return asyncio.Event()


@pytest.fixture
def reading(store: Store, read: asyncio.Event) -> ReportIngest:
    def progress(rows: int) -> None:
        if rows % A_BATCH == 0:
            read.set()

    policy = AnnouncementPolicy(today=TODAY, quiet_before=date.max)
    return ReportIngest(store, announcement=policy, channel=CHANNEL, now=NOON, progress=progress)


async def breaks_off(reading: ReportIngest) -> None:
    """A report that ends in an error, after a batch and a little more."""
    async with aclosing(reading):
        await reading.add(licenses(0, A_BATCH))
        await reading.add(licenses(A_BATCH, 10))
        raise ConnectionError


async def test_while_a_batch_waits_to_be_recorded_the_next_rows_are_read(store: Store, reading: ReportIngest) -> None:
    async with store.database.write():
        await reading.add(licenses(0, A_BATCH))
        await reading.add(licenses(A_BATCH, 700))
        assert reading.stats == PollStats(rows=A_BATCH + 700)
    await reading.flush()
    assert reading.stats == PollStats(rows=A_BATCH + 700, started=A_BATCH + 700)
    assert await stored(store) == A_BATCH + 700


async def test_no_more_than_one_batch_waits_to_be_recorded(
    store: Store, reading: ReportIngest, read: asyncio.Event
) -> None:
    async with store.database.write():
        await reading.add(licenses(0, A_BATCH))
        read.clear()
        second = asyncio.create_task(reading.add(licenses(A_BATCH, A_BATCH)))
        await read.wait()
        assert not second.done()
    await second
    assert reading.stats.started == A_BATCH
    await reading.flush()
    assert await stored(store) == 2 * A_BATCH


async def test_a_row_that_comes_again_while_it_is_being_recorded_is_recorded_once(
    store: Store, reading: ReportIngest
) -> None:
    async with store.database.write():
        await reading.add(licenses(0, A_BATCH))
        await reading.add(licenses(A_BATCH - 600, 700))
    await reading.flush()
    assert reading.stats == PollStats(rows=A_BATCH + 700, started=A_BATCH + 100)
    assert await stored(store) == A_BATCH + 100


async def test_a_pass_that_breaks_off_leaves_nothing_under_way_and_loses_no_batch(
    store: Store, reading: ReportIngest, read: asyncio.Event
) -> None:
    async with store.database.write():
        broken = asyncio.create_task(breaks_off(reading))
        await read.wait()
    with pytest.raises(ConnectionError):
        await broken
    assert (await stored(store), reading.stats.started) == (A_BATCH, A_BATCH)


async def test_an_error_that_keeps_a_batch_from_being_recorded_is_raised_to_the_reader(
    store: Store, reading: ReportIngest
) -> None:
    async with store.database.write() as connection:
        await connection.execute(text("ALTER TABLE license_alias RENAME TO gone"))
    async with aclosing(reading):
        await reading.add(licenses(0, A_BATCH))
        with pytest.raises(StoreError, match="no tables"):
            await reading.flush()
    assert await stored(store) == 0


async def test_an_error_of_the_report_is_not_hidden_by_one_of_the_database(store: Store, reading: ReportIngest) -> None:
    async with store.database.write() as connection:
        await connection.execute(text("ALTER TABLE license_alias RENAME TO gone"))
    with pytest.raises(ConnectionError):
        await breaks_off(reading)
