"""What is measured is what it says: the same rows, the same tables, sound stores."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.bench import Bench, marketplace, postgres
from benchmarks.postgres_marks import postgres_marks
from benchmarks.processor import ProcessorWatch
from benchmarks.server import DEVELOPER_ID
from benchmarks.vendor import A_ROUND, TODAY, row
from bot.marketplace.client import Marketplace
from bot.marketplace.http import MarketplaceHttp
from tests.postgres import needs_a_server

pytestmark = pytest.mark.long

ROWS = 2_000
TABLES = ("license", "license_alias", "company_word", "evaluation", "history", "processed_row")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with marketplace(ROWS) as address:
        yield address


@pytest.fixture(scope="module")
def bench(server: str, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bench = Bench(server, tmp_path_factory.mktemp("bench"), repeat=1, log=sys.stderr)
    bench.sweep("swept.db", rows=ROWS)
    return bench


def _count(store: Path, table: str) -> int:
    with closing(sqlite3.connect(store)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608  ours


async def test_page_by_page_and_in_the_export_the_client_reads_every_license(server: str) -> None:
    client = Marketplace(
        MarketplaceHttp(api_url=f"{server}/{ROWS}", user="nobody", token="none"), developer_id=DEVELOPER_ID
    )
    async with client:
        paged = [each.record async for rows in client.licenses() for each in rows]
        exported = [each.record async for rows in client.export() for each in rows]
    assert paged == exported == [row(number) for number in range(ROWS)]


def test_nothing_was_updated_lately_but_what_changes_between_polls(bench: Bench) -> None:
    two_days_ago = (TODAY - timedelta(days=2)).isoformat()
    assert max(row(number)["lastUpdated"] for number in range(ROWS)) < two_days_ago
    assert len(bench.polls("swept.db", first=0, count=2, rows=ROWS)) == 1
    with closing(sqlite3.connect(bench.folder / "swept.db")) as connection:
        updated = connection.execute("SELECT count(*) FROM license WHERE updated = ?", [TODAY.isoformat()])
        assert updated.fetchone()[0] == 2 * A_ROUND


def test_the_floor_writes_as_much_as_the_bot_has_written(bench: Bench) -> None:
    assert bench.floor(ROWS, like="swept.db")["rows"] == ROWS
    for table in TABLES:
        assert _count(bench.folder / "floor.db", table) == _count(bench.folder / "swept.db", table) > 0


def test_every_list_is_asked_for_as_often_as_the_others(bench: Bench) -> None:
    bench.work("swept.db")
    asked = bench.lists("swept.db", count=3)
    assert asked["statements"]["today"] <= 12
    measured = asked["seconds"]
    assert {len(times) for times in measured.values()} == {2}
    assert "today" in measured


def test_cards_that_are_due_at_once_go_out_and_slack_never_says_that_they_are_too_many(bench: Bench) -> None:
    paced = bench.pace(due=4, count=4)
    assert paced["least"] == 1 < paced["seconds"]
    assert paced["refused"] == 0


def test_each_signal_is_acknowledged_while_the_bot_polls(bench: Bench) -> None:
    measured = bench.signals("swept.db", rows=ROWS, a_second=20, seconds=2)
    assert measured["signals"] == 40
    assert measured["refused"] == 0 < measured["polls"]
    assert 0 < measured["acknowledged"] <= measured["slowest"]


@needs_a_server
def test_both_databases_do_the_same_work_and_a_stand_by_is_pressed(bench: Bench) -> None:
    beside = list(postgres_marks(bench, licenses=ROWS))
    assert len(beside) == 6
    assert all(mark.value > 0 for mark in beside)


@needs_a_server
def test_the_processor_time_of_the_server_counts() -> None:
    with postgres() as server:
        assert server is not None
        watch = ProcessorWatch(server.process)
        server.create("another")
        assert watch.seconds() > 0


def test_an_idle_bot_says_what_it_takes(bench: Bench) -> None:
    taken = bench.idle(seconds=0.2)
    assert 0 <= taken["share"] < 1
    assert taken["resident"] > 10_000_000


def test_a_grown_store_is_sound_and_so_many_times_as_large(bench: Bench) -> None:
    bench.grow("swept.db", "grown.db", times=3)
    for table in TABLES:
        assert _count(bench.folder / "grown.db", table) == 3 * _count(bench.folder / "swept.db", table)
    with closing(sqlite3.connect(bench.folder / "grown.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
