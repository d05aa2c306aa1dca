"""Back up, verify and restore the SQLite database for the command line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import typer

from bot.app.clock import utc_now
from bot.cli.arguments import ACTOR, EXIT_TRY_LATER, MAX_BYTES
from bot.config.settings import DatabaseSettings
from bot.domain.dnc import DncEntry, DncTarget
from bot.domain.text import counted
from bot.errors import BotError, SettingsWrong
from bot.exports.dnc_csv import read_csv, write_csv
from bot.security.keyring import Keyring
from bot.store import open_store
from bot.store.engine.database import parsed_url, sqlite_file
from bot.store.engine.sqlite_files import (
    copy_database,
    inspect_database,
    is_in_use,
    merge_log,
    put_in_place,
    scratch,
    verify_absent,
    write_private,
)

_FAILED: Final = 1
_POSTGRESQL: Final = (
    "DATABASE_URL is not a SQLite file. Stop the bot, use pg_restore, and start the bot: it notices the older "
    "database and does the rest. Then run `evaluator-bot dnc import FILE`."
)


async def upgrade(settings: DatabaseSettings) -> None:
    async with open_store(settings.database_url, secret_keys=settings.secret_key):
        typer.echo("The database is up to date.")


async def backup(settings: DatabaseSettings, *, target: Path, table: Path | None) -> None:
    source = sqlite_file(parsed_url(settings.database_url))
    if source is None:
        raise SettingsWrong(["DATABASE_URL is not a SQLite file. Use pg_dump for PostgreSQL."])
    for path in (target, table):
        verify_absent(path)
    copy_database(source, target)
    typer.echo(f"Written to {target}.")
    if table is not None:
        # A second copy is read, because opening it brings its tables up to date.
        with scratch(target, target.with_name(f"{target.name}.dnc")) as copy:
            async with open_store(_url(copy), secret_keys=settings.secret_key) as store:
                marks = await store.dnc.list_active()
        write_private(table, write_csv(marks))
        typer.echo(f"The do-not-contact list is in {table}.")


async def verify(settings: DatabaseSettings, *, file: Path) -> None:
    found = inspect_database(file, Keyring(settings.secret_key))
    for problem in found.problems:
        typer.echo(f"✗ {problem}")
    if found.problems:
        raise typer.Exit(_FAILED)
    latest = "never" if found.latest is None else f"{found.latest:%Y-%m-%d %H:%M} UTC"
    counts = ", ".join(f"{count:,} {name}" for name, count in found.counts.items())
    typer.echo("✓ The file is intact.")
    typer.echo(f"✓ Schema {found.version}: this version can use it.")
    typer.echo("✓ SECRET_KEY decrypts it.")
    typer.echo(f"  Last entry: {latest}. {counts}.")


async def restore(settings: DatabaseSettings, *, file: Path, table: Path | None) -> None:
    target = sqlite_file(parsed_url(settings.database_url))
    if target is None:
        raise SettingsWrong([_POSTGRESQL])
    marks = _marks(table)
    keys = Keyring(settings.secret_key)
    above, at = inspect_database(target, keys).generation, utc_now()
    _refuse(file, target, keys)
    with scratch(file, target.with_name(f"{target.name}.restoring")) as copy:
        async with open_store(_url(copy), secret_keys=settings.secret_key) as store:
            went = await store.installation.go_back(at=at, above=above)
            await store.leases.clear()
            new = await store.dnc.add_all(marks)
            if table is not None:
                await store.personal_data.audit("dnc import", at=at, by=ACTOR, entries=len(marks), new=new)
        merge_log(copy)
        kept = put_in_place(copy, target, at=at)
    if went is not None:
        typer.echo(f"Restored to {went.to:%Y-%m-%d %H:%M} UTC.")
        typer.echo(f"Emails that were waiting then and may have been sent since: {went.mails:,}. See their threads.")
    if table is not None:
        typer.echo(f"{counted(len(marks), 'do-not-contact entry', 'do-not-contact entries')} read, {new:,} new.")
    if kept is not None:
        typer.echo(f"The replaced database is kept as {kept}.")
    typer.echo("Start the bot. Before it posts anything, it looks for the cards that are already in Slack.")
    if table is None:
        typer.echo("Newer do-not-contact entries may be missing. Run `evaluator-bot dnc import FILE`.", err=True)


def _refuse(file: Path, target: Path, keys: Keyring) -> None:
    """Raise BotError, with what to do, unless the file can replace the database. Exits with 75 if the database is open
    elsewhere.
    """
    if target.exists() and file.exists() and target.samefile(file):
        raise BotError(f"{file} is the database itself. Name a backup.")
    if problems := inspect_database(file, keys).problems:
        raise BotError("\n".join([f"{file} was not restored. Nothing was changed.", *problems]))
    if is_in_use(target):
        typer.echo(f"Another program has {target} open. Stop the bot first. Nothing was changed.", err=True)
        raise typer.Exit(EXIT_TRY_LATER)


def _marks(table: Path | None) -> Sequence[tuple[DncTarget, DncEntry]]:
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
