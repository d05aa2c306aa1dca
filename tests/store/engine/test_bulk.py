"""What is written and found in the words of the driver is what SQLAlchemy would have written and found."""

import asyncio
import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Row, Table, func, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.evaluation import State
from bot.domain.history import Kind
from bot.store import Store, open_store
from bot.store.engine.bulk import Inserts, rows_with
from bot.store.engine.database import Database
from bot.store.engine.sqlite_driver import Connection
from bot.store.schema import evaluation, history, interaction, license_, license_alias, processed_row
from tests.builders import license_ as seen_license
from tests.postgres import needs_a_server
from tests.store.steps import SECRET, report, rows

EAST = timezone(timedelta(hours=5, minutes=30))
TIMES = datetime(2026, 11, 23, 1, 2, 3, 456, tzinfo=EAST), datetime(2026, 11, 22, 20, tzinfo=UTC)
WORDS = "Åcme “Bö” \\ 株"
LICENSE: dict[str, Any] = {
    **dict.fromkeys(column.name for column in license_.columns),
    **dict.fromkeys(("app_key", "app_name", "hosting", "license_type", "status"), WORDS),
    "id": 7,
    "starts": date(987, 1, 2),
    "updated": date(2026, 11, 23),
    "contacts": bytes(range(256)),
    "days_to_convert": 2**40,
    "atlassian": True,
    "migration": False,
    "first_seen": TIMES[0],
}
OTHER = {
    "id": 8,
    "ends": date.max,
    "sandbox": True,
    "carried_over": {"tier": WORDS},
    "merged_into": 7,
    "first_seen": TIMES[1],
}
TRIAL = {"license_id": 7, "ends": None, "reported_on": date(2026, 2, 3), "first_seen": TIMES[0], "channel": None}
WHOLE: dict[Table, list[dict[str, Any]]] = {
    license_: [LICENSE, LICENSE | OTHER],
    evaluation: [
        TRIAL | {"id": day, "started": date(2026, 1, day), "state": state, "upgrade_to": ""}
        for day, state in enumerate(State, start=1)
    ],
    history: [
        {"id": n, "evaluation_id": 1, "at": at, "kind": Kind.STARTED, "actor": None, "details": details}
        for n, (at, details) in enumerate(zip(TIMES, ({}, {"to": WORDS}), strict=True), start=1)
    ],
}


async def inserted(connection: AsyncConnection, table: Table, values: list[dict[str, Any]]) -> None:
    names = tuple(reversed(values[0])) if values else ()
    async with Inserts(connection) as inserts:
        await inserts.add(table, names, [tuple(row[name] for name in names) for row in values])


async def stored(database: Database, *, in_bulk: bool) -> list[list[Row[Any]]]:
    """What lies in the tables, in the database's own types; nothing of it stays."""
    async with database.write() as connection:
        for table, values in WHOLE.items():
            if in_bulk:
                await inserted(connection, table, values)
            else:
                await connection.execute(insert(table), values)
        names = [table.name for table in WHOLE]
        found = [list(await connection.execute(text(f"SELECT * FROM {name} ORDER BY id"))) for name in names]  # noqa: S608
        for table in reversed(WHOLE):
            await connection.execute(table.delete())
    return found


async def same_in_both_ways(database: Database) -> None:
    typed = await stored(database, in_bulk=False)
    assert await stored(database, in_bulk=True) == typed
    assert [len(each) for each in typed] == [2, len(State), 2]


async def test_a_row_inserted_in_bulk_is_stored_as_any_other(store: Store) -> None:
    await same_in_both_ways(store.database)


@needs_a_server
async def test_a_row_inserted_in_bulk_is_stored_as_any_other_on_postgresql(postgres: str) -> None:
    async with open_store(postgres, secret_keys=[SECRET]) as store:
        await same_in_both_ways(store.database)


async def test_a_time_whose_zone_nobody_knows_is_refused_in_bulk_too(store: Store) -> None:
    naive = datetime(2026, 11, 23, 12)  # noqa: DTZ001  that is the point
    with pytest.raises(ValueError, match="a stored time needs a time zone"):
        async with store.database.write() as connection:
            await inserted(connection, license_, [LICENSE | {"first_seen": naive}])
    assert await rows(store, license_) == []


PRESSES = [[(f"{part}-{n}", TIMES[0]) for n in range(30)] for part in "abc"]


