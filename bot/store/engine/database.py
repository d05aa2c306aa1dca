"""The connection to the database: who may write when, and how a transaction ends.

No table is named here. Only the modules of this package open transactions.
"""

import asyncio
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import orjson
import structlog
from sqlalchemy import Table, event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.concurrency.shield import interruptible
from bot.errors import DatabaseBusy, DatabaseUrlWrong, StoreError, StoreUnavailable
from bot.metrics.catalog import DATABASE_SECONDS
from bot.metrics.labels import DatabaseOperation
from bot.metrics.meter import OFF, Meter
from bot.store.engine import file_users, sqlite_driver

log = structlog.get_logger()

_PATIENCE_S: Final = 15.0
"""Seconds that a write waits for a lock held elsewhere before it fails."""
_STEP_S: Final = 1
"""Seconds of each step of that wait: a driver that waits cannot be interrupted, and SIGTERM leaves ten seconds for
everything.
"""
_RETRY_S: Final = 0.05
_SWITCHES: Final = 20
_SERVER_SETTINGS: Final = {
    "application_name": "evaluator-bot",
    "lock_timeout": "2s",
    "statement_timeout": "30s",
    # A copy that is stopped in the middle of a transaction holds the single writer's lock.
    "idle_in_transaction_session_timeout": "15s",
}
_CONNECT_TIMEOUT_S: Final = 8.0
_COMMAND_TIMEOUT_S: Final = 60.0
_LOCK: Final = 7_341_022
"""An arbitrary number of our own for the advisory lock."""
_BEGIN: Final = {
    ("sqlite", "read"): "BEGIN",
    ("sqlite", "write"): "BEGIN IMMEDIATE",
    ("postgresql", "read"): "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    # One writer at a time, as on SQLite: two copies neither claim the same delivery nor migrate at once.
    ("postgresql", "write"): f"SELECT pg_advisory_xact_lock({_LOCK})",
    # Runs beside the writers, so that none of them can keep the leader from renewing its lease.
    ("sqlite", "lease"): "BEGIN IMMEDIATE",
    ("postgresql", "lease"): "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
}
NO_TABLES: Final = (
    "There is no database at DATABASE_URL yet. Start the bot, or run `evaluator-bot db upgrade`, and see that both use "
    "the same settings."
)
_DRIVERS: Final = frozenset({"sqlite+aiosqlite", "postgresql+asyncpg"})
_NO_URL: Final = (
    "DATABASE_URL isn't the address of a database. It should look like sqlite+aiosqlite:///evaluators.db or "
    "postgresql+asyncpg://user:password@host:5432/name; write @ : / in the password as %40 %3A %2F."
)
_WRITES_TO: Final = re.compile(r"\s*(?:INSERT(?: OR \w+)? INTO|UPDATE|DELETE FROM) \"?(\w+)")
_LOCKED: Final = "database is locked|due to lock timeout"
_CONNECTION_ENDED: Final = "(terminating|closed|lost|reset).* connection|connection (is|was) closed|idle-in-transaction"
_MENDABLE: Final = {
    _LOCKED: "another program has held it too long. Stop that program.",
    "readonly": "it may not be written. Give the bot's user the right to write the file and its folder.",
    "unable to open": "it cannot be opened. Check the folder in DATABASE_URL and its rights.",
    "disk is full": "the disk is full. Make room.",
    "disk I/O error": "its file cannot be read or written. Look at the disk, its free space and its quota.",
    "malformed": "the file is damaged. Put back a backup.",
    "not a database": "the file is not a database. Check DATABASE_URL.",
    '(no such table|^relation ".*" does not exist)': "it has no tables yet. Run `evaluator-bot db upgrade`.",
    '^(database|role) ".*" does not exist': "the server does not know it, or the user. Check DATABASE_URL.",
    "too many (clients|connections)": "its server takes no more connections now. Try again later.",
    "due to statement timeout": "the server took longer than 30 seconds. Look at its load and its locks.",
    _CONNECTION_ENDED: ("the server ended the connection. Make sure that it runs; unfinished work is tried again."),
    "password authentication failed": "the server refused the user or the password. Check DATABASE_URL.",
}

_PASSING: Final = {"disk is full", "too many (clients|connections)", "due to statement timeout", _CONNECTION_ENDED}
"""The keys of `_MENDABLE` for errors that a retry may overcome."""
_PASSING_STATES: Final = ("08", "40", "53", "55P03", "57")
"""SQLSTATE prefixes for a broken connection or a server that is busy, full, or restarting (PostgreSQL, appendix A)."""


