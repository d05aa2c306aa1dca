"""Back up, verify and restore the database for the command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import typer

from bot.app.clock import utc_now
from bot.cli.arguments import ACTOR, EXIT_TRY_LATER, MAX_BYTES
from bot.cli.privacy import again_in_words
from bot.config.settings import DatabaseSettings
from bot.domain.dnc import DncEntry, DncTarget
from bot.domain.text import counted
from bot.errors import BotError
from bot.exports.dnc_csv import read_csv, write_csv
from bot.security.keyring import Keyring
from bot.store import Store, open_store
from bot.store.copy_rows import copy_rows, is_empty
from bot.store.engine.backup_file import FileReport
from bot.store.engine.connections import parsed_url, sqlite_file
from bot.store.engine.database import Database
from bot.store.engine.migrate import newest
from bot.store.engine.new_file import verify_absent
from bot.store.engine.postgres_dumps import Present, dump_database, inspect_dump, is_dump, load_dump, present
from bot.store.engine.sqlite_files import (
    copy_database,
    inspect_database,
    is_in_use,
    merge_log,
    put_in_place,
    scratch,
    write_private,
)
from bot.store.erasures import Person, erased_elsewhere
from bot.store.installation import WentBack
from bot.store.privacy import ErasedAgain

_FAILED: Final = 1
_PLURALS: Final = {"do-not-contact entry": "do-not-contact entries"}
_Entries = Sequence[tuple[DncTarget, DncEntry]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Restored:
    """What a restore came to."""

    went: WentBack | None
    again: ErasedAgain
    new_entries: int


async def upgrade(settings: DatabaseSettings) -> None:
    async with open_store(settings.database_url, secret_keys=settings.secret_key):
        typer.echo("The database is up to date.")


async def backup(settings: DatabaseSettings, *, target: Path, table: Path | None) -> None:
    url = parsed_url(settings.database_url)
    source = sqlite_file(url)
    for path in (target, table):
        verify_absent(path)
    if source is None:
        dump_database(url, target)
    else:
        copy_database(source, target)
    typer.echo(f"Written to {target}.")
    if table is not None:
        write_private(table, write_csv(await _entries(settings, target, on_server=source is None)))
        typer.echo(f"The do-not-contact list is in {table}.")


async def verify(settings: DatabaseSettings, *, file: Path) -> None:
    found = _inspect(file, Keyring(settings.secret_key))
    for problem in found.problems:
        typer.echo(f"✗ {problem}")
    if found.problems:
        raise typer.Exit(_FAILED)
    latest = "never" if found.latest is None else f"{found.latest:%Y-%m-%d %H:%M} UTC"
    counts = ", ".join(counted(count, name, _PLURALS.get(name)) for name, count in found.counts.items())
    typer.echo("✓ The file is intact.")
    typer.echo(f"✓ Schema {found.version}: this version can use it.")
    typer.echo("✓ SECRET_KEY decrypts it.")
    typer.echo(f"  Last entry: {latest}. {counts}.")


async def restore(settings: DatabaseSettings, *, file: Path, table: Path | None) -> None:
    target = sqlite_file(parsed_url(settings.database_url))
    entries = _read_entries(table)
    also = await erased_elsewhere(settings.database_url)
    if target is not None:
        done, kept = await _restore_file(settings, file, target, entries=entries, also=also)
    else:
        done, kept = await _restore_on_server(settings, file, entries=entries, also=also)
    if done.went is not None:
        typer.echo(f"Restored to {done.went.to:%Y-%m-%d %H:%M} UTC.")
        typer.echo(
            f"Emails that were waiting then and may have been sent since: {done.went.mails:,}. See their threads."
        )
    if table is not None:
        read = counted(len(entries), "do-not-contact entry", "do-not-contact entries")
        typer.echo(f"{read} read, {done.new_entries:,} new.")
    if done.again.people:
        typer.echo(again_in_words(done.again))
    if kept is not None:
        typer.echo(f"The replaced database is kept as {kept}.")
    typer.echo("Start the bot. Before it posts anything, it looks for the cards that are already in Slack.")
    typer.echo("Then run `evaluator-bot erase --again`: a card also tells who was erased since the backup.")
    if table is None:
        typer.echo("Newer do-not-contact entries may be missing. Run `evaluator-bot dnc import FILE`.", err=True)


async def _restore_file(
    settings: DatabaseSettings, file: Path, target: Path, *, entries: _Entries, also: Sequence[Person]
) -> tuple[_Restored, Path | None]:
    """Replace a SQLite file. Return where the former one is kept."""
    keys = Keyring(settings.secret_key)
    _refuse_unfit(file, target)
    _refuse_damaged(file, keys)
    if is_in_use(target):
        _refuse_in_use(str(target))
    above, at = inspect_database(target, keys).generation, utc_now()
    with scratch(file, target.with_name(f"{target.name}.restoring")) as copy:
        async with open_store(_url(copy), secret_keys=settings.secret_key) as store:
            done = await _settle(store, above=above, entries=entries, also=also)
        merge_log(copy)
        return done, put_in_place(copy, target, at=at)


async def _restore_on_server(
    settings: DatabaseSettings, file: Path, *, entries: _Entries, also: Sequence[Person]
) -> tuple[_Restored, Path | None]:
    """Replace the tables of a PostgreSQL database. Return where a dump of the former ones is kept."""
    _refuse_damaged(file, Keyring(settings.secret_key))
    found = await _present(settings)
    if found.others:
        _refuse_in_use("DATABASE_URL")
    if is_dump(file):
        kept = _replace_tables(settings.database_url, file, found)
    else:
        kept = None
        await _move(settings, file)
    async with open_store(settings.database_url, secret_keys=settings.secret_key) as store:
        return await _settle(store, above=found.generation, entries=entries, also=also), kept


def _replace_tables(database_url: str, file: Path, found: Present) -> Path | None:
    url = parsed_url(database_url)
    if found.version > newest():
        raise BotError(
            "A newer version of Evaluator Bot wrote the database. Create an empty one, set DATABASE_URL to it, and "
            "restore there. Nothing was changed."
        )
    kept = None
    if found.version:
        kept = file.with_name(f"{url.database}.before-{utc_now():%Y%m%d-%H%M%S}")
        dump_database(url, kept)
    load_dump(url, file, instead_of=found.tables)
    return kept


async def _move(settings: DatabaseSettings, file: Path) -> None:
    """Copy a SQLite backup to an empty PostgreSQL database."""
    async with open_store(settings.database_url, secret_keys=settings.secret_key) as target:
        if not await is_empty(target):
            raise BotError(
                f"{file} is a SQLite database, and DATABASE_URL has evaluations already. To move to PostgreSQL, set "
                "DATABASE_URL to an empty database. Nothing was changed."
            )
        with TemporaryDirectory() as folder, scratch(file, Path(folder) / "moving.db") as copy:
            async with open_store(_url(copy), secret_keys=settings.secret_key) as source:
                await copy_rows(source, target)


async def _settle(store: Store, *, above: int, entries: _Entries, also: Sequence[Person]) -> _Restored:
    """Do what follows from a restore, before any bot runs on the database."""
    at = utc_now()
    went = await store.installation.go_back(at=at, above=above)
    await store.leases.clear()
    new = await store.dnc.add_all(entries)
    if entries:
        await store.personal_data.audit("dnc import", at=at, by=ACTOR, entries=len(entries), new=new)
    again = await store.personal_data.erase_again(at=at, by=ACTOR, also=also)
    return _Restored(went=went, again=again, new_entries=new)


async def _present(settings: DatabaseSettings) -> Present:
    database = Database(settings.database_url)
    try:
        return await present(database)
    finally:
        await database.close()


async def _entries(settings: DatabaseSettings, written: Path, *, on_server: bool) -> Sequence[DncEntry]:
    """Return the do-not-contact entries of a backup that was just written; on a server, of the database itself."""
    if on_server:
        async with open_store(settings.database_url, secret_keys=settings.secret_key, create=False) as store:
            return await store.dnc.list_active()
    # A second copy is read, because opening it brings its tables up to date.
    with scratch(written, written.with_name(f"{written.name}.dnc")) as copy:
        async with open_store(_url(copy), secret_keys=settings.secret_key) as store:
            return await store.dnc.list_active()


def _inspect(file: Path, keys: Keyring) -> FileReport:
    return inspect_dump(file, keys) if is_dump(file) else inspect_database(file, keys)


def _refuse_unfit(file: Path, target: Path) -> None:
    if target.exists() and file.exists() and target.samefile(file):
        raise BotError(f"{file} is the database itself. Name a backup.")
    if is_dump(file):
        raise BotError(f"{file} is a dump of PostgreSQL, and DATABASE_URL is a SQLite file. Set the one it is for.")


def _refuse_damaged(file: Path, keys: Keyring) -> None:
    if problems := _inspect(file, keys).problems:
        raise BotError("\n".join([f"{file} was not restored. Nothing was changed.", *problems]))


def _refuse_in_use(what: str) -> None:
    typer.echo(f"Another program has {what} open. Stop the bot first. Nothing was changed.", err=True)
    raise typer.Exit(EXIT_TRY_LATER)


def _read_entries(table: Path | None) -> _Entries:
    """Return the entries of a do-not-contact table. Raises BotError, before any change, if a line is wrong."""
    if table is None:
        return []
    try:
        text = table.read_text("utf-8-sig")
    except OSError as exc:
        raise BotError(f"{table} cannot be read ({exc.strerror}).") from exc
    except UnicodeDecodeError as exc:
        raise BotError(f"{table} is not a text in UTF-8. Save it as CSV in UTF-8.") from exc
    return read_csv(text[:MAX_BYTES], at=utc_now(), by=None)


def _url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path.resolve()}"
