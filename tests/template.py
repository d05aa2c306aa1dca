"""New tables to copy, so that a case does not wait until each of them was created."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import AdaptedConnection, Connection, create_engine

from bot.store import new_tables
from bot.store.engine import migrate


@cache
def _template() -> tuple[str, ...]:
    """The statements that make the tables of this version in an empty SQLite file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        engine = create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            new_tables.create_tables(connection, migrate.newest(), 0)
        engine.dispose()
        with closing(sqlite3.connect(path)) as made:
            statements = tuple(made.iterdump())
    return tuple(each for each in statements if each not in {"BEGIN TRANSACTION;", "COMMIT;"})


def _from_template(connection: Connection, version: str, generation: int) -> str:
    def make(file: sqlite3.Connection) -> None:
        for statement in _template():
            file.execute(statement)
        file.execute("UPDATE installation SET generation = ?", (generation,))

    # One trip to the thread of the connection, not one for each statement.
    adapted = connection.connection.dbapi_connection
    assert isinstance(adapted, AdaptedConnection)
    adapted.run_async(lambda driver: driver.run(make))
    return version


@pytest.fixture(scope="session", autouse=True)
def _tables_from_a_template() -> Iterator[None]:
    """New SQLite files get the tables of the template."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "create_tables", _from_template)
        yield


@pytest.fixture(autouse=True)
def _created_where_marked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test marked `migrations` runs the migrations instead."""
    if request.node.get_closest_marker("migrations") is not None:
        monkeypatch.setattr(migrate, "create_tables", new_tables.create_tables)
