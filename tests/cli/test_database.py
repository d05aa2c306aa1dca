"""The database as the person who runs the bot saves it, looks at it and puts it back."""

import random
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.domain.dnc_reason import DncReason
from bot.domain.mail import MailState
from bot.security.keyring import Keyring
from bot.store import open_store
from bot.store.engine.sqlite_files import inspect_database, is_in_use
from bot.store.mail.repository import QueuedMail
from bot.store.schema import do_not_contact, mail
from tests.builders import license_
from tests.cli.conftest import RunBeside
from tests.scenarios.process import life
from tests.store.steps import ask, mark, order, report, rows
from tests.store.test_forgetting import readable
from tests.world import TODAY, World

SECRET = "a key for tests that is long enough"


def _evaluations(file: Path) -> int:
    with closing(sqlite3.connect(file)) as database:
        [count] = database.execute("SELECT count(*) FROM evaluation").fetchone()
        return int(count)


@pytest.fixture
async def file(here: World) -> Path:
    """A database with a trial, a mail that waits, and somebody who said no."""
    path = here.folder / "evaluators.db"
    async with open_store(f"sqlite+aiosqlite:///{path}", secret_keys=[SECRET]) as store:
        await report(store, license_())
        assert isinstance(await ask(store, order(1)), QueuedMail)
        await mark(store, "bo@birch.example")
    return path


async def test_a_backup_is_put_back_and_the_present_database_is_kept(
    here: World, beside: RunBeside, file: Path
) -> None:
    assert (await beside("db", "backup", "saved.db", "--dnc", "no.csv")).code == 0
    url = f"sqlite+aiosqlite:///{file}"
    async with open_store(url, secret_keys=[SECRET]) as store:
        before = (await store.installation.generation()).number
        await report(store, license_(aliases=frozenset({"E-2"})))
        await mark(store, "cy@cedar.example")
    assert (await beside("dnc", "export")).out.count("\n") == 3
    (here.folder / "newer.csv").write_text("subject,cause,note,at\ncy@cedar.example,legal,,\n")

    done = await beside("db", "restore", "saved.db", "--dnc", "newer.csv")

    assert (done.code, done.err) == (0, "")
    assert "may have been sent since: 1." in done.out
    assert "1 do-not-contact entry read, 1 new." in done.out
    assert _evaluations(file) == 1
    [kept] = here.folder.glob("evaluators.db.before-*")
    assert _evaluations(kept) == 2
    assert {stat.S_IMODE(each.stat().st_mode) for each in (file, kept, here.folder / "no.csv")} == {0o600}
    assert sorted(each.name for each in here.folder.iterdir()) == sorted(
        ["evaluators.db", kept.name, "saved.db", "no.csv", "newer.csv"]
    )
    async with open_store(url, secret_keys=[SECRET]) as store:
        assert [row.state for row in await rows(store, mail)] == [MailState.UNKNOWN]
        assert [row.reason for row in await rows(store, do_not_contact)] == [DncReason.ASKED, DncReason.LEGAL]
        now = await store.installation.generation()
        assert now.number > before
        assert now.must_look


async def test_a_table_with_a_wrong_line_restores_nothing(here: World, beside: RunBeside, file: Path) -> None:
    assert (await beside("db", "backup", "saved.db")).code == 0
    (here.folder / "wrong.csv").write_text("subject,cause,note,at\nnobody at all,asked,,\n")
    done = await beside("db", "restore", "saved.db", "--dnc", "wrong.csv")
    assert done.code == 1
    assert done.err.startswith("Line 2: ")
    assert not list(here.folder.glob(f"{file.name}.*"))


@pytest.mark.slow
async def test_nothing_is_restored_while_a_bot_runs(here: World, beside: RunBeside) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with life(here):
        assert (await beside("db", "backup", "saved.db")).code == 0
        assert is_in_use(here.folder / "evaluators.db")
        done = await beside("db", "restore", "saved.db")
        assert done.code == 75
        assert "Stop the bot first" in done.err
    assert not is_in_use(here.folder / "evaluators.db")
    assert (await beside("db", "restore", "saved.db")).code == 0


