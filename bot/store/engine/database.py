"""The connection to the database: who may write when, and how a transaction ends.

No table is named here. Only the modules of this package open transactions.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from weakref import WeakSet

import structlog
from sqlalchemy import Connection, Table, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.concurrency.shield import interruptible
from bot.metrics.catalog import DATABASE_SECONDS
from bot.metrics.labels import DatabaseOperation
from bot.metrics.meter import OFF, Meter
from bot.store.engine import file_users
from bot.store.engine.connections import WAITS_TO_WRITE, open_engine, sqlite_file
from bot.store.engine.failures import is_lock, named_errors
from bot.store.engine.file_watch import FileWatch
from bot.store.engine.hints import Hints

log = structlog.get_logger()

_PATIENCE_S: Final = 15.0
_RETRY_S: Final = 0.05
_LEASE_PATIENCE_S: Final = 4.0
"""Seconds for a transaction on the lease. A leader that waits for longer would not know whether it leads."""
_LOOK_S: Final = 1.0
"""Seconds between looks at what another process may have written, while none would be heard of."""
_IN_LINE: Final = 2
"""Writers of this copy that wait for their turn on a server at once. Each one makes a stop take longer."""
_WRITTEN: Final = "written"
"""The key of a connection's own dictionary for the tables that its transaction wrote to."""
_WRITES_TO: Final = re.compile(r"\s*(?:INSERT(?: OR \w+)? INTO|UPDATE|DELETE FROM) \"?(\w+)")