class Database:
    """An engine with two doors: `read` for a consistent view, `write` for one fact at a time."""

    def __init__(self, url: str, *, create: bool = True) -> None:
        self.meter: Meter = OFF
        self._engine = _engine(url, create=create)
        self._writer = self._engine.execution_options(door="write")
        # SQLite has one writer. Waiting for this lock is fair; waiting in SQLite's busy handler is not.
        self._turn = asyncio.Lock()
        self._writers = 0
        self.writes = 0
        """How many transactions were committed by this process."""
        self._written = asyncio.Event()
        self._being_written = set[str]()
        self._last_write: dict[str, int] = {}
        """By table, the number of the last transaction that wrote to it."""
        event.listen(self._engine.sync_engine, "before_cursor_execute", self._note_table)
        self.locked_since: float | None = None
        """When another program began to block all writes here (monotonic clock); None while writing works."""
        self.guard: Callable[[AsyncConnection], Awaitable[None]] | None = None
        """Called first in each transaction of `write`. If it raises, the transaction ends."""

    @property
    def path(self) -> Path | None:
        """The SQLite file; None for a server or an in-memory database."""
        file = sqlite_file(self._engine.url)
        return None if file is None else file.resolve()

    @property
    def is_server(self) -> bool:
        """Whether several copies of the bot may use the database at once."""
        return self._engine.dialect.name != "sqlite"

    def locked_for(self) -> timedelta | None:
        """Return how long another program has blocked writes here, or None while writing works."""
        return None if self.locked_since is None else timedelta(seconds=time.monotonic() - self.locked_since)

    def writers(self) -> list[str]:
        """Return the other processes that block writes to a SQLite file, as far as they can be determined."""
        return [] if self.path is None else file_users.writers(self.path)

    def readers(self) -> list[str]:
        """Return the other processes that are reading or writing a SQLite file, as far as that can be known."""
        return [] if self.path is None else file_users.readers(self.path)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection that sees one state of the database throughout. StoreError if it cannot be used."""
        with _named_errors(), self.meter.time(DATABASE_SECONDS, DatabaseOperation.READ):
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction, which is written completely or not at all.

        Raises StoreError if the database cannot be used, DatabaseBusy if another program locks it for too long.
        """
        self._writers += 1
        try:
            with _named_errors(), self._locks_noted(), self.meter.time(DATABASE_SECONDS, DatabaseOperation.WRITE):
                async with AsyncExitStack() as stack:
                    with interruptible():
                        await stack.enter_async_context(self._turn)
                    connection = await self._begun(stack, self._writer)
                    self._being_written.clear()
                    if self.guard is not None:
                        await self.guard(connection)
                    yield connection
        finally:
            self._writers -= 1
        self.writes += 1
        self._last_write |= dict.fromkeys(self._being_written, self.writes)
        self._written.set()
        self._written = asyncio.Event()

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction on the lease. It skips the guard, and waits only one step for a lock that is held
        elsewhere.

        On a server it runs beside the writers; a SQLite file has one writer at a time.
        """
        with _named_errors(), self._locks_noted(ends_them=not self.is_server):
            async with AsyncExitStack() as stack:
                if not self.is_server:
                    with interruptible():
                        await stack.enter_async_context(self._turn)
                yield await stack.enter_async_context(self._engine.execution_options(door="lease").begin())

    @contextmanager
    def _locks_noted(self, *, ends_them: bool = True) -> Iterator[None]:
        """Record when a transaction meets a lock that is held elsewhere, and when a transaction completes again."""
        began = time.monotonic()
        try:
            yield
        except DBAPIError as exc:
            if _is_lock(exc):
                self._note_lock(began)
            raise
        else:
            if ends_them:
                self.locked_since = None

    def _note_lock(self, since: float) -> None:
        if self.locked_since is None:
            log.warning("database_locked")
            self.locked_since = since

    async def _begun(self, stack: AsyncExitStack, engine: AsyncEngine) -> AsyncConnection:
        """Return a connection with a transaction begun, once no other program locks the database."""
        began = time.monotonic()
        while True:
            try:
                connection = await stack.enter_async_context(engine.begin())
            except DBAPIError as exc:
                if not _is_lock(exc) or time.monotonic() - began >= _PATIENCE_S:
                    raise
                self._note_lock(began)
            else:
                return connection
            with interruptible():
                await asyncio.sleep(_RETRY_S)

    @property
    def awaited(self) -> bool:
        """Whether another task is waiting to write."""
        return self._writers > 1

    async def written(self, since: int, *, seconds: float, to: Collection[Table] = ()) -> None:
        """Wait for a commit after the first `since`, for at most this many seconds.

        With `to`, only commits that wrote to one of these tables count.
        """
        with suppress(TimeoutError):
            # Not wait_for: before Python 3.12 it can swallow a cancellation that arrives together with the event.
            async with asyncio.timeout(seconds):
                while self._latest(to) <= since:
                    await self._written.wait()

    def _latest(self, tables: Collection[Table]) -> int:
        """Return the number of the last transaction that wrote to one of these tables; without any, of the last one."""
        return max(self._last_write.get(table.name, 0) for table in tables) if tables else self.writes

    def _note_table(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        if (written := _WRITES_TO.match(statement)) is not None:
            self._being_written.add(written[1])

    async def wipe(self) -> bool:
        """Remove overwritten data from the files, because SQLite keeps former pages in its log for a while.

        Return False if some of it is left because another program reads or writes the file. A server cleans its own
        files (PostgreSQL when it vacuums).
        """
        if self._engine.dialect.name != "sqlite":
            return True
        async with self._turn, self._engine.connect() as connection:
            raw = await connection.get_raw_connection()
            [answer] = await raw.driver_connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]  # aiosqlite's
        # Per sqlite.org/pragma.html: whether the checkpoint was blocked, pages in the log, pages moved out of it.
        is_busy, in_log, moved = answer
        return not is_busy and in_log == moved

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


def files_of(url: str) -> tuple[Path, ...]:
    """Return the files that a SQLite database may consist of, or none for another database. Raises DatabaseUrlWrong."""
    file = sqlite_file(parsed_url(url))
    return () if file is None else tuple(Path(f"{file}{suffix}") for suffix in ("", "-wal", "-shm"))


def parsed_url(url: str) -> URL:
    """Parse DATABASE_URL. Raises DatabaseUrlWrong, without quoting the URL, which may hold a password."""
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise DatabaseUrlWrong(_NO_URL) from None


def verify_url(url: str) -> None:
    """Raise DatabaseUrlWrong unless DATABASE_URL names a database that may exist. Nothing is opened."""
    parsed = parsed_url(url)
    file = sqlite_file(parsed)
    if parsed.drivername not in _DRIVERS:
        raise DatabaseUrlWrong(_NO_URL)
    if parsed.drivername == "postgresql+asyncpg" and find_spec("asyncpg") is None:
        raise DatabaseUrlWrong("DATABASE_URL needs a driver. Run: pip install 'evaluator-bot[postgres]'")
    if file is not None and not str(file).startswith("file:") and not file.parent.is_dir():
        raise DatabaseUrlWrong(f"DATABASE_URL cannot be used. There is no folder {file.parent}.")


def sqlite_file(url: URL) -> Path | None:
    """Return the file of a SQLite database, or None for a server or a database in memory."""
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return Path(str(url.database)) if is_file else None


def _engine(url: str, *, create: bool) -> AsyncEngine:
    try:
        parsed = parsed_url(url)
        path = sqlite_file(parsed)
        if path is not None:
            if create:
                _private(path)
            elif not path.exists() or path.stat().st_size == 0:
                raise StoreError(NO_TABLES)
        # Stored values must not appear in the text of an error, nor in a log.
        engine = create_async_engine(
            parsed, hide_parameters=True, json_serializer=_json, connect_args=_connect_args(parsed.drivername)
        )
    except (ArgumentError, InvalidRequestError, ImportError, OSError) as exc:
        raise DatabaseUrlWrong(
            f"DATABASE_URL cannot be used ({type(exc).__name__}). It should look like "
            "sqlite+aiosqlite:///evaluators.db, in a folder that exists and that this user may write to."
        ) from exc
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "do_connect", _by_our_driver)
        event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _connect_args(driver_name: str) -> dict[str, Any]:
    """Return limits for calls that may hang. The server's own timeouts are PostgreSQL settings."""
    if driver_name != "postgresql+asyncpg":
        return {}
    return {
        "timeout": _CONNECT_TIMEOUT_S,
        "command_timeout": _COMMAND_TIMEOUT_S,
        "server_settings": dict(_SERVER_SETTINGS),
    }


