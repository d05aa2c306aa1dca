"""Statements reach SQLite in one trip each, and their answers are those of any driver."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError

from bot.store.engine.database import Database
from bot.store.schema import interaction, metadata, processed_row
from tests.builders import NOON

PRESSES = [{"key": f"k{number}", "at": NOON} for number in range(3)]
MANY = 2_345


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    database = Database("sqlite+aiosqlite:///:memory:")
    async with database.write() as connection:
        await connection.run_sync(metadata.create_all)
    yield database
    await database.close()


async def test_whatever_a_statement_is_its_answer_is_whole(database: Database) -> None:
    async with database.write() as connection:
        many = await connection.execute(insert(interaction), PRESSES)
        assert many.rowcount == len(PRESSES)
        new = await connection.execute(
            insert(interaction).values(key="k3", at=NOON).returning(interaction.c.key, interaction.c.done)
        )
        assert new.all() == [("k3", False)]
        changed = await connection.execute(update(interaction).where(interaction.c.key != "k0").values(done=True))
        assert changed.rowcount == len(PRESSES)
    async with database.read() as connection:
        keys = await connection.scalars(select(interaction.c.key).where(interaction.c.done).order_by(interaction.c.key))
        assert keys.all() == ["k1", "k2", "k3"]
        nobody = await connection.execute(select(interaction).where(interaction.c.key == "nobody"))
        assert nobody.first() is None
        assert list(nobody.keys()) == [column.name for column in interaction.columns]


@pytest.mark.parametrize("count", [1, MANY])
async def test_of_many_rows_each_is_inserted_once_as_it_was_given(database: Database, count: int) -> None:
    given = [(f"k{number:05}", NOON + timedelta(seconds=number), number % 3 == 0) for number in range(count)]
    async with database.write() as connection:
        many = await connection.execute(
            insert(interaction), [{"key": key, "at": at, "done": done} for key, at, done in given]
        )
        assert many.rowcount == count
    async with database.read() as connection:
        assert (await connection.execute(select(interaction).order_by(interaction.c.key))).all() == given


async def test_other_statements_for_many_rows_do_what_they_say_for_each(database: Database) -> None:
    many = [{"key": f"k{number:05}", "at": NOON} for number in range(MANY)]
    async with database.write() as connection:
        await connection.execute(insert(interaction), many[:7])
        await connection.execute(sqlite.insert(interaction).on_conflict_do_nothing(), many)
        late = update(interaction).where(interaction.c.key == bindparam("whose")).values(done=True)
        await connection.execute(late, [{"whose": each["key"]} for each in many[1:]])
    async with database.read() as connection:
        keys = await connection.execute(select(interaction.c.key, interaction.c.done).order_by(interaction.c.key))
        assert keys.all() == [(each["key"], number > 0) for number, each in enumerate(many)]


async def test_a_row_among_many_that_sqlite_refuses_takes_all_with_it_and_the_connection_goes_on(
    database: Database,
) -> None:
    many = [{"key": f"k{number}", "at": NOON} for number in range(MANY)]
    with pytest.raises(IntegrityError, match="UNIQUE"):
        async with database.write() as connection:
            await connection.execute(insert(interaction), [*many, many[7]])
    async with database.write() as connection:
        assert (await connection.execute(select(interaction))).all() == []
        await connection.execute(insert(interaction), many)
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(interaction)) == MANY


async def test_a_row_among_many_that_belongs_to_nothing_is_refused_at_the_end_and_takes_all_with_it(
    database: Database,
) -> None:
    ties = [{"digest": number.to_bytes(16), "license_id": 1} for number in range(MANY)]
    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        async with database.write() as connection:
            await connection.execute(insert(processed_row), ties)
    async with database.read() as connection:
        assert (await connection.execute(select(processed_row))).all() == []


async def test_what_sqlite_refuses_is_raised_and_the_connection_goes_on(database: Database) -> None:
    with pytest.raises(IntegrityError, match="UNIQUE"):
        async with database.write() as connection:
            await connection.execute(insert(interaction), [PRESSES[0], PRESSES[0]])
    async with database.write() as connection:
        assert (await connection.execute(select(interaction))).all() == []
        await connection.execute(insert(interaction), PRESSES)


async def test_each_statement_and_each_end_of_a_transaction_is_one_trip_to_the_thread(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG", logger="aiosqlite"):  # which says what its thread is given to do
        async with database.write() as connection:
            await connection.execute(insert(interaction), [{"key": f"k{number}", "at": NOON} for number in range(MANY)])
            assert (await connection.scalar(text("SELECT count(*) FROM interaction"))) == MANY
    trips = [message for message in caplog.messages if message.startswith("executing")]
    assert len(trips) == len(("BEGIN", "INSERT", "SELECT", "COMMIT"))
