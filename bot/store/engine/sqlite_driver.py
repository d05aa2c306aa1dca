"""SQLite with one trip to its thread for each statement; aiosqlite takes four: open, execute, fetch, close.

On a busy event loop each trip waits for its turn, and a writer holds up all others meanwhile.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import aiosqlite


class Connection(aiosqlite.Connection):
    """A connection to SQLite with the interface that SQLAlchemy's aiosqlite dialect expects."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=1)
        self._thread.daemon = True  # it must not keep the process alive; SQLAlchemy does this to aiosqlite's own, too

    def cursor(self) -> "_Cursor":  # type: ignore[override]  # without a trip
        """Return a cursor that runs a statement and holds all its rows."""
        return _Cursor(self)

    async def rollback(self) -> None:
        """Roll back an open transaction, if any: SQLAlchemy calls this after each COMMIT, too."""
        if self.in_transaction:
            await super().rollback()

    async def run(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Run `work` in the connection's thread."""
        await self._execute(work, self._conn)  # type: ignore[no-untyped-call]


async def connect(*args: Any, **options: Any) -> Connection:  # noqa: ANN401  what sqlite3.connect takes
    """Open a new connection."""
    connection = Connection(lambda: sqlite3.connect(*args, **options))
    await connection
    return connection


class _Cursor:
    """The part of a cursor that SQLAlchemy uses."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        def work(connection: sqlite3.Connection) -> None:
            self._take(connection.execute(statement, parameters))

        await self._connection.run(work)

    async def executemany(self, statement: str, parameters: Iterable[Sequence[Any]]) -> None:
        rows = list(parameters)

        def work(connection: sqlite3.Connection) -> None:
            self._take(connection.executemany(statement, rows))

        await self._connection.run(work)

    async def fetchall(self) -> list[Any]:
        return self._rows

    async def close(self) -> None:
        """Do nothing: all rows have been fetched."""

    def _take(self, cursor: sqlite3.Cursor) -> None:
        self._rows = cursor.fetchall()
        self.description, self.rowcount, self.lastrowid = cursor.description, cursor.rowcount, cursor.lastrowid
        cursor.close()
