"""What another process writes to a SQLite file is noticed, and what this one writes is not taken for it."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.concurrency.tasks import cancel_and_wait
from bot.errors import StoreError
from bot.store import Store
from bot.store.engine import file_watch
from bot.store.engine.file_watch import FileWatch
from bot.store.schema import delivery
from tests.builders import NOON
from tests.machine import limit


async def test_a_write_of_another_program_wakes_who_waits_for_any_table(store: Store, file: Path) -> None:
    watching = asyncio.create_task(store.database.listen())
    await store.database.written(store.database.writes, seconds=limit(20))  # what came before it listened
    assert store.database.hears_others
    before = store.database.writes
    waiting = asyncio.create_task(store.database.written(before, seconds=3600, to=(delivery,)))
    with closing(sqlite3.connect(file)) as other, other:
        other.execute("UPDATE installation SET since = '2026-11-23 12:00:00.000000'")
    await asyncio.wait_for(waiting, timeout=limit(20))
    await cancel_and_wait(watching)
    assert not store.database.hears_others


async def test_what_this_process_writes_or_reads_does_not_change_the_version(store: Store) -> None:
    before = await store.database._data_version()  # noqa: SLF001  nothing else shows it
    await store.polls.quarantine([("E-1", "r")], at=NOON)
    await store.leases.take()
    await store.incidents.list_open()
    await store.database.wipe()
    assert await store.database._data_version() == before  # noqa: SLF001  as above


async def test_after_a_look_that_failed_anything_may_have_been_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(file_watch, "_POLL_INTERVAL_S", 0.0)
    found: list[int | StoreError] = [1, 1, StoreError("It cannot be read."), 1, 2]
    noted = list[int]()

    async def version() -> int:
        if not found:
            raise asyncio.CancelledError
        value = found.pop(0)
        if isinstance(value, StoreError):
            raise value
        return value

    watch = FileWatch(version, lambda: noted.append(len(found)), log_file=tmp_path / "no.db-wal")
    watching = asyncio.create_task(watch.run())
    await asyncio.wait([watching], timeout=limit(20))
    assert noted == [4, 1, 0]


async def test_the_version_is_not_asked_for_while_the_log_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(file_watch, "_POLL_INTERVAL_S", 0.0)
    log_file, asked = tmp_path / "evaluators.db-wal", list[int]()
    log_file.write_bytes(b"a page")

    async def version() -> int:
        asked.append(1)
        return len(asked)

    watching = asyncio.create_task(FileWatch(version, lambda: None, log_file=log_file).run())
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(asked) == 1
    log_file.write_bytes(b"a page, and another")
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(asked) == 2
    await cancel_and_wait(watching)
