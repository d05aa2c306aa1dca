"""Erased is said when no byte is left; where another program keeps old pages alive, they go as soon as it lets go."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.store import Store, open_store
from bot.store.schema import license_ as license_table
from tests.builders import contact, license_
from tests.store.steps import LATER, SECRET, report, rows

READ = """
import sqlite3, sys
reading = sqlite3.connect(sys.argv[1])
reading.execute("BEGIN")
reading.execute("SELECT count(*) FROM license").fetchall()
print("reading", flush=True)
sys.stdin.readline()
"""


@contextmanager
def reader(file: Path) -> Iterator[int]:
    """Another program that looks at a state of the database for long; its number."""
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", READ, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "reading\n"
        yield process.pid
        process.communicate("\n")


async def _sealed(store: Store) -> bytes:
    """The contacts as they lie in the file."""
    [row] = await rows(store, license_table)
    found: bytes = row.contacts
    return found


def _is_left(file: Path, sealed: bytes) -> bool:
    return any(sealed in each.read_bytes() for each in (file, file.with_name(f"{file.name}-wal")) if each.exists())


async def test_what_another_program_still_reads_is_said_and_goes_once_it_lets_go(store: Store, file: Path) -> None:
    await report(store, license_(technical=contact()))
    sealed = await _sealed(store)
    with reader(file) as pid:
        erased = await store.personal_data.erase("ana@acme.example", at=LATER, by="somebody")
        assert not erased.is_wiped
        assert _is_left(file, sealed)
        if Path("/proc/locks").exists():
            assert [f"(process {pid})" in each for each in store.database.readers()] == [True]
            assert store.database.writers() == []
        assert not await store.personal_data.wipe()
    assert await store.personal_data.wipe()
    assert not _is_left(file, sealed)
    assert await store.incidents.list_open() == []


async def test_the_next_command_finishes_it(url: str, file: Path) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store:
        await report(store, license_(technical=contact()))
        sealed = await _sealed(store)
        async with open_store(url, secret_keys=[SECRET]) as running:  # so that the last to close does not clean up
            with reader(file):
                assert not (await store.personal_data.erase("ana@acme.example", at=LATER, by="somebody")).is_wiped
            assert _is_left(file, sealed)
            async with open_store(url, secret_keys=[SECRET]):
                pass
            assert not _is_left(file, sealed)
            assert await running.incidents.list_open() == []


async def test_without_anybody_else_nothing_is_left_at_once(store: Store, file: Path) -> None:
    await report(store, license_(technical=contact()))
    sealed = await _sealed(store)
    assert _is_left(file, sealed)
    assert (await store.personal_data.erase("ana@acme.example", at=LATER, by="somebody")).is_wiped
    assert not _is_left(file, sealed)
