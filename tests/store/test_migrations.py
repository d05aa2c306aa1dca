"""The migrations build what `schema.py` says, once, for everybody who starts."""

import asyncio
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect, text

from bot.errors import StoreError
from bot.store import Store, open_store
from bot.store.database import Database
from bot.store.migrate import upgrade
from bot.store.schema import metadata
from tests.store.steps import SECRET


def _indexes(connection: Connection) -> set[str]:
    """Every index as SQL, with its condition."""
    return set(connection.scalars(text("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")))


async def test_they_build_the_same_tables_as_the_schema(store: Store) -> None:
    async with store.database.read() as connection:
        assert await connection.run_sync(lambda c: compare_metadata(MigrationContext.configure(c), metadata)) == []


async def test_they_build_the_same_indexes_with_the_same_conditions(store: Store) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        metadata.create_all(connection)
        wanted = _indexes(connection)
    engine.dispose()
    async with store.database.read() as reading:
        assert await reading.run_sync(_indexes) == wanted


async def test_a_second_start_changes_nothing(url: str) -> None:
    for _ in range(2):
        async with open_store(url, secret_keys=[SECRET]) as store, store.database.read() as connection:
            assert await connection.run_sync(lambda c: "evaluation" in inspect(c).get_table_names())


async def test_two_that_start_together_both_succeed(url: str) -> None:
    databases = [Database(url), Database(url)]
    versions = await asyncio.gather(*(upgrade(database) for database in databases))
    for database in databases:
        await database.close()
    assert versions[0] == versions[1]


async def test_a_schema_from_the_future_is_refused_with_what_to_do(url: str) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store, store.database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer version"):
        async with open_store(url, secret_keys=[SECRET]):
            pass


@pytest.mark.usefixtures("store")
def test_nobody_else_on_the_machine_can_read_the_file(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_folder_that_does_not_exist_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="DATABASE_URL"):
        async with open_store(f"sqlite+aiosqlite:///{tmp_path}/nowhere/x.db", secret_keys=[SECRET]):
            pass