class Database:
    """An engine with two doors: `read` for a consistent view, `write` for one fact at a time."""

    def __init__(self, url: str, *, create: bool = True) -> None:
        self.meter: Meter = OFF
        self.write_patience_s = _PATIENCE_S
        """Seconds that a write waits for a lock held elsewhere before it fails."""
        self._url = url
        self._engine = open_engine(url, create=create)
        # On a server, the lease must not wait for a connection while many presses use them all. On a file, it shares
        # this one connection with all other writes, so that whatever changed behind its back was written elsewhere.
        self._single = self._engine
        if self.is_server or self.path is not None:
            self._single = open_engine(url, create=create, at_most=1)
        writing = self._engine if self.is_server else self._single
        self._writer = writing.execution_options(door="write")
        self._leasing = self._single.execution_options(door="lease")
        self._reader = self._engine
        if self.is_server:  # whatever its default is
            self._leasing = self._leasing.execution_options(isolation_level="READ COMMITTED")
            self._reader = self._reader.execution_options(isolation_level="REPEATABLE READ")
        # SQLite has one writer. Waiting for this lock is fair; waiting in SQLite's busy handler is not. A server's lock
        # is fair, too, but only among those in line: a copy with one there would get every second turn at most,
        # however many of its presses wait while the leader sweeps.
        self._turn = asyncio.Semaphore(_IN_LINE) if self.is_server else asyncio.Lock()
        self._writers = 0
        self.writes = 0
        """How many transactions were committed by this process, and how many others it heard of."""
        self._written = asyncio.Event()
        self._last_write: dict[str, int] = {}
        """By table, the number of the last transaction that wrote to it."""
        self._last_unknown_write = 0
        """The number of the last transaction that may have written to any table."""
        event.listen(writing.sync_engine, "before_cursor_execute", self._note_table)
        self.locked_since: float | None = None
        """When another program began to block all writes here (monotonic clock); None while writing works."""
        self._open = WeakSet[Any]()
        """The connections to a server, as the driver knows them."""
        for engine in (self._engine, self._single) if self.is_server else ():
            event.listen(engine.sync_engine, "connect", lambda opened, _: self._open.add(opened.driver_connection))
        self.hints = Hints(self._engine, self._note_write)
        """What other copies write. Nothing is heard on a SQLite file."""
        self.watch = FileWatch(self._data_version, self._note_write, log_file=Path(f"{self.path}-wal"))
        """What other processes write to a SQLite file."""
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
        with named_errors(), self.meter.time(DATABASE_SECONDS, DatabaseOperation.READ):
            async with self._reader.begin() as connection:
                yield connection

    @asynccontextmanager
    async def write(self, *, is_patient: bool = False) -> AsyncIterator[AsyncConnection]:
        """Open a transaction, which is written completely or not at all.

        Raises StoreError if the database cannot be used, DatabaseBusy if another program locks it for too long. A
        patient one waits for each statement as long as it takes: a change of a large table may need minutes.
        """
        self._writers += 1
        try:
            with named_errors(), self._locks_noted(), self.meter.time(DATABASE_SECONDS, DatabaseOperation.WRITE):
                async with AsyncExitStack() as stack:
                    with interruptible():
                        await stack.enter_async_context(self._turn)
                    connection = await self._begun(stack, self._patient_writer(stack) if is_patient else self._writer)
                    written: set[str] = connection.info.setdefault(_WRITTEN, set())
                    written.clear()
                    if self.guard is not None:
                        await self.guard(connection)
                    yield connection
                    if self.is_server and written:
                        await self.hints.give(connection, written)
                    to = frozenset(written)
        finally:
            self._writers -= 1
        self._note_write(to)

    def _note_write(self, tables: Collection[str] | None = None) -> None:
        """Wake everybody who waits for a write to these tables; None stands for any table."""
        self.writes += 1
        if tables is None:
            self._last_unknown_write = self.writes
        else:
            self._last_write |= dict.fromkeys(tables, self.writes)
        self._written.set()
        self._written = asyncio.Event()

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction on the lease. It skips the guard, and waits only one step for a lock that is held
        elsewhere.

        On a server it runs beside the writers; a SQLite file has one writer at a time.
        """
        with named_errors(), self._locks_noted(ends_them=not self.is_server):
            async with AsyncExitStack() as stack:
                if not self.is_server:
                    with interruptible():
                        await stack.enter_async_context(self._turn)
                if self.is_server:
                    await stack.enter_async_context(asyncio.timeout(_LEASE_PATIENCE_S))
                yield await stack.enter_async_context(self._leasing.begin())

    async def drop_connections(self) -> None:
        """Close all connections to a server at once, with what runs on them. The line may be dead without a sign, and
        each call on it would wait for long.
        """
        for connection in list(self._open):
            connection.terminate()
        await self.close()

    @contextmanager
    def _locks_noted(self, *, ends_them: bool = True) -> Iterator[None]:
        """Record when a transaction meets a lock that is held elsewhere, and when a transaction completes again."""
        began = time.monotonic()
        try:
            yield
        except DBAPIError as exc:
            if is_lock(exc):
                self._note_lock(began)
            raise
        else:
            if ends_them:
                self.locked_since = None

    def _note_lock(self, since: float) -> None:
        if self.locked_since is None:
            log.warning("database_locked")
            self.locked_since = since

    def _patient_writer(self, stack: AsyncExitStack) -> AsyncEngine:
        if not self.is_server:
            return self._writer
        engine = open_engine(self._url, create=False, at_most=1, is_patient=True)
        stack.push_async_callback(engine.dispose)
        return engine.execution_options(door="write")

    async def _begun(self, stack: AsyncExitStack, engine: AsyncEngine) -> AsyncConnection:
        """Return a connection with a transaction begun, once no other program locks the database."""
        began = time.monotonic()
        while True:
            try:
                connection = await stack.enter_async_context(engine.begin())
            except DBAPIError as exc:
                if not is_lock(exc) or time.monotonic() - began >= self.write_patience_s:
                    raise
                self._note_lock(began)
            else:
                return connection
            with interruptible():
                await asyncio.sleep(_RETRY_S)

    async def is_awaited(self, connection: AsyncConnection) -> bool:
        """Return whether another task, or on a server another copy, waits until this transaction has been written."""
        if self._writers > 1 or not self.is_server:
            return self._writers > 1
        return bool(await connection.scalar(WAITS_TO_WRITE))

    @property
    def hears_others(self) -> bool:
        """Whether `writes` also counts what other processes write, a second later at most."""
        return self.hints.are_heard if self.is_server else self.watch.works

    async def listen(self) -> None:
        """Listen for what other processes write, until this task is cancelled."""
        await (self.hints.listen() if self.is_server else self.watch.run())

    async def _data_version(self) -> int:
        """Return a number that changes when another process commits (sqlite.org/pragma.html)."""
        with named_errors():
            async with self._turn, self._single.connect() as connection:
                raw = await connection.get_raw_connection()
                [[version]] = await raw.driver_connection.execute_fetchall("PRAGMA data_version")  # type: ignore[union-attr]  # aiosqlite's
        return int(version)

    async def written(self, since: int, *, seconds: float, to: Collection[Table] = ()) -> None:
        """Wait for a commit after the first `since`, for at most this many seconds.

        With `to`, only commits that wrote to one of these tables count. The wait is short unless other processes are
        heard.
        """
        if not self.hears_others:
            seconds = min(seconds, _LOOK_S)
        with suppress(TimeoutError):
            # Not wait_for: before Python 3.12 it can swallow a cancellation that arrives together with the event.
            async with asyncio.timeout(seconds):
                while self._latest(to) <= since:
                    await self._written.wait()

    def _latest(self, tables: Collection[Table]) -> int:
        """Return the number of the last transaction that wrote to one of these tables; without any, of the last one."""
        if not tables:
            return self.writes
        return max(self._last_unknown_write, *(self._last_write.get(table.name, 0) for table in tables))

    def _note_table(self, connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if (table := _WRITES_TO.match(statement)) is not None:
            connection.info.setdefault(_WRITTEN, set()).add(table[1])

    async def wipe(self) -> bool:
        """Remove overwritten data from the files, because SQLite keeps former pages in its log for a while.

        Return False if some of it is left because another program reads or writes the file. A server cleans its own
        files (PostgreSQL when it vacuums).
        """
        if self._engine.dialect.name != "sqlite":
            return True
        async with self._turn, self._single.connect() as connection:
            raw = await connection.get_raw_connection()
            [answer] = await raw.driver_connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]  # aiosqlite's
        # Per sqlite.org/pragma.html: whether the checkpoint was blocked, pages in the log, pages moved out of it.
        is_busy, in_log, moved = answer
        return not is_busy and in_log == moved

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()
        if self._single is not self._engine:
            await self._single.dispose()
