"""The least that reading the report can cost: download, parse and, with `--like`, `executemany` of the same columns.

The rows to insert are ready before the clock starts. They are those that the bot has stored, so table for table, index
for index and byte for byte the same is written, in one transaction with the bot's pragmas. Turning a record into rows
(reading, comparing, encrypting, hashing) is the bot's own work and not in here.
"""

import argparse
import gc
import json
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx

Table = tuple[str, list[tuple[object, ...]]]
"""An INSERT, with its rows."""


def main() -> None:
    """Print seconds and rows as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--export", required=True, help="address of the whole report")
    parser.add_argument("--like", type=Path, help="a store that the bot has filled from the same report")
    parser.add_argument("--into", type=Path, help="the file to fill; must not exist")
    asked = parser.parse_args()
    tables: list[Table] = []
    with closing(sqlite3.connect(asked.into or ":memory:", isolation_level=None)) as target, httpx.Client() as http:
        if asked.like:
            with closing(sqlite3.connect(asked.like)) as source:
                tables = list(_copied(source, target))
        gc.freeze()  # what stands ready would otherwise be looked through by every collection
        began, worked = time.perf_counter(), time.process_time()
        licenses = json.loads(http.get(asked.export, timeout=60).content)
        read = time.perf_counter()
        _insert(target, tables)
        done, cpu = time.perf_counter(), time.process_time() - worked
    result = {"rows": len(licenses), "read": read - began, "stored": done - began, "cpu": cpu}
    sys.stdout.write(json.dumps(result))


def _copied(source: sqlite3.Connection, target: sqlite3.Connection) -> Iterator[Table]:
    """Create the tables and indexes of `source` in `target`; return what to insert for the same rows."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        target.execute(f"PRAGMA {pragma}")
    ours = "sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    for kind, name, sql in source.execute(f"SELECT type, name, sql FROM sqlite_master WHERE {ours}").fetchall():
        target.execute(sql)
        if kind == "table":
            rows = source.execute(f'SELECT * FROM "{name}"').fetchall()
            if rows:
                marks = ", ".join("?" * len(rows[0]))
                yield f'INSERT INTO "{name}" VALUES ({marks})', rows


def _insert(target: sqlite3.Connection, tables: list[Table]) -> None:
    target.execute("BEGIN IMMEDIATE")
    for insert, rows in tables:
        target.executemany(insert, rows)
    target.execute("COMMIT")


if __name__ == "__main__":
    main()
