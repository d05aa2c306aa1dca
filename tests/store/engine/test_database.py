import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import traceback
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from bot.errors import DatabaseUrlWrong, StoreError
from bot.store import Store, open_store
from bot.store.engine import connections
from bot.store.engine.connections import file_system
from bot.store.engine.database import Database
from bot.store.schema import license_ as license_table
from bot.store.schema import license_alias
from tests.builders import NOON, license_
from tests.machine import limit
from tests.store.steps import CHANNEL, SECRET, only_card, report


async def test_connections_that_open_a_new_file_at_the_same_moment_all_get_in(tmp_path: Path) -> None:
    async def look(database: Database) -> None:
        async with database.write():
            pass

    for number in range(20):
        # Each round is a race for the switch to write-ahead logging, which SQLite lets nobody wait for.
        databases = [Database(f"sqlite+aiosqlite:///{tmp_path / str(number)}.db") for _ in range(4)]
        await asyncio.gather(*map(look, databases))
        for database in databases:
            await database.close()


@pytest.mark.parametrize(
    "url",
    [
        "evaluators.db",
        "",
        "nosuch://evaluators.db",
        "sqlite:///{folder}/evaluators.db",  # no driver that works beside others
        "sqlite+aiosqlite:///{folder}/no/such/folder/evaluators.db",
        "sqlite+aiosqlite:///{folder}",  # is a folder
        "postgresql://bot:pass-word@127.0.0.1:1/evaluators",
        "postgresql+asyncpg://bot:pass-word@127.0.0.1:1/evaluators",  # nobody listens
    ],
)
async def test_an_address_that_leads_nowhere_is_said_with_what_to_do_and_without_the_password(
    tmp_path: Path, url: str
) -> None:
    with pytest.raises(StoreError, match="DATABASE_URL") as failed:
        async with open_store(url.format(folder=tmp_path), secret_keys=[SECRET]):
            pass

    assert "pass-word" not in "".join(traceback.format_exception(failed.value))


async def test_a_file_that_is_no_database_is_said(file: Path, url: str) -> None:
    file.write_text("Dear diary, " * 100)

    with pytest.raises(StoreError, match="the file is not a database"):
        async with open_store(url, secret_keys=[SECRET]):
            pass


async def test_a_damaged_file_is_said(file: Path, url: str) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store:
        await report(store, license_())
    damaged = bytearray(file.read_bytes())
    damaged[4096:] = b"\xff" * (len(damaged) - 4096)
    file.write_bytes(damaged)

    with pytest.raises(StoreError, match="Put back a backup"):
        async with open_store(url, secret_keys=[SECRET]) as store:
            await only_card(store)


@pytest.mark.parametrize(
    ("setup", "sentence"),
    [
        pytest.param("PRAGMA query_only = ON", "Give the bot's user the right to write", id="read-only"),
        pytest.param("PRAGMA max_page_count = 1", "the disk is full. Make room", id="full"),
        pytest.param("DROP TABLE quarantine", "db upgrade", id="no tables"),
    ],
)
async def test_what_the_operator_can_mend_is_said(store: Store, setup: str, sentence: str) -> None:
    async def fill() -> None:
        async with store.database.write() as connection:
            await connection.execute(text(setup))
            row = {"ref": "E-1", "long": "x" * 100_000, "at": "2026-11-23"}
            await connection.execute(text("INSERT INTO quarantine VALUES (:ref, :long, :at, :at)"), row)

    with pytest.raises(StoreError, match=sentence):
        await fill()


_UNDER_A_LIMIT = """
import asyncio, resource, signal, sys
from bot.errors import StoreError
from bot.store import open_store

async def main():
    async with open_store(sys.argv[1], secret_keys=["a key for tests that is long enough"]):
        pass

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    asyncio.run(main())
except StoreError as exc:
    print(exc)
"""


def test_a_sentence_says_that_the_file_may_not_grow(url: str) -> None:
    line = [sys.executable, "-c", _UNDER_A_LIMIT, url]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=limit(20))  # noqa: S603  our own
    assert "The database cannot be used:" in done.stdout
    assert "Look at the disk" in done.stdout or "Make room" in done.stdout
    assert "Traceback" not in done.stderr


async def test_a_mistake_of_ours_is_not_dressed_up_and_shows_no_values(store: Store) -> None:
    async def break_a_rule() -> None:
        async with store.database.write() as connection:
            row = {"alias": "ana@acme.example", "app_key": "Acme", "license_id": 99}
            await connection.execute(license_alias.insert().values(row))

    with pytest.raises(IntegrityError) as failed:
        await break_a_rule()

    assert "ana@acme.example" not in "".join(traceback.format_exception(failed.value))


async def test_a_reader_sees_one_state_throughout(store: Store) -> None:
    async with store.database.read() as connection:
        before = (await connection.execute(select(license_table))).all()
        await report(store, license_())
        after = (await connection.execute(select(license_table))).all()

    assert before == after == []


