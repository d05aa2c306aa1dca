"""Who is away, and until when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.store.engine.database import Database
from bot.store.team_tables import absence


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """An absence that lasts through the day `until`, whose end in the person's own time zone is `ends`; or without an
    end.
    """

    since: datetime
    until: date | None = None
    ends: datetime | None = None


async def away_at(connection: AsyncConnection, at: datetime) -> Mapping[str, Absence]:
    """Return who is away at a moment."""
    query = select(absence).where(absence.c.since <= at, absence.c.ends.is_(None) | (absence.c.ends > at))
    return {
        row.user_id: Absence(since=row.since, until=row.until, ends=row.ends) for row in await connection.execute(query)
    }


@shielded
class Absences:
    """Who is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def away(self, *, at: datetime) -> Mapping[str, Absence]:
        """Return who is away at a moment."""
        async with self._database.read() as connection:
            return await away_at(connection, at)

    async def begin(self, user: str, found: Absence) -> None:
        """Record that somebody is away, instead of what was known before."""
        values = {"user_id": user, "since": found.since, "until": found.until, "ends": found.ends}
        async with self._database.write() as connection:
            await connection.execute(delete(absence).where(absence.c.user_id == user))
            await connection.execute(insert(absence).values(values))

    async def end(self, user: str, *, at: datetime) -> bool:
        """Record that somebody is back. Return False if they were not away."""
        async with self._database.write() as connection:
            was_away = user in await away_at(connection, at)
            await connection.execute(delete(absence).where(absence.c.user_id == user))
            return was_away