def _flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:4200] = bytes(104)
    file.write_bytes(content)


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _from_the_future(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()


def _without_a_license(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute("DELETE FROM license")
        database.commit()


def _of_another_program(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE note (id INTEGER)")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_flipped, "Take another backup."),
        (_cut, "Take another backup."),
        (lambda file: file.write_bytes(b""), "It isn't a database of Evaluator Bot."),
        (lambda file: file.write_text("words"), "It cannot be read as a database (file is not a database)."),
        (lambda file: file.unlink(), "There is no file"),
        (_from_the_future, "It was written by a newer version of Evaluator Bot (schema 9999)."),
        (_without_a_license, "It is damaged"),
        (_of_another_program, "It isn't a database of Evaluator Bot."),
    ],
)
async def test_a_file_that_cannot_be_used_is_named_by_verify_and_refused_by_restore(
    here: World, beside: RunBeside, file: Path, spoil: object, sentence: str
) -> None:
    assert (await beside("db", "backup", "saved.db")).code == 0
    assert callable(spoil)
    spoil(here.folder / "saved.db")
    before = file.read_bytes()
    looked, restored = await beside("db", "verify", "saved.db"), await beside("db", "restore", "saved.db")
    assert (looked.code, restored.code) == (1, 1)
    assert sentence in looked.out
    assert sentence in restored.err
    assert file.read_bytes() == before


@pytest.mark.usefixtures("file")
async def test_a_backup_is_looked_at_without_a_trace(here: World, beside: RunBeside) -> None:
    assert (await beside("db", "backup", "saved.db")).code == 0
    names = sorted(each.name for each in here.folder.iterdir())
    done = await beside("db", "verify", "saved.db")
    assert (done.code, done.err) == (0, "")
    assert "1 evaluation, 1 email, 1 do-not-contact entry" in done.out
    other = await beside("db", "verify", "saved.db", secret_key="another key for tests that is long enough")
    assert (other.code, other.out) == (
        1,
        "✗ SECRET_KEY does not open it. Set the one it was written with.\n",
    )
    assert sorted(each.name for each in here.folder.iterdir()) == names


@pytest.mark.parametrize(
    ("spoil", "arguments", "sentence"),
    [
        (lambda file: file.unlink(), ("saved.db",), "There is no database at"),
        (lambda file: file.write_text("words"), ("saved.db",), "cannot be copied to saved.db (file is not a database)"),
        (lambda _: None, ("nowhere/saved.db",), "nowhere/saved.db cannot be written: No such file"),
        (lambda file: (file.parent / "no.csv").touch(), ("saved.db", "--dnc", "no.csv"), "no.csv exists."),
    ],
)
async def test_a_backup_that_cannot_be_made_is_said_and_leaves_nothing(
    here: World, beside: RunBeside, file: Path, spoil: object, arguments: tuple[str, ...], sentence: str
) -> None:
    assert callable(spoil)
    spoil(file)
    done = await beside("db", "backup", *arguments)
    assert done.code == 1
    assert sentence in done.err
    assert not list(here.folder.glob("saved*"))


async def test_a_changed_letter_anywhere_in_a_backup_is_found(here: World, beside: RunBeside, file: Path) -> None:
    saved = here.folder / "saved.db"
    assert (await beside("db", "backup", "saved.db")).code == 0
    content, keys = saved.read_bytes(), Keyring([SECRET])
    assert not inspect_database(saved, keys).problems
    draw = random.Random(1)  # noqa: S311  no secret
    for place in [18, 19, 60, 63, *(draw.randrange(len(content)) for _ in range(40))]:
        spoiled = bytearray(content)
        spoiled[place] ^= 1 << draw.randrange(8)
        saved.write_bytes(spoiled)
        assert inspect_database(saved, keys).problems, place
    saved.write_bytes(content + b"\0")
    assert inspect_database(saved, keys).problems


async def test_what_was_put_back_is_no_damaged_backup(here: World, beside: RunBeside, file: Path) -> None:
    assert (await beside("db", "backup", "saved.db")).code == 0
    assert (await beside("db", "restore", "saved.db")).code == 0
    assert (await beside("db", "verify", "evaluators.db")).code == 0
    (here.folder / "saved.db").replace(file)  # by hand
    async with open_store(f"sqlite+aiosqlite:///{file}", secret_keys=[SECRET]) as store:
        await report(store, license_(aliases=frozenset({"E-2"})))
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
    assert (await beside("db", "verify", "evaluators.db")).code == 0


@pytest.mark.parametrize("suffixes", [("",), ("", "-wal")])
async def test_a_file_that_was_copied_by_hand_is_looked_at_without_a_trace(
    here: World, beside: RunBeside, file: Path, suffixes: tuple[str, ...]
) -> None:
    copied = here.folder / "copied"
    copied.mkdir()
    async with open_store(f"sqlite+aiosqlite:///{file}", secret_keys=[SECRET]) as store:
        await report(store, license_(aliases=frozenset({"E-2"})))
        for suffix in suffixes:
            shutil.copy(f"{file}{suffix}", copied)
    before = {each.name: each.read_bytes() for each in copied.iterdir()}
    done = await beside("db", "verify", "copied/evaluators.db")
    assert done.code == 0
    assert f"{len(suffixes)} evaluation" in done.out
    assert {each.name: each.read_bytes() for each in copied.iterdir()} == before


async def test_who_was_erased_since_the_backup_is_erased_again(here: World, beside: RunBeside, file: Path) -> None:
    assert (await beside("db", "backup", "saved.db")).code == 0
    assert (await beside("erase", "ana@acme.example", "--yes")).code == 0
    done = await beside("db", "restore", "saved.db")
    assert "Erased again: 1 person (1 license, 1 email)." in done.out
    assert "evaluator-bot erase --again" in done.out
    async with open_store(f"sqlite+aiosqlite:///{file}", secret_keys=[SECRET]) as store:
        assert "ana@acme.example" not in await readable(store)
    done = await beside("erase", "--again")
    assert (done.code, done.out) == (0, "1 person on record as erased. Nothing about any of them was left to erase.\n")
    for arguments in (("erase",), ("erase", "ana@acme.example", "--again")):
        assert (await beside(*arguments)).code == 2
