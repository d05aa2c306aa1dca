"""Types and kinds of columns: points in time, ids, foreign keys, partial indexes."""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    Table,
    Text,
    TypeDecorator,
    literal_column,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction


class Instant(TypeDecorator[datetime]):
    """A point in time, aware and in UTC on both sides. SQLite itself knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without a time zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time needs a time zone")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware time."""
        del dialect
        return value if value is None or value.tzinfo is not None else value.replace(tzinfo=UTC)


class _NextId(GenericFunction[int]):
    """The next id, above the present generation, of a table whose ids are known outside the database."""

    type = BigInteger()
    inherit_cache = True


@compiles(_NextId, "sqlite")
def _on_sqlite(element: _NextId, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401  as SQLAlchemy has it
    name = compiler.process(element.clauses, **options)
    return f"(SELECT max(coalesce((SELECT max(id) FROM {name}), 0), generation) + 1 FROM installation)"  # noqa: S608


@compiles(_NextId, "postgresql")
def _on_postgresql(element: _NextId, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401  as above
    name = compiler.process(element.clauses, **options)
    return f"nextval(pg_get_serial_sequence('{name}', 'id'))"


ID: Final = BigInteger().with_variant(Integer, "sqlite")
"""An id that no other generation uses: 64 bits. On SQLite every INTEGER has 64 bits, and no other type is the rowid."""


BytewiseText: Final = Text().with_variant(Text(collation="C"), "postgresql")
"""A text that is compared byte by byte, as SQLite does: in the same order on both, and an index finds its beginning."""


def next_id(table: str) -> ColumnElement[int]:
    """Return the id of the next row in a table whose ids are above the generation. Only the sole writer may use it."""
    return _NextId(literal_column(table))


def id_column(table: str) -> Column[int]:
    """Return the id column of a table whose ids leave the database: in Slack, in return addresses, in links."""
    return Column("id", ID, primary_key=True, default=next_id(table))


def has_own_ids(table: Table) -> bool:
    """Return whether the ids of a table are those of `id_column`."""
    return "id" in table.c and table.c.id.default is not None


def deferred_foreign_key(column: str) -> ForeignKey:
    """Return a foreign key that is checked at the end of the transaction.

    If each statement checked it, SQLite would copy every page before an INSERT of many rows changes it.
    """
    return ForeignKey(column, deferrable=True, initially="DEFERRED")


def partial(condition: str) -> dict[str, Any]:
    """Return the arguments of a partial index, for both dialects."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def without_index(column: Column[str]) -> ColumnElement[str]:
    """Return a text column as a value that no index helps to find.

    Without statistics, SQLite may prefer an index on the app, which has many rows, to one on the site, which has few.
    """
    return column.concat("")
