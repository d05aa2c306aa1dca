"""Bring the tables up to date."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from bot.errors import DatabaseBusy, StoreError
from bot.security.keyring import Keyring
from bot.store.engine.connections import NO_TABLES
from bot.store.engine.database import Database
from bot.store.engine.generation import first_generation
from bot.store.new_tables import create_tables, is_new_file

SCRIPTS: Final = Path(__file__).parent.with_name("migrations")
_LAST_BEFORE_THE_RULE: Final = "0016"
"""The last migration that was written before the rule that migrations only add."""
_OLDEST_BESIDE: Final = re.compile(r'^oldest_beside = "([\d.]+)"$', re.MULTILINE)
_TRIES: Final = 6
_RETRY_S: Final = 1.0
"""Pause between two attempts to lock the tables, in which the copies that run may use them."""


async def is_outdated(database: Database) -> bool:
    """Return whether there are tables that `upgrade` would change."""
    async with database.read() as connection:
        return await connection.run_sync(lambda c: _version(c) not in (None, newest()))


async def may_upgrade_beside(database: Database, running: str) -> bool:
    """Return whether the tables may be upgraded while a bot of the version `running` uses them.

    Two versions run side by side only on a server. A migration that only adds disturbs nobody. One with `post` in its
    name takes something away, and says since which version nobody uses it.
    """
    if not database.is_server:
        return False
    async with database.read() as connection:
        current = await connection.run_sync(_version) or ""
    return all(_may_run_beside(path, running) for path in _scripts() if path.name.partition("_")[0] > current)


async def upgrade(database: Database, *, keyring: Keyring, generation: Callable[[], int] | None = None) -> str:
    """Apply the missing migrations in one transaction and return the schema's version. Raises StoreError if the schema
    is newer than this code and, on a server, does not say that this version may still use it.

    `keyring` encrypts data that an older schema kept in plain text, and replaces hashes and encrypted values of former
    keys. `generation` returns the first generation of a database; it is random by default.
    """
    async with database.read() as connection:
        if await connection.run_sync(_is_current):  # no command waits for a turn to write only to find that out
            return newest()
    for _ in range(_TRIES - 1):
        with suppress(DatabaseBusy):
            return await _try_to_upgrade(database, keyring, generation or first_generation)
        await asyncio.sleep(_RETRY_S)
    return await _try_to_upgrade(database, keyring, generation or first_generation)


async def _try_to_upgrade(database: Database, keyring: Keyring, generation: Callable[[], int]) -> str:
    async with database.write(is_patient=True) as connection:
        return await connection.run_sync(_upgrade, keyring, generation)


async def verify(database: Database) -> None:
    """Raise StoreError unless the schema is the one of this code. Nothing is changed."""
    async with database.read() as connection:
        current = await connection.run_sync(_version)
        is_usable = await connection.run_sync(_may_use_newer)
    if current is None:
        raise StoreError(NO_TABLES)
    if current != newest() and not is_usable:
        raise StoreError(
            "The database is of another version of Evaluator Bot. Restart the bot, or run `evaluator-bot db upgrade`."
        )


@cache
def newest() -> str:
    """Return the version of the schema that this code knows."""
    return max(_versions())


def known_version(connection: Connection) -> str | None:
    """Return the version of the schema, or None if there is none or it is not one of this code's."""
    found = _version(connection)
    return found if found in set(_versions()) else None


def _versions() -> Iterator[str]:
    return (path.name.partition("_")[0] for path in _scripts())


def is_newer(connection: Connection, than: str | None = None) -> bool:
    """Return whether a newer version of the bot has upgraded the tables since they had this version, or that of the
    code.
    """
    return (connection.scalar(text("SELECT version_num FROM alembic_version")) or "") > (than or newest())


def _scripts() -> Iterator[Path]:
    return (SCRIPTS / "versions").glob("[0-9]*.py")


def _may_run_beside(script: Path, running: str) -> bool:
    number, _, name = script.name.partition("_")
    if not name.startswith("post_"):
        return number > _LAST_BEFORE_THE_RULE
    found = _OLDEST_BESIDE.search(script.read_text())
    return found is not None and _numbers(running) >= _numbers(found[1])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)


def _is_current(connection: Connection) -> bool:
    return _version(connection) == newest() and not _has_checksum(connection)


def _has_checksum(connection: Connection) -> bool:
    """Return whether the file is a backup that was copied back by hand."""
    return connection.dialect.name == "sqlite" and bool(connection.scalar(text("PRAGMA user_version")))


def _upgrade(connection: Connection, keys: Keyring, generation: Callable[[], int]) -> str:
    if _has_checksum(connection):
        connection.execute(text("PRAGMA user_version=0"))
    current = _version(connection)
    if current == newest() or (current is not None and _may_use_newer(connection)):
        return current
    if is_new_file(connection):
        return create_tables(connection, newest(), generation())
    if connection.dialect.name == "postgresql":  # a large table takes its time
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
    return _migrated(connection, keys, generation)


def _migrated(connection: Connection, keys: Keyring, generation: Callable[[], int]) -> str:
    # Imported here because it takes 9 MB that an idle bot would hold forever, and is needed once a release.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes |= {"seal": keys.encrypt, "open": keys.decrypt, "fingerprint": keys.address_hash}
    config.attributes["generation"] = generation
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        raise StoreError(
            "The database was written by a newer version of Evaluator Bot. Install that version, or put back a backup."
        )
    command.upgrade(config, "head")
    connection.execute(text("UPDATE installation SET oldest_beside = :version"), {"version": _oldest_beside()})
    return str(scripts.get_current_head())


def _oldest_beside() -> str | None:
    """Return the oldest version that may use the tables of this one; None if every version may that asks."""
    found = [_OLDEST_BESIDE.search(path.read_text()) for path in _scripts()]
    return max((each[1] for each in found if each is not None), key=_numbers, default=None)


def _may_use_newer(connection: Connection) -> bool:
    """Return whether a newer version has upgraded the tables, and this one may go on with them: on a server, so that an
    update of several copies can be taken back.
    """
    if connection.dialect.name == "sqlite" or _version(connection) is None or not is_newer(connection):
        return False
    if "oldest_beside" not in {each["name"] for each in inspect(connection).get_columns("installation")}:
        return False
    oldest = connection.scalar(text("SELECT oldest_beside FROM installation"))
    return _numbers(version("evaluator-bot")) >= _numbers(oldest or "0")
