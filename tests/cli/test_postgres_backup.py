"""A PostgreSQL database as the person who runs the bot saves it, looks at it, puts it back, and moves to it."""

import random
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.domain.dnc_reason import DncReason
from bot.domain.mail import MailState
from bot.errors import StoreError
from bot.security.keyring import Keyring
from bot.store import Store, open_store
from bot.store.engine import postgres_dumps
from bot.store.engine.connections import parsed_url
from bot.store.engine.postgres_dumps import inspect_dump, load_dump
from bot.store.mail.repository import QueuedMail
from bot.store.schema import audit, delivery, do_not_contact, evaluation, history, installation, lease, mail, metadata
from tests.builders import license_
from tests.cli.conftest import RunBeside
from tests.postgres import needs_a_server
from tests.store.steps import SECRET, ask, mark, order, report, rows
from tests.store.test_forgetting import readable
from tests.world import World

pytestmark = [needs_a_server, pytest.mark.slow]
OTHER = license_(aliases=frozenset({"E-2"}))


async def _fill(url: str) -> None:
    """A trial, a mail that waits, and somebody who said no."""
    async with open_store(url, secret_keys=[SECRET]) as store:
        await report(store, license_())
        assert isinstance(await ask(store, order(1)), QueuedMail)
        await mark(store, "bo@birch.example")


@pytest.fixture
async def saved(here: World, beside: RunBeside, postgres: str) -> Path:
    """A backup of a PostgreSQL database."""
    await _fill(postgres)
    done = await beside("db", "backup", "saved.dump", "--dnc", "no.csv", database_url=postgres)
    assert (done.code, done.err) == (0, "")
    return here.folder / "saved.dump"


async def test_a_backup_is_put_back_and_a_dump_of_the_present_database_is_kept(
    here: World, beside: RunBeside, postgres: str, saved: Path
) -> None:
    async with open_store(postgres, secret_keys=[SECRET]) as store:
        before = (await store.installation.generation()).number
        await report(store, OTHER)
        await mark(store, "cy@cedar.example")
    assert (await beside("erase", "ana@acme.example", "--yes", database_url=postgres)).code == 0
    (here.folder / "newer.csv").write_text("subject,cause,note,at\ncy@cedar.example,legal,,\n")

    done = await beside("db", "restore", "saved.dump", "--dnc", "newer.csv", database_url=postgres)

    assert (done.code, done.err) == (0, "")
    assert "may have been sent since: 1." in done.out
    assert "1 do-not-contact entry read, 1 new." in done.out
    assert "Erased again: 1 person (1 license, 1 email)." in done.out
    [kept] = here.folder.glob("*.before-*")
    assert f"kept as {kept.name}" in done.out
    assert inspect_dump(kept, Keyring([SECRET])).counts["evaluation"] == 2
    assert {stat.S_IMODE(each.stat().st_mode) for each in (saved, kept, here.folder / "no.csv")} == {0o600}
    async with open_store(postgres, secret_keys=[SECRET]) as store:
        assert [row.state for row in await rows(store, mail)] == [MailState.UNKNOWN]
        found = {row.reason for row in await rows(store, do_not_contact)}
        assert found == {DncReason.ASKED, DncReason.LEGAL, DncReason.ERASED}
        assert "ana@acme.example" not in await readable(store)
        now = await store.installation.generation()
        assert now.number > before
        assert now.must_look
        await report(store, OTHER)
        assert [row.id for row in await rows(store, evaluation)] == [1, now.number + 1]


async def test_nothing_is_restored_while_a_copy_of_the_bot_is_connected(
    beside: RunBeside, postgres: str, saved: Path
) -> None:
    async with open_store(postgres, secret_keys=[SECRET]) as store:
        await report(store, OTHER)
        done = await beside("db", "restore", "saved.dump", database_url=postgres)
        assert done.code == 75
        assert "Stop the bot first" in done.err
        assert len(await rows(store, evaluation)) == 2


async def test_a_dump_is_looked_at_without_a_server_and_without_a_trace(
    here: World, beside: RunBeside, saved: Path
) -> None:
    names, nowhere = sorted(each.name for each in here.folder.iterdir()), "postgresql+asyncpg://bot@127.0.0.1:1/nowhere"
    done = await beside("db", "verify", "saved.dump", database_url=nowhere)
    assert (done.code, done.err) == (0, "")
    assert "1 evaluation, 1 email, 1 do-not-contact entry." in done.out
    other = await beside(
        "db", "verify", "saved.dump", database_url=nowhere, secret_key="another key for tests that is long enough"
    )
    assert (other.code, other.out) == (1, "✗ SECRET_KEY does not open it. Set the one it was written with.\n")
    assert sorted(each.name for each in here.folder.iterdir()) == names


