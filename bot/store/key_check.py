"""Detect a wrong SECRET_KEY before anything is read or written with it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import ColumnClause, Connection, column, inspect, select, table
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.security.keyring import Keyring
from bot.store.engine.database import Database
from bot.store.mapping import insert_row
from bot.store.schema import key_check

_TEXT: Final = "evaluator-bot"
_SEALED: Final = {"do_not_contact": ("target", "subject", "address"), "license": ("contacts",), "mail": ("content",)}
"""Other encrypted columns, for databases of versions without a key check. The first column that exists is used."""
_SAMPLE_ROWS: Final = 100
"""How many of the oldest rows, and of the newest, are tried. A key is replaced at one moment, so these are enough."""


async def verify(database: Database, keyring: Keyring) -> None:
    """Check that the keys decrypt the data in the database, if there is any. Raises StoreError otherwise."""
    async with database.read() as connection:
        async for sealed in _samples(connection):
            keyring.decrypt(sealed)


async def remember(database: Database, keyring: Keyring) -> None:
    """Store a text encrypted with the newest key, so that the next start can check whether that key is still there.

    There is one for each key that was ever the newest, because other data may be encrypted with it.
    """
    async with database.read() as connection:
        known = (await connection.scalars(select(key_check.c.sealed))).all()
    if not any(keyring.is_newest(sealed) for sealed in known):
        async with database.write() as connection:
            await insert_row(connection, key_check, {"sealed": keyring.encrypt(_TEXT), "at": datetime.now(UTC)})


async def _samples(connection: AsyncConnection) -> AsyncIterator[bytes]:
    if await connection.run_sync(lambda c: inspect(c).has_table(key_check.name)):
        known = (await connection.scalars(select(key_check.c.sealed))).all()
        for sealed in known:
            yield sealed
        if known:
            return
    columns = await connection.run_sync(_columns)
    for name, choices in _SEALED.items():
        found = next((choice for choice in choices if choice in columns.get(name, ())), None)
        if found is None:
            continue
        number: ColumnClause[int] = column("id")
        sealed_in: ColumnClause[bytes] = column(found)
        query = select(sealed_in).select_from(table(name)).where(sealed_in.is_not(None)).limit(_SAMPLE_ROWS)
        for order in (number.asc(), number.desc()):
            for sealed in (await connection.scalars(query.order_by(order))).all():
                yield sealed


def _columns(connection: Connection) -> dict[str, set[str]]:
    found = inspect(connection)
    return {name: {each["name"] for each in found.get_columns(name)} for name in _SEALED if found.has_table(name)}
