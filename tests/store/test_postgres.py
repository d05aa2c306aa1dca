"""What only a server with many writers can get wrong."""

import asyncio
from collections import Counter

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text

from bot.domain.evaluation import License
from bot.domain.mail import MailState
from bot.domain.mail_policy import Refused
from bot.domain.outbox import ApiMethod
from bot.errors import StoreError, StoreUnavailable
from bot.store import open_store
from bot.store.engine.database import Database
from bot.store.schema import history, metadata
from bot.store.schema import license_ as license_table
from tests.builders import NOON, license_, nov
from tests.machine import limit
from tests.postgres import needs_a_server
from tests.store.steps import LATER, SECRET, ask, bring, cards, mailed, mark, only_card, order, report, rows, take

pytestmark = needs_a_server

_IN_LINE = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


async def test_of_two_copies_one_wins_whatever_both_try(postgres: str) -> None:
    async with (
        open_store(postgres, secret_keys=[SECRET]) as one,
        open_store(postgres, secret_keys=[SECRET]) as two,
    ):
        await report(one, license_())
        both = [one, two] * 5

        taken = await asyncio.gather(*(each.outbox.claim(ApiMethod.POST, now=LATER) for each in both))
        owned = await asyncio.gather(
            *(each.evaluations.assign(1, f"U{n}", instead_of=None, by="U0BO", at=NOON) for n, each in enumerate(both))
        )
        claims = await asyncio.gather(*(ask(each, order(1, n)) for n, each in enumerate(both)))
        sending = await asyncio.gather(*(take(each) for each in both))
        marked = await asyncio.gather(*(mark(each, "ana@acme.example") for each in both))

        assert sum(map(len, taken)) == 1
        assert sum(each is not None and each.changed for each in owned) == 1
        assert sum(not isinstance(each, Refused) for each in claims) == 1
        assert sum(each is not None for each in sending) == 1
        assert sum(each.changed for each in marked) == 1


async def test_a_change_of_a_large_table_may_take_longer_than_any_other_statement(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.engine.connections._COMMAND_TIMEOUT_S", 0.2)
    database, slow = Database(postgres), text("SELECT pg_sleep(0.5)")
    with pytest.raises(StoreUnavailable):
        async with database.write() as connection:
            await connection.execute(slow)
    async with database.write(is_patient=True) as connection:
        await connection.execute(slow)
    await database.close()


async def test_two_copies_that_record_the_same_batch_at_once_tell_each_fact_once(postgres: str) -> None:
    first = [license_(aliases=frozenset({f"E-{n}"})) for n in range(4)]
    later = [license_(aliases=seen.aliases, updated=nov(24), status="cancelled") for seen in first]
    async with (
        open_store(postgres, secret_keys=[SECRET]) as one,
        open_store(postgres, secret_keys=[SECRET]) as two,
    ):
        for batch in (first, later):
            await asyncio.gather(*(report(each, *batch) for each in (one, two) * 3))

        facts = Counter((row.evaluation_id, row.kind) for row in await rows(one, history))
        assert facts == Counter((n, kind) for n in range(1, 5) for kind in ("started", "ended"))
        brought = await bring(two)
        assert sorted(brought) == sorted(
            [*(f"post card {n}" for n in range(1, 5)), *(f"note ended in {n}.0" for n in range(1, 5))]
        )


async def test_a_writer_knows_that_another_copy_waits_for_its_turn(postgres: str) -> None:
    async def write() -> None:
        async with other.write():
            pass

    one, other = Database(postgres), Database(postgres)
    async with one.write() as connection:
        assert not await one.is_awaited(connection)
        waiting = asyncio.create_task(write())
        async with asyncio.timeout(limit(2)):
            while not await one.is_awaited(connection):  # noqa: ASYNC110  nothing tells
                await asyncio.sleep(0.01)
    await waiting
    await one.close()
    await other.close()


async def test_several_writers_of_a_copy_wait_in_line_beside_another_copy(postgres: str) -> None:
    async def write() -> None:
        async with other.write():
            pass

    one, other = Database(postgres), Database(postgres)
    async with one.write() as connection:
        waiting = [asyncio.create_task(write()) for _ in range(3)]
        async with asyncio.timeout(limit(10)):
            while await connection.scalar(_IN_LINE) < 2:  # noqa: ASYNC110  nothing tells
                await asyncio.sleep(0.01)
    await asyncio.gather(*waiting)
    await one.close()
    await other.close()


async def test_the_store_is_the_same_there(postgres: str) -> None:
    seen: License = license_(days_to_convert=10**17)
    async with open_store(postgres, secret_keys=[SECRET]) as store:
        async with store.database.read() as connection:
            difference = await connection.run_sync(lambda c: compare_metadata(MigrationContext.configure(c), metadata))
            assert difference == []
            before = (await connection.execute(select(license_table))).all()
            await report(store, seen, license_(aliases=frozenset({"SEN-1"})))
            assert (await connection.execute(select(license_table))).all() == before == []
        await mailed(store, order(1), MailState.FAILED)
        assert await bring(store) == ["post card 1", "post card 2", "note mail_failed in 1.0"]
        await report(store, license_(aliases=seen.aliases | {"SEN-1"}, days_to_convert=10**17))
        assert await bring(store) == ["update card 1", "update card 2"]
        assert [card.evaluation.id for card in await cards(store)] == [1]
    async with open_store(postgres, secret_keys=[SECRET]) as store:
        assert (await only_card(store)).evaluation.license.days_to_convert == 10**17
        assert len(await rows(store, license_table)) == 2


async def test_a_connection_that_the_server_ends_may_work_later(postgres: str) -> None:
    database = Database(postgres)
    with pytest.raises(StoreUnavailable, match="the server ended the connection"):
        async with database.read() as connection:
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    await database.close()


@pytest.mark.migrations
async def test_what_the_operator_can_fix_is_said_of_a_server_too(postgres: str) -> None:
    for url, sentence in (
        (postgres, "db upgrade"),
        (postgres.rpartition("/")[0] + "/nosuch", "Check DATABASE_URL"),
        (postgres.replace("bot@", "stranger@"), "Check DATABASE_URL"),
    ):
        database = Database(url)
        with pytest.raises(StoreError, match=sentence):
            async with database.read() as connection:
                await connection.execute(select(license_table))
        await database.close()


@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        (["SET LOCAL statement_timeout = 50", "SELECT pg_sleep(9)"], "took longer"),
        (["SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 1"], "the server ended the connection"),
        (["SET LOCAL idle_in_transaction_session_timeout = 50", None, "SELECT 1"], "the server ended the connection"),
    ],
    ids=["slow", "ended", "idle"],
)
async def test_what_a_server_ends_is_said_and_the_next_transaction_goes_through(
    postgres: str, statements: list[str | None], sentence: str
) -> None:
    async def run() -> None:
        async with database.write() as connection:
            for statement in statements:
                if statement is None:
                    await asyncio.sleep(0.5)
                else:
                    await connection.exec_driver_sql(statement)

    database = Database(postgres)
    with pytest.raises(StoreError, match=sentence):
        await run()
    async with database.write() as connection:
        assert (await connection.exec_driver_sql("SHOW lock_timeout")).scalar_one() == "2s"
        assert (await connection.exec_driver_sql("SHOW statement_timeout")).scalar_one() == "30s"
        assert (await connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout")).scalar_one() == "15s"
    await database.close()
