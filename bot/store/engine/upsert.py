"""INSERT … ON CONFLICT, which each database has as a dialect of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Table
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql


def insert_or(table: Table, dialect: str) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that can say what follows if a row exists: `on_conflict_do_nothing`, `on_conflict_do_update`."""
    if dialect != "postgresql":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415  takes long to load, and a file never needs it

    return postgresql.insert(table)
