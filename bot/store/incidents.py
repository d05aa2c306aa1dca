"""Open incidents, so that nobody is told twice about the same one."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.incidents import Incident, IncidentSource, OpenIncident
from bot.domain.outbox import ApiMethod
from bot.store.engine.database import Database
from bot.store.mapping import insert_new
from bot.store.outbox.enqueue import enqueue_message
from bot.store.schema import incident

_KEY = tuple(incident.primary_key.columns)


@shielded
class Incidents:
    """Incidents that are open. Texts are escaped mrkdwn; `to` holds ids of channels and users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, new: Incident, text: str, *, to: Sequence[str], at: datetime) -> bool:
        """Open an incident and enqueue `text` for each of `to`, unless it is open already. Return whether it is new."""
        async with self._database.write() as connection:
            is_new = await open_incident(connection, new, at=at)
            if is_new:
                await _say(connection, text, to=to, at=at)
            return is_new

    async def close(self, over: Collection[Incident], text: str, *, to: Sequence[str], at: datetime) -> bool:
        """Close incidents and enqueue `text` for each of `to`, if one of them was open. Return whether one was."""
        async with self._database.write() as connection:
            was_open = await close_incidents(connection, over)
            if was_open:
                await _say(connection, text, to=to, at=at)
            return was_open

    async def list_open(self) -> list[OpenIncident]:
        """Return the open incidents, oldest first."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(incident).order_by(incident.c.since, *_KEY))
            return [OpenIncident(incident=_incident_from(row), since=row.since) for row in rows]


async def open_incident(connection: AsyncConnection, new: Incident, *, at: datetime) -> bool:
    """Open an incident. Return False if it is open already."""
    return await insert_new(connection, incident, {**_values(new), "since": at}) is not None


async def is_open(connection: AsyncConnection, wanted: Incident) -> bool:
    """Return whether an incident is open."""
    this = tuple_(*_KEY) == tuple_(*_values(wanted).values())
    return (await connection.execute(select(incident.c.since).where(this))).first() is not None


async def close_incidents(connection: AsyncConnection, over: Collection[Incident]) -> bool:
    """Close incidents. Return whether one of them was open."""
    keys = [tuple(_values(each).values()) for each in over]
    return (await connection.execute(delete(incident).where(tuple_(*_KEY).in_(keys)))).rowcount > 0


def _values(one: Incident) -> dict[str, Any]:
    """Return the values of the key, in its order. What does not apply is empty, since a key has no NULL."""
    return {
        "source": one.source,
        "method": one.method or "",
        "channel": one.channel or "",
        "code": one.code,
        "scopes": ",".join(one.scopes),
        "seconds": one.seconds,
    }


def _incident_from(row: Row[Any]) -> Incident:
    return Incident(
        source=IncidentSource(row.source),
        code=row.code,
        method=ApiMethod(row.method) if row.method else None,
        channel=row.channel or None,
        scopes=tuple(row.scopes.split(",")) if row.scopes else (),
        seconds=row.seconds,
    )


async def _say(connection: AsyncConnection, text: str, *, to: Sequence[str], at: datetime) -> None:
    for channel in to:
        await enqueue_message(connection, text, channel=channel, at=at)
