"""Open incidents, so that nobody is told twice about the same one."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.health import OpenIncident
from bot.store.engine.database import Database
from bot.store.mapping import insert_new
from bot.store.outbox.enqueue import enqueue_message
from bot.store.schema import incident


@shielded
class Incidents:
    """Incidents that are open. Texts are escaped mrkdwn; `to` holds ids of channels and users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, kind: str, text: str, *, to: Sequence[str], at: datetime) -> bool:
        """Open an incident and enqueue `text` for each of `to`, unless it is open already. Return whether it is new."""
        async with self._database.write() as connection:
            new = await insert_new(connection, incident, {"kind": kind, "since": at}) is not None
            if new:
                await _say(connection, text, to=to, at=at)
            return new

    async def close(self, kinds: Collection[str], text: str, *, to: Sequence[str], at: datetime) -> bool:
        """Close incidents and enqueue `text` for each of `to`, if one of the kinds was open. Return whether one was."""
        async with self._database.write() as connection:
            stood = (await connection.execute(delete(incident).where(incident.c.kind.in_(kinds)))).rowcount > 0
            if stood:
                await _say(connection, text, to=to, at=at)
            return stood

    async def list_open(self) -> list[OpenIncident]:
        """Return the open incidents, oldest first."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(incident).order_by(incident.c.since, incident.c.kind))
            return [OpenIncident(kind=row.kind, since=row.since) for row in rows]


async def _say(connection: AsyncConnection, text: str, *, to: Sequence[str], at: datetime) -> None:
    for channel in to:
        await enqueue_message(connection, text, channel=channel, at=at)