def _by_our_driver(_dialect: object, _record: object, _args: object, options: dict[str, Any]) -> None:
    options["async_creator_fn"] = sqlite_driver.connect


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _private(path: Path) -> None:
    """Create the file if it is missing, so that nobody else on the machine can read it."""
    if not path.exists():
        path.touch(mode=0o600)
        # Without this message, a command run in another folder would use an empty database unnoticed.
        log.info("database_created", path=str(path.absolute()))


def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401  the driver's own, differs by driver
    # The driver must not begin transactions on its own: we send BEGIN IMMEDIATE.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_STEP_S * 1000}")
    _write_ahead(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA secure_delete=ON")  # what is overwritten or deleted leaves no trace in free space
    cursor.close()


def _write_ahead(cursor: Any) -> None:  # noqa: ANN401  as above
    """Switch the file to write-ahead logging if necessary.

    When two connections switch a new file at once, SQLite refuses one of them without waiting. The other gets through,
    and the next attempt finds it done.
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


def _is_lock(error: DBAPIError) -> bool:
    return re.search(_LOCKED, str(error.orig)) is not None


@contextmanager
def _named_errors() -> Iterator[None]:
    """Translate errors that the operator can fix into StoreError; programming errors pass through."""
    try:
        yield
    except DBAPIError as exc:
        reason = str(exc.orig)
        for sign, advice in _MENDABLE.items():
            if re.search(sign, reason):
                kind = DatabaseBusy if sign == _LOCKED else StoreUnavailable if sign in _PASSING else StoreError
                raise kind(f"The database cannot be used: {advice}") from exc
        if exc.connection_invalidated or str(getattr(exc.orig, "sqlstate", "")).startswith(_PASSING_STATES):
            raise StoreUnavailable("The database cannot be used now: its server is busy or restarts.") from exc
        raise
    except OSError as exc:
        raise StoreUnavailable("The database cannot be reached. Check DATABASE_URL, and that its server runs.") from exc
