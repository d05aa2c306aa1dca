"""Many rows at once, in the words of the driver: what SQLAlchemy does for each value takes longer than the database."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, Self

from sqlalchemy import Boolean, Column, Date, Dialect, LargeBinary, Row, Table, bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from bot.store.schema import Instant

_Stored = Callable[[Any], Any]
_AT_ONCE: Final = 500
"""Values that are looked for in one question: always as many, so that it is the same and need not be made anew."""
_DAYS: Final = 4096
"""More than a report has."""


class Inserts:
    """Rows on their way into the database, one table after another, while those that follow are made."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._under_way: asyncio.Task[object] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait until nothing is under way, so that what follows is done with all of it, or undoes all of it."""
        if self._under_way is not None:
            await asyncio.gather(self._under_way, return_exceptions=kind is not None)

    async def add(self, table: Table, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
        """Begin to insert rows, each with its values in the order of the columns named.

        What the rows before them met is raised here, and then these are not inserted.
        """
        if not rows:
            return
        statement, columns = _insert(table, names, self._connection.dialect)
        given = list(zip(*rows, strict=True))
        values = [map(stored, given[place]) if stored else given[place] for place, stored in columns]
        stored_rows = list(zip(*values, strict=True))
        if self._under_way is not None:
            await self._under_way
        self._under_way = asyncio.create_task(self._connection.exec_driver_sql(statement, stored_rows))
        await asyncio.sleep(0)  # it begins now, and not when whoever makes the next rows has to wait


async def rows_with(connection: AsyncConnection, column: Column[Any], values: Iterable[object]) -> list[Row[Any]]:
    """The rows of a table of texts, bytes and whole numbers whose `column` has one of the values."""
    wanted, found = list(values), list[Row[Any]]()
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        some += [some[0]] * (_AT_ONCE - len(some))
        found += await connection.exec_driver_sql(_select(column, connection.dialect), tuple(some))
    return found


@lru_cache(maxsize=32)
def _insert(table: Table, names: tuple[str, ...], dialect: Dialect) -> tuple[str, list[tuple[int, _Stored | None]]]:
    """An INSERT, with the place in a row of each of its values, in order, and what makes of it what is stored."""
    statement = insert(table).inline().compile(dialect=dialect, column_keys=names)
    columns = [column for column in table.columns if column.name in names]
    return str(statement), [(names.index(column.name), _stored(column.type, dialect)) for column in columns]


def _stored(type_: TypeEngine[Any], dialect: Dialect) -> _Stored | None:
    """What makes of a value what is stored, or None where it is stored as it is; rows are many, and days are few."""
    if isinstance(type_, Boolean | LargeBinary):  # every driver takes these as Python has them
        return None
    stored = type_.dialect_impl(dialect).bind_processor(dialect)
    return lru_cache(maxsize=_DAYS)(stored) if stored and isinstance(type_, Date | Instant) else stored


@lru_cache(maxsize=32)
def _select(column: Column[Any], dialect: Dialect) -> str:
    wanted = [bindparam(None, type_=column.type) for _ in range(_AT_ONCE)]
    return str(select(column.table).where(column.in_(wanted)).compile(dialect=dialect))
