"""Grow a store that the bot has filled to any size, by copying every license as another one."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Column, LargeBinary, Table, Text

from bot.store.schema import metadata

_GROWING: Final = ("license", "license_alias", "company_word", "evaluation", "history", "processed_row")
_SHARED: Final = ("app_key", "country")
"""Columns of texts that copies have in common."""
_STRIDE: Final = 1_000_000
"""Between an id and that of its next copy; more than there are ids at first."""
_COPIES: Final = "WITH RECURSIVE copy(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < ?)"


def grow(store: Path, *, times: int) -> None:
    """Make a store `times` as large. Ids, aliases and lookup columns differ from copy to copy."""
    with quick(store) as connection:
        growing = [table for table in metadata.sorted_tables if table.name in _GROWING]
        with without_indexes(connection):
            for table in growing:
                names, values = zip(*_copied(table), strict=True)
                insert = f"INSERT INTO {table.name} ({', '.join(names)})"
                select = f"SELECT {', '.join(values)} FROM copy CROSS JOIN {table.name}"
                connection.execute(f"{insert} {_COPIES} {select}", [times - 1])


@contextmanager
def quick(store: Path) -> Iterator[sqlite3.Connection]:
    """Open a store that nobody else uses, without the care for what a crash would leave."""
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "foreign_keys=OFF", "cache_size=-500000"):
            connection.execute(f"PRAGMA {pragma}")
        yield connection
        connection.execute("PRAGMA journal_mode=WAL")


@contextmanager
def without_indexes(connection: sqlite3.Connection, *, of: str = "%") -> Iterator[None]:
    """Build the indexes of these tables at the end, by sorting rather than by looking up the place of each row."""
    found = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name LIKE ?", [of]
    ).fetchall()
    for name, _ in found:
        connection.execute(f"DROP INDEX {name}")
    yield
    for _, sql in found:
        connection.execute(sql)


def _copied(table: Table) -> Iterator[tuple[str, str]]:
    """Return the columns of a table, each with its value in copy `n`."""
    for column in table.columns:
        yield column.name, _value(column)


def _value(column: Column[object]) -> str:
    name = f'"{column.table.name}"."{column.name}"'
    if column.foreign_keys or (column.primary_key and column.name == "id"):
        return f"{name} + copy.n * {_STRIDE}"
    if column.primary_key and isinstance(column.type, LargeBinary):
        return f"randomblob(length({name}))"
    if (column.primary_key or column.index) and isinstance(column.type, Text) and column.name not in _SHARED:
        return f"{name} || '~' || copy.n"
    return name


if __name__ == "__main__":
    grow(Path(sys.argv[1]), times=int(sys.argv[2]))
