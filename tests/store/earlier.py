"""A database as an earlier version left it."""

from collections.abc import Mapping
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, Table, insert

from bot.security.keyring import Keyring
from bot.store.engine.database import Database
from bot.store.engine.migrate import SCRIPTS
from tests.store.steps import SECRET

Row = tuple[str, Mapping[str, object]]
"""The name of a table and the values of one row, both in the words of the earlier version."""
GENERATION = 100


async def write_earlier(url: str, revision: str, *rows: Row) -> None:
    """Make the tables of this revision and insert these rows."""
    database = Database(url)
    async with database.write() as connection:
        await connection.run_sync(upgrade_to, revision)
        for name, values in rows:
            table = await connection.run_sync(_table, name)
            await connection.execute(insert(table).values(**values))
    await database.close()


def upgrade_to(connection: Connection, revision: str) -> None:
    """Apply the migrations up to this one."""
    keys, config = Keyring([SECRET]), Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes |= {"connection": connection, "seal": keys.encrypt, "open": keys.decrypt}
    config.attributes |= {"fingerprint": keys.address_hash, "generation": lambda: GENERATION}
    command.upgrade(config, revision)


def _table(connection: Connection, name: str) -> Table:
    return Table(name, MetaData(), autoload_with=connection, resolve_fks=False)


def contents(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in an order of its own."""
    found = MetaData()
    found.reflect(connection)
    return {
        name: sorted(map(tuple, connection.execute(table.select())), key=repr) for name, table in found.tables.items()
    }
