"""Two versions run side by side: a migration only adds, so that the version before goes on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, inspect, text

from bot.errors import LeaseLost, StoreError
from bot.store import open_store
from bot.store.engine import migrate
from bot.store.engine.database import Database
from bot.store.leases import Leases
from bot.store.schema import delivery
from tests.builders import NOON, license_
from tests.postgres import needs_a_server
from tests.store.earlier import upgrade_to
from tests.store.steps import CHANNEL, SECRET, bring, report

BEFORE_THE_RULE = "0016"


@dataclass(frozen=True)
class Shape:
    """What code of one version relies on: the columns of each table, and what must be unique."""

    columns: Mapping[str, Mapping[str, str]]
    optional: frozenset[tuple[str, str]]
    """Columns that an insert may leave out."""
    unique: frozenset[tuple[str, frozenset[str]]]


def _shape(connection: Connection) -> Shape:
    found = inspect(connection)
    columns = {table: found.get_columns(table) for table in found.get_table_names()}
    unique = {
        (table, frozenset(each["column_names"])) for table in columns for each in found.get_unique_constraints(table)
    }
    for table in columns:
        for index in found.get_indexes(table):
            if index["unique"]:
                unique.add((table, frozenset(name for name in index["column_names"] if name)))
    return Shape(
        columns={table: {each["name"]: str(each["type"]) for each in theirs} for table, theirs in columns.items()},
        optional=frozenset(
            (table, each["name"])
            for table, theirs in columns.items()
            for each in theirs
            if each["nullable"] or each["default"] is not None
        ),
        unique=frozenset(unique),
    )


def _problems(before: Shape, after: Shape) -> Iterator[str]:
    """What disturbs code that knows only the shape before."""
    for table, columns in before.columns.items():
        kept = after.columns.get(table, {})
        yield from (f"{table}.{name} is gone" for name in columns if name not in kept)
        yield from (f"{table}.{name} changed" for name in columns if name in kept and kept[name] != columns[name])
        yield from (f"{table}.{x} must be set" for x in kept.keys() - columns if (table, x) not in after.optional)
    for table, names in after.unique - before.unique:
        if table in before.columns and names <= before.columns[table].keys():
            yield f"{table} is unique by {sorted(names)}"


@pytest.mark.migrations
async def test_a_migration_only_adds(url: str) -> None:
    database, wrong = Database(url), dict[str, list[str]]()
    async with database.write() as connection:
        await connection.run_sync(upgrade_to, BEFORE_THE_RULE)
        before = await connection.run_sync(_shape)
        for path in sorted((migrate.SCRIPTS / "versions").glob("[0-9]*.py")):
            number, _, name = path.name.partition("_")
            if number <= BEFORE_THE_RULE:
                continue
            await connection.run_sync(upgrade_to, number)
            after = await connection.run_sync(_shape)
            if not name.startswith("post_") and (found := list(_problems(before, after))):
                wrong[path.name] = found
            before = after
    await database.close()
    assert wrong == {}, "a migration that takes something away has `post_` in its name and comes a release later"


def test_what_disturbs_the_version_before_is_found() -> None:
    before = Shape({"a": {"x": "TEXT", "y": "TEXT"}}, frozenset(), frozenset())
    after = Shape({"a": {"x": "INTEGER", "z": "TEXT"}, "b": {}}, frozenset(), frozenset({("a", frozenset({"x"}))}))
    assert list(_problems(before, after)) == ["a.y is gone", "a.x changed", "a.z must be set", "a is unique by ['x']"]


@needs_a_server
@pytest.mark.migrations
async def test_tables_are_added_to_beside_a_copy_that_leads_which_then_gives_the_lead_back(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = Database(postgres)
    async with older.write() as connection:
        await connection.run_sync(upgrade_to, BEFORE_THE_RULE)
    leases = Leases(older)
    assert await leases.take()
    async with open_store(postgres, secret_keys=[SECRET]) as newer:
        assert await newer.leases.holder() is not None
        await leases.renew()
        monkeypatch.setattr(migrate, "newest", lambda: BEFORE_THE_RULE)
        with pytest.raises(LeaseLost, match="newer version"):
            await leases.renew()
        monkeypatch.undo()
        assert await newer.leases.take()
    await older.close()


@needs_a_server
async def test_an_older_version_starts_on_newer_tables_that_allow_it_and_may_lead_there(postgres: str) -> None:
    async with open_store(postgres, secret_keys=[SECRET]) as store:
        await report(store, license_())
        async with store.database.write() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = '9998'"))
            await connection.execute(text("UPDATE installation SET oldest_beside = '0.0.1'"))
            strange = {"kind": "of the future", "channel": CHANNEL, "state": "due", "at": NOON, "due_at": NOON}
            await connection.execute(insert(delivery).values(**strange))
    async with open_store(postgres, secret_keys=[SECRET]) as older, open_store(postgres, secret_keys=[SECRET]) as other:
        assert await older.leases.take()
        await older.leases.renew()
        assert await bring(older) == ["post card 1"]
        assert not await other.leases.take()
        async with other.database.write() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(LeaseLost, match="newer version"):
            await older.leases.renew()
        async with other.database.write() as connection:
            await connection.execute(text("UPDATE installation SET oldest_beside = '99.0'"))
    with pytest.raises(StoreError, match="newer version"):
        async with open_store(postgres, secret_keys=[SECRET]):
            pass


def test_what_takes_away_runs_beside_those_who_no_longer_use_it(tmp_path: Path) -> None:
    post = tmp_path / "0099_post_drop.py"
    post.write_text('revision = "0099"\noldest_beside = "0.10.0"\n')
    may_run = migrate._may_run_beside  # noqa: SLF001  it decides alone
    assert [may_run(post, version) for version in ("0.9.1", "0.10.0", "1.0")] == [False, True, True]
    assert may_run(tmp_path / "0099_add.py", "0.0.1")
    assert not may_run(tmp_path / "0002_mail_that_waits.py", "9.9")
