"""What a bug report says about the database: numbers, times and words of closed lists, and no text that is stored."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.incidents import IncidentSource
from bot.store.engine.database import Database
from bot.store.engine.migrate import known_version
from bot.store.schema import incident, metadata, poll

_POLLS: Final = 50
_POLL_FIGURES: Final = ("started_at", "finished_at", "is_full", "good", "rows", "started", "announced", "quarantined")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """The database at one moment."""

    kind: str
    server: str
    """The version of its engine."""
    schema: str | None
    """The version of its tables, or None for one that this bot does not know."""
    rows: dict[str, int]
    """By table."""
    polls: list[dict[str, Any]]
    """The latest ones, without the texts of their errors."""
    incidents: list[dict[str, Any]]
    """What is open: its source, its code if it is one of a known list, and since when."""


@shielded
class Diagnostics:
    """Reads the facts. The tables may be of another version, and need not be complete."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, *, codes: Collection[str]) -> DatabaseFacts:
        """Return the facts. `codes` are the codes of incidents that may be shown. Raises StoreError if it cannot be
        read.
        """
        async with self._database.read() as connection:
            there = set(await connection.run_sync(lambda c: inspect(c).get_table_names()))
            tables = [table for table in metadata.sorted_tables if table.name in there]
            count = select(func.count())
            return DatabaseFacts(
                kind=connection.dialect.name,
                server=await connection.run_sync(_engine_version),
                schema=await connection.run_sync(known_version),
                rows={table.name: await connection.scalar(count.select_from(table)) or 0 for table in tables},
                polls=await _polls(connection) if poll in tables else [],
                incidents=await _incidents(connection, codes) if incident in tables else [],
            )


def _engine_version(connection: Connection) -> str:
    return ".".join(map(str, connection.dialect.server_version_info or ()))


async def _polls(connection: AsyncConnection) -> list[dict[str, Any]]:
    query = select(*(poll.c[name] for name in _POLL_FIGURES)).order_by(poll.c.id.desc()).limit(_POLLS)
    return [dict(row._mapping) for row in await connection.execute(query)]  # noqa: SLF001  SQLAlchemy's public name


async def _incidents(connection: AsyncConnection, codes: Collection[str]) -> list[dict[str, Any]]:
    known = incident.c.source.in_(list(IncidentSource))
    query = select(incident.c.source, incident.c.code, incident.c.since).where(known).order_by(incident.c.since)
    return [
        {"source": source, "code": code if code in codes else None, "since": since}
        for source, code, since in await connection.execute(query)
    ]