async def test_a_reader_never_sees_half_of_what_is_being_written(store: Store) -> None:
    async with store.database.write() as connection:
        await connection.execute(text("INSERT INTO quarantine VALUES ('E-1', 'r', '2026-11-23', '2026-11-23')"))
        assert await store.polls.quarantined() == 0

    assert await store.polls.quarantined() == 1


async def test_a_transaction_that_fails_leaves_nothing_and_lets_the_next_one_in(store: Store) -> None:
    async def fail() -> None:
        async with store.database.write() as connection:
            await connection.execute(text("INSERT INTO quarantine VALUES ('E-1', 'r', '2026-11-23', '2026-11-23')"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert await store.polls.quarantined() == 0
    await store.polls.quarantine([("E-2", "r")], at=NOON)
    assert await store.polls.quarantined() == 1


async def test_only_what_was_committed_counts_as_a_write(store: Store) -> None:
    before = store.database.writes
    await store.polls.quarantined()
    assert store.database.writes == before

    await store.polls.quarantine([("E-1", "r")], at=NOON)
    assert store.database.writes == before + 1


async def test_another_programs_transaction_is_waited_for(store: Store, file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(store.outbox.enqueue_message("Good morning", channel=CHANNEL, at=NOON))
        reading = await store.outbox.waiting()
        other.execute("COMMIT")
        await writing

    assert (reading, await store.outbox.waiting()) == (0, 1)


async def test_hundreds_at_once_wait_in_line_and_all_get_their_turn(store: Store) -> None:
    await asyncio.gather(*(store.polls.quarantine([(f"E-{n}", "r")], at=NOON) for n in range(300)))

    assert await store.polls.quarantined() == 300


START = """
import asyncio, sys
from bot.store import open_store
from tests.builders import NOON
from tests.store.steps import SECRET

async def start(url, ref):
    async with open_store(url, secret_keys=[SECRET]) as store:
        await store.polls.quarantine([(ref, "r")], at=NOON)

asyncio.run(start(*sys.argv[1:]))
"""


@pytest.mark.slow
async def test_four_programs_that_start_at_once_all_make_the_tables_and_write(url: str) -> None:
    started = [subprocess.Popen([sys.executable, "-c", START, url, f"E-{n}"]) for n in range(4)]  # noqa: S603, ASYNC220

    assert [each.wait() for each in started] == [0] * 4
    async with open_store(url, secret_keys=[SECRET]) as store:
        assert await store.polls.quarantined() == 4


async def test_a_database_without_tables_is_said(url: str) -> None:
    database = Database(url)
    with pytest.raises(StoreError, match="db upgrade"):
        async with database.read() as connection:
            await connection.execute(select(license_table))
    await database.close()


async def test_every_connection_waits_until_the_disk_has_what_was_committed(
    waits_for_the_disk: None, store: Store
) -> None:
    full, on = 2, 1
    async with contextlib.AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(store.database.read()) for _ in range(5)]
        connections.append(await stack.enter_async_context(store.database.write()))
        for connection in connections:
            assert await connection.scalar(text("PRAGMA synchronous")) == full
            assert await connection.scalar(text("PRAGMA secure_delete")) == on
            assert await connection.scalar(text("PRAGMA journal_mode")) == "wal"


async def test_a_wait_for_a_lock_held_elsewhere_ends_in_a_sentence_and_can_be_cancelled_at_once(
    store: Store, file: Path
) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = [
            asyncio.create_task(store.outbox.enqueue_message("Good morning", channel=CHANNEL, at=NOON))
            for _ in range(20)
        ]
        await asyncio.wait(writing, timeout=2.5)  # until one of them has met the lock
        assert store.database.locked_for() is not None
        for each in writing:
            each.cancel()
        async with asyncio.timeout(5):  # one of them is at the driver, which waits for a second
            await asyncio.gather(*writing, return_exceptions=True)
        assert [each.cancelled() for each in writing] == [True] * 20
        other.execute("COMMIT")
    assert await store.outbox.waiting() == 0
    await store.outbox.enqueue_message("Good morning", channel=CHANNEL, at=NOON)
    assert store.database.locked_since is None
    assert await store.outbox.waiting() == 1


def test_the_file_system_of_a_folder_is_known_also_below_a_mount_with_blanks(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    share = tmp_path.resolve() / "a share"
    escaped = str(share).replace(" ", "\\040")
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nhost:/x {escaped} nfs4 rw 0 0\n")
    assert [file_system(each, mounts) for each in (tmp_path, share, share / "b")] == ["ext4", "nfs4", "nfs4"]
    assert file_system(tmp_path, tmp_path / "nothing") == ""


def test_a_file_on_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "file_system", lambda _: "nfs4")
    with pytest.raises(DatabaseUrlWrong, match="PostgreSQL"):
        Database(f"sqlite+aiosqlite:///{tmp_path / 'evaluators.db'}")
    assert list(tmp_path.iterdir()) == []
