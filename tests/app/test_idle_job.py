"""When a job that is idle looks again."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.app.idle_job import IdleJob
from bot.errors import StoreError
from bot.store.engine.database import Database

BEGAN = datetime(2026, 11, 23, 9, 0, 20, tzinfo=UTC)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    found = Database(f"sqlite+aiosqlite:///{tmp_path}/looks.db")
    found.watch.works = True
    yield found
    await found.close()


class Job:
    """A job whose next due moment a test says. It fails if there is none."""

    def __init__(self, database: Database) -> None:
        self.now = BEGAN
        self.due: datetime | type[StoreError] | None = None
        self.job = IdleJob("job", self._work, database=database, clock=lambda: self.now)

    async def _work(self) -> datetime | None:
        if isinstance(self.due, type):
            raise self.due
        return self.due

    def is_idle_after(self, **span: float) -> bool:
        self.now = BEGAN + timedelta(**span)
        return self.job.is_idle


async def test_it_is_idle_until_a_minute_begins_or_the_clock_is_set_back(database: Database) -> None:
    job = Job(database)
    await job.job.run_once()
    assert [job.is_idle_after(seconds=s) for s in (0, 39.9, 40, -1)] == [True, True, False, False]


async def test_it_looks_when_the_moment_comes_that_it_named(database: Database) -> None:
    job = Job(database)
    job.due = BEGAN + timedelta(seconds=7)
    await job.job.run_once()
    assert [job.is_idle_after(seconds=s) for s in (6.9, 7)] == [True, False]


async def test_it_looks_when_something_was_written_or_might_have_been_unheard(database: Database) -> None:
    job = Job(database)
    await job.job.run_once()
    async with database.write():
        pass
    assert not job.job.is_idle
    await job.job.run_once()
    assert job.job.is_idle
    database.watch.works = False
    assert not job.job.is_idle


async def test_a_look_that_failed_comes_again(database: Database) -> None:
    job = Job(database)
    job.due = StoreError
    with pytest.raises(StoreError):
        await job.job.run_once()
    assert not job.job.is_idle