async def test_a_changed_letter_anywhere_in_a_dump_is_found(saved: Path) -> None:
    content, keys = saved.read_bytes(), Keyring([SECRET])
    draw, end = random.Random(1), len(content)  # noqa: S311  no secret
    for place in [5, end - 50, end - 20, end - 1, *(draw.randrange(5, end) for _ in range(20))]:
        spoiled = bytearray(content)
        spoiled[place] ^= 1 << draw.randrange(8)
        saved.write_bytes(spoiled)
        assert inspect_dump(saved, keys).problems, place
    for cut in (end - 1, end - 30, end // 2, 100):
        saved.write_bytes(content[:cut])
        assert inspect_dump(saved, keys).problems, cut


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda content: content[: len(content) // 2], "It cannot be read as a dump"),
        (lambda _: b"", "It isn't a database of Evaluator Bot."),
    ],
)
async def test_a_file_that_cannot_be_used_is_named_and_changes_nothing(
    beside: RunBeside, postgres: str, saved: Path, spoil: Callable[[bytes], bytes], sentence: str
) -> None:
    saved.write_bytes(spoil(saved.read_bytes()))
    checked = await beside("db", "verify", "saved.dump", database_url=postgres)
    restored = await beside("db", "restore", "saved.dump", database_url=postgres)
    assert (checked.code, restored.code) == (1, 1)
    assert sentence in checked.out
    assert sentence in restored.err
    async with open_store(postgres, secret_keys=[SECRET]) as store:
        assert len(await rows(store, evaluation)) == 1


async def test_a_restore_that_fails_half_way_changes_nothing(postgres: str, saved: Path) -> None:
    but_one = [table.name for table in metadata.sorted_tables if table.name != "mail"] + ["alembic_version"]
    with pytest.raises(StoreError, match='relation "mail" already exists'):
        load_dump(parsed_url(postgres), saved, instead_of=but_one)
    async with open_store(postgres, secret_keys=[SECRET]) as store:
        assert len(await rows(store, evaluation)) == 1


async def test_without_the_programs_of_postgresql_a_sentence_says_what_to_install(
    beside: RunBeside, postgres: str, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_dumps, "_PLACES", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    for words in (("backup", "other.dump"), ("restore", "saved.dump")):
        done = await beside("db", *words, database_url=postgres)
        assert done.code == 1
        assert "postgresql-client" in done.err
    assert not list(saved.parent.glob("other.dump*"))


async def test_a_server_that_does_not_answer_is_said_and_leaves_nothing(here: World, beside: RunBeside) -> None:
    done = await beside("db", "backup", "saved.dump", database_url="postgresql+asyncpg://bot:hidden@127.0.0.1:1/it")
    assert done.code == 1
    assert "Connection refused" in done.err
    assert "hidden" not in done.err
    assert not list(here.folder.glob("saved*"))


async def _everything(store: Store) -> dict[str, list[Any]]:
    """The rows of all tables that a restore leaves as they are."""
    changed = {installation, lease, audit, mail, delivery, history}
    kept = [table for table in metadata.sorted_tables if table not in changed]
    return {table.name: [tuple(row) for row in await rows(store, table)] for table in kept}


async def test_a_backup_of_sqlite_moves_to_an_empty_postgresql(here: World, beside: RunBeside, postgres: str) -> None:
    sqlite = f"sqlite+aiosqlite:///{here.folder / 'evaluators.db'}"
    await _fill(sqlite)
    assert (await beside("db", "backup", "saved.db")).code == 0
    done = await beside("db", "restore", "saved.db", database_url=postgres)
    assert done.code == 0, done.err
    async with (
        open_store(sqlite, secret_keys=[SECRET]) as source,
        open_store(postgres, secret_keys=[SECRET]) as target,
    ):
        assert await _everything(target) == await _everything(source)
        assert (await rows(target, history))[:2] == await rows(source, history)
        assert [row.state for row in await rows(target, mail)] == [MailState.UNKNOWN]
        await report(target, OTHER)
        number = (await target.installation.generation()).number
        assert [row.id for row in await rows(target, evaluation)] == [1, number + 1]
    again = await beside("db", "restore", "saved.db", database_url=postgres)
    assert again.code == 1
    assert "DATABASE_URL to an empty database" in again.err


async def test_a_dump_is_not_restored_to_sqlite(beside: RunBeside, saved: Path) -> None:
    done = await beside("db", "restore", "saved.dump")
    assert done.code == 1
    assert "is a dump of PostgreSQL" in done.err
