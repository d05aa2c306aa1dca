"""Copy every row from one database to another, such as from SQLite to PostgreSQL."""

from collections.abc import AsyncIterator
from typing import Any, Final

from sqlalchemy import Table, delete, func, insert, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import Store
from bot.store.schema import license_, metadata

_BATCH: Final = 1_000


async def is_empty(store: Store) -> bool:
    """Return whether a database has no license yet."""
    async with store.database.read() as connection:
        return await connection.scalar(select(func.count()).select_from(license_)) == 0


async def copy_rows(source: Store, target: Store) -> None:
    """Replace every row of `target` by those of `source`, in one transaction. Both have the tables of this version."""
    tables = metadata.sorted_tables
    async with source.database.read() as reading, target.database.write(is_patient=True) as writing:
        for table in reversed(tables):
            await writing.execute(delete(table))
        for table in tables:
            async for some in _batches(reading, table):
                await writing.execute(insert(table), some)
            await _continue_ids(writing, table)


async def _batches(connection: AsyncConnection, table: Table) -> AsyncIterator[list[dict[str, Any]]]:
    """Yield the rows of a table in the order of its primary key, some in memory at a time."""
    key = tuple(table.primary_key.columns)
    query = select(table).order_by(*key).limit(_BATCH)
    some = (await connection.execute(query)).mappings().all()
    while some:
        yield [dict(row) for row in some]
        last = tuple(some[-1][column.name] for column in key)
        some = (await connection.execute(query.where(tuple_(*key) > last))).mappings().all()


async def _continue_ids(connection: AsyncConnection, table: Table) -> None:
    """Set PostgreSQL's sequence above the ids of a table. SQLite needs none."""
    if connection.dialect.name != "postgresql" or not _has_serial(table):
        return
    highest: Any = select(func.coalesce(func.max(table.c.id), 0))
    number = int(await connection.scalar(highest) or 0)
    if number:
        sequence = text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :number)")
        await connection.execute(sequence, {"name": table.name, "number": number})


def _has_serial(table: Table) -> bool:
    return table.autoincrement_column is not None and table.autoincrement_column.name == "id"