async def add_presses(inserts: Inserts, parts: Sequence[list[tuple[str, datetime]]]) -> None:
    for part in parts:
        await inserts.add(interaction, ("key", "at"), part)


async def test_while_rows_are_inserted_the_next_are_made_and_no_more_than_those(store: Store) -> None:
    async with store.database.write() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert isinstance(raw, Connection)
        let_go = threading.Event()
        held = asyncio.create_task(raw.run(lambda _: let_go.wait()))
        async with Inserts(connection) as inserts:
            await add_presses(inserts, PRESSES[:1])
            adding = asyncio.create_task(add_presses(inserts, PRESSES[1:]))
            for _ in range(20):
                await asyncio.sleep(0)
            waited = not adding.done()
            let_go.set()
            await adding
        assert waited
        await held
        assert await connection.scalar(select(func.count()).select_from(interaction)) == sum(map(len, PRESSES))


async def test_rows_are_inserted_while_the_caller_computes(store: Store) -> None:
    async with store.database.write() as connection, Inserts(connection) as inserts:
        raw = (await connection.get_raw_connection()).driver_connection
        assert isinstance(raw, Connection)
        began = threading.Event()
        await raw.run(lambda database: database.set_trace_callback(lambda _: began.set()))
        await add_presses(inserts, PRESSES[:1])
        assert began.wait(10)  # as long as this lasts the event loop does nothing else


@pytest.mark.parametrize("wrong", [0, 1, 2])
async def test_refused_rows_raise_while_the_next_are_built_and_leave_nothing(store: Store, wrong: int) -> None:
    parts = [part + part[:1] if number == wrong else part for number, part in enumerate(PRESSES)]
    with pytest.raises(IntegrityError, match="UNIQUE"):
        async with store.database.write() as connection, Inserts(connection) as inserts:
            await add_presses(inserts, parts)
    assert await rows(store, interaction) == []
    async with store.database.write() as connection, Inserts(connection) as inserts:
        await add_presses(inserts, PRESSES)
    assert len(await rows(store, interaction)) == sum(map(len, PRESSES))


@pytest.mark.parametrize("last", [PRESSES[0], PRESSES[0] + PRESSES[0]])
async def test_an_error_of_the_caller_is_raised_and_inserts_under_way_are_rolled_back(
    store: Store, last: list[tuple[str, datetime]]
) -> None:
    async def fails() -> None:
        async with store.database.write() as connection, Inserts(connection) as inserts:
            await add_presses(inserts, [last])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    assert await rows(store, interaction) == []


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1200])
async def test_however_many_are_looked_for_each_that_is_there_is_found(store: Store, count: int) -> None:
    there = [n.to_bytes(16, "big") for n in range(0, count, 3)]
    async with store.database.write() as connection:
        await inserted(connection, license_, [LICENSE])
        await inserted(connection, processed_row, [{"digest": digest, "license_id": 7} for digest in there])
        found = await rows_with(connection, processed_row.c.digest, [n.to_bytes(16, "big") for n in range(count)])
    assert sorted(row.digest for row in found) == there
    assert all(row.license_id == 7 for row in found)


@needs_a_server
async def test_texts_and_bytes_are_found_on_postgresql(postgres: str) -> None:
    alias = {"alias": "É-1 “x”", "app_key": "com.example.roadmap", "license_id": 7}
    async with open_store(postgres, secret_keys=[SECRET]) as store, store.database.write() as connection:
        await inserted(connection, license_, [LICENSE])
        await inserted(connection, license_alias, [alias])
        await inserted(connection, processed_row, [{"digest": b"\x00" * 16, "license_id": 7}])
        assert [row._asdict() for row in await rows_with(connection, license_alias.c.alias, [alias["alias"]])] == [
            alias
        ]
        assert len(await rows_with(connection, processed_row.c.digest, [b"\x00" * 16, b"\x01" * 16])) == 1


async def test_who_waits_to_write_waits_for_a_part_of_a_sweep(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.store.licenses.repository._MAX_BATCH_RECORDS", 10)
    monkeypatch.setattr("bot.store.licenses.repository._MIN_BATCH_RECORDS", 5)
    many = [seen_license(aliases=frozenset({f"E-{n}"})) for n in range(100)]
    recording = asyncio.create_task(report(store, *many))
    for _ in range(2):  # the first may come before it
        await store.polls.begin(at=TIMES[0])
    assert 0 < len(await rows(store, license_)) < len(many)
    assert (await recording).started == len(await rows(store, license_)) == len(many)
