"""Insert and look up many rows with the driver's own statements: SQLAlchemy's work for each value takes longer than the
database's.

PostgreSQL takes each column as one array: a statement run for each row would cost it more than the rows.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, Self

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Dialect,
    LargeBinary,
    Row,
    Table,
    bindparam,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from bot.store.columns import Instant, has_own_ids, next_id
from bot.store.engine.upsert import insert_or

_Stored = Callable[[Any], Any]
_AT_ONCE: Final = 500
"""Values in one lookup. Always the same number, so that the statement is prepared once."""
_DAYS: Final = 4096
"""More days than a report has."""
_NEXT_IDS: Final = text(
    # OFFSET keeps the server from looking up the sequence once for each id.
    "SELECT nextval(ids) FROM (SELECT pg_get_serial_sequence(:name, 'id')::regclass AS ids OFFSET 0) AS sequence, "
    "generate_series(1, :count)"
)


class Inserts:
    """Insert rows, one table after another, while the caller builds the next ones."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._under_way: asyncio.Task[object] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait until no insert is running, so that the transaction commits or rolls back all of it."""
        if self._under_way is not None:
            await asyncio.gather(self._under_way, return_exceptions=kind is not None)

    async def add(
        self, table: Table, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]], *, skip_existing: bool = False
    ) -> None:
        """Start to insert rows; each has its values in the order of the columns named. With `skip_existing`, rows that
        a constraint says exist are left out.

        An error of the rows before is raised here, and then these rows are not inserted.
        """
        if not rows:
            return
        statement, columns = _insert(table, names, self._connection.dialect, skip_existing=skip_existing)
        given = list(zip(*rows, strict=True))
        values = [map(stored, given[place]) if stored else given[place] for place, stored in columns]
        parameters: Any
        if self._connection.dialect.name == "postgresql":
            parameters = tuple(map(list, values))
        else:
            parameters = list(zip(*values, strict=True))
        if self._under_way is not None:
            await self._under_way
        self._under_way = asyncio.create_task(self._connection.exec_driver_sql(statement, parameters))
        await asyncio.sleep(0)  # it begins now, and not when the caller has to wait for the next rows


async def rows_with(connection: AsyncConnection, column: Column[Any], values: Iterable[object]) -> list[Row[Any]]:
    """Return the rows of a table whose `column` has one of the values. Columns hold text, bytes or integers."""
    wanted, found = list(values), list[Row[Any]]()
    if wanted and connection.dialect.name == "postgresql":
        return list(await connection.exec_driver_sql(_select_any(column, connection.dialect), (wanted,)))
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        some += [some[0]] * (_AT_ONCE - len(some))
        found += await connection.exec_driver_sql(_select(column, connection.dialect), tuple(some))
    return found


async def reserve_ids(connection: AsyncConnection, table: Table, count: int) -> Sequence[int]:
    """Reserve ids in rising order. The only writer may count for itself."""
    if not count:
        return []
    if connection.dialect.name == "postgresql":
        return list(await connection.scalars(_NEXT_IDS, {"name": table.name, "count": count}))
    first = next_id(table.name) if has_own_ids(table) else func.coalesce(func.max(table.c.id), 0) + 1
    lowest = await connection.scalar(select(first)) or 1
    return range(lowest, lowest + count)


@lru_cache(maxsize=32)
def _insert(
    table: Table, names: tuple[str, ...], dialect: Dialect, *, skip_existing: bool
) -> tuple[str, list[tuple[int, _Stored | None]]]:
    """Return an INSERT statement and, in its order, each value's index in a row with its converter."""
    columns = [column for column in table.columns if column.name in names]
    if dialect.name == "postgresql":
        arrays = ", ".join(_array(column, number, dialect) for number, column in enumerate(columns, 1))
        source = select(text("*")).select_from(text(f"unnest({arrays})"))
        new = insert_or(table, dialect.name).from_select(columns, source, include_defaults=False)
        statement = (new.on_conflict_do_nothing() if skip_existing else new).compile(dialect=dialect)
    else:
        rows = insert_or(table, dialect.name).on_conflict_do_nothing() if skip_existing else insert(table)
        statement = rows.inline().compile(dialect=dialect, column_keys=names)
    return str(statement), [(names.index(column.name), _stored(column.type, dialect)) for column in columns]


def _array(column: Column[Any], number: int, dialect: Dialect) -> str:
    """Return the parameter of this number, as an array of the column's type."""
    type_, _, _ = column.type.compile(dialect).partition(" COLLATE")
    return f"${number}\\:\\:{type_}[]"


def _stored(type_: TypeEngine[Any], dialect: Dialect) -> _Stored | None:
    """Return the converter for stored values, or None if they are stored as they are. Dates repeat, so they
    are cached.
    """
    if isinstance(type_, Boolean | LargeBinary):  # every driver takes these as Python has them
        return None
    stored = type_.dialect_impl(dialect).bind_processor(dialect)
    return lru_cache(maxsize=_DAYS)(stored) if stored and isinstance(type_, Date | Instant) else stored


@lru_cache(maxsize=32)
def _select(column: Column[Any], dialect: Dialect) -> str:
    wanted = [bindparam(None, type_=column.type) for _ in range(_AT_ONCE)]
    return str(select(column.table).where(column.in_(wanted)).compile(dialect=dialect))


@lru_cache(maxsize=32)
def _select_any(column: Column[Any], dialect: Dialect) -> str:
    wanted = text(f"{column.name} = ANY({_array(column, 1, dialect)})")
    return str(select(column.table).where(wanted).compile(dialect=dialect))
