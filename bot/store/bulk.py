"""Many rows at once, in the words of the driver: what SQLAlchemy does for each value takes longer than the database."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Boolean, Column, Date, Dialect, LargeBinary, Row, Table, bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from bot.store.schema import Instant

_Stored = Callable[[Any], Any]
_AT_ONCE: Final = 500
"""Values that are looked for in one question: always as many, so that it is the same and need not be made anew."""
_DAYS: Final = 4096
"""More than a report has."""


async def insert_all(
    connection: AsyncConnection, table: Table, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows, each with its values in the order of the columns named."""
    if not rows:
        return
    statement, columns = _insert(table, names, connection.dialect)
    given = list(zip(*rows, strict=True))
    values = [map(stored, given[place]) if stored else given[place] for place, stored in columns]
    await connection.exec_driver_sql(statement, list(zip(*values, strict=True)))


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
