"""The connection to the database: who may write when, and how a transaction ends.

Nothing here knows a table. Transactions are opened by the modules of this package alone.
"""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import orjson
import structlog
from sqlalchemy import event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.errors import DatabaseUrlWrong, StoreError, StoreUnavailable
from bot.store import driver

log = structlog.get_logger()

_BUSY_SECONDS: Final = 15
_SWITCHES: Final = 20
_LOCK: Final = 7_341_022
"""Any number that is ours."""
_BEGIN: Final = {
    ("sqlite", "read"): "BEGIN",
    ("sqlite", "write"): "BEGIN IMMEDIATE",
    ("postgresql", "read"): "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    # One writer at a time, as on SQLite: two copies neither take the same delivery nor migrate at once.
    ("postgresql", "write"): f"SELECT pg_advisory_xact_lock({_LOCK})",
}
NO_TABLES: Final = (
    "There is no database at DATABASE_URL yet. Start the bot, or run `evaluator-bot db upgrade`, and see that both use "
    "the same settings."
)
_MENDABLE: Final = {
    "database is locked": "another program has held it too long. Stop that program.",
    "readonly": "it may not be written. Give the bot's user the right to write the file and its folder.",
    "unable to open": "it cannot be opened. Check the folder in DATABASE_URL and its rights.",
    "disk is full": "the disk is full. Make room.",
    "malformed": "the file is damaged. Put back a backup.",
    "not a database": "the file is not a database. Check DATABASE_URL.",
    '(no such table|^relation ".*" does not exist)': "it has no tables yet. Run `evaluator-bot db upgrade`.",
    '^(database|role) ".*" does not exist': "the server does not know it, or the user. Check DATABASE_URL.",
    "too many (clients|connections)": "its server takes no more connections now. Try again later.",
    "password authentication failed": "the server refused the user or the password. Check DATABASE_URL.",
}

_PASSING: Final = {"database is locked", "disk is full", "too many (clients|connections)"}
"""Of these, what may be over when somebody tries again."""
_PASSING_STATES: Final = ("08", "40", "53", "55P03", "57")
"""How SQLSTATE begins where the connection broke, or the server is busy, full, or restarts (PostgreSQL, appendix A)."""


class Database:
    """An engine with two doors: `read` for a consistent look, `write` for one fact at a time."""

    def __init__(self, url: str, *, create: bool = True) -> None:
        self._engine = _engine(url, create=create)
        self._writer = self._engine.execution_options(door="write")
        # SQLite has one writer. Waiting in line here is fair; waiting in its busy handler is not.
        self._turn = asyncio.Lock()
        self._writers = 0
        self.writes = 0
        """How many transactions were committed here."""
        self._written = asyncio.Event()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees one state of the database throughout. StoreError when it cannot be used."""
        with _named_errors():
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: all of it, or nothing. StoreError when the database cannot be used."""
        self._writers += 1
        try:
            with _named_errors():
                async with self._turn, self._writer.begin() as connection:
                    yield connection
        finally:
            self._writers -= 1
        self.writes += 1
        self._written.set()
        self._written = asyncio.Event()

    @property
    def awaited(self) -> bool:
        """Whether somebody waits for whoever writes now."""
        return self._writers > 1

    async def written(self, since: int, *, seconds: float) -> None:
        """Wait for a commit after the first `since`, at most so many seconds."""
        if self.writes == since:
            with suppress(TimeoutError):
                # Not wait_for: before Python 3.12 it may swallow a cancellation that comes together with the event.
                async with asyncio.timeout(seconds):
                    await self._written.wait()

    async def wipe(self) -> None:
        """Leave nothing of what was overwritten in the files: SQLite keeps former pages in its log for a while."""
        if self._engine.dialect.name == "sqlite":
            async with self._turn, self._engine.connect() as connection:
                raw = await connection.get_raw_connection()
                await raw.driver_connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]  # aiosqlite's

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


def files_of(url: str) -> tuple[Path, ...]:
    """The files that a SQLite database is or may be made of; none for another database, or for a URL that is none."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return ()
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return ()
    return tuple(Path(f"{parsed.database}{suffix}") for suffix in ("", "-wal", "-shm"))


def _engine(url: str, *, create: bool) -> AsyncEngine:
    try:
        parsed = make_url(url)
        for path in files_of(url)[:1]:
            if create:
                _private(path)
            elif not path.exists() or path.stat().st_size == 0:
                raise StoreError(NO_TABLES)
        # What is stored has no place in the text of an error, nor in a log.
        engine = create_async_engine(parsed, hide_parameters=True, json_serializer=_json)
    except (ArgumentError, InvalidRequestError, ImportError, OSError) as exc:
        raise DatabaseUrlWrong(
            f"DATABASE_URL cannot be used ({type(exc).__name__}). It should look like "
            "sqlite+aiosqlite:///evaluators.db, in a folder that exists."
        ) from exc
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "do_connect", _by_our_driver)
        event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _by_our_driver(_dialect: object, _record: object, _args: object, options: dict[str, Any]) -> None:
    options["async_creator_fn"] = driver.connect


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _private(path: Path) -> None:
    """Create the file, where there is none, so that nobody else on the machine can read it."""
    if not path.exists():
        path.touch(mode=0o600)
        # Called from another folder, a command would otherwise work on an empty database without a word.
        log.info("database_created", path=str(path.absolute()))


def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401  the driver's own, differs by driver
    # The driver must not begin transactions of its own: BEGIN IMMEDIATE is ours to say.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}")
    _write_ahead(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA secure_delete=ON")  # what is overwritten or deleted leaves no trace in free space
    cursor.close()


def _write_ahead(cursor: Any) -> None:  # noqa: ANN401  as above
    """Switch the file to write-ahead logging, where it is not yet.

    Of two that switch a new file at once SQLite sends one away without waiting, since both hold what the other needs;
    once that one has let go, the other gets through, and the next attempt finds it done.
    """
    for _ in range(_SWITCHES - 1):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            continue
        return
    cursor.execute("PRAGMA journal_mode=WAL")


def _begin(connection: Connection) -> None:
    door = connection.get_execution_options().get("door", "read")
    connection.exec_driver_sql(_BEGIN[connection.dialect.name, door])


@contextmanager
def _named_errors() -> Iterator[None]:
    """Name what the person who runs the bot can mend; a mistake of ours passes through untouched."""
    try:
        yield
    except DBAPIError as exc:
        reason = str(exc.orig)
        for sign, advice in _MENDABLE.items():
            if re.search(sign, reason):
                kind = StoreUnavailable if sign in _PASSING else StoreError
                raise kind(f"The database cannot be used: {advice}") from exc
        if exc.connection_invalidated or str(getattr(exc.orig, "sqlstate", "")).startswith(_PASSING_STATES):
            raise StoreUnavailable("The database cannot be used now: its server is busy or restarts.") from exc
        raise
    except OSError as exc:
        raise StoreUnavailable("The database cannot be reached. Check DATABASE_URL, and that its server runs.") from exc
