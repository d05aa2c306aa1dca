"""The diary of reading the report: when it was read, what came of it, what could not be read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.database import Database
from bot.store.outbox import say
from bot.store.rows import insert_new, insert_row
from bot.store.schema import poll, quarantine
from bot.store.whole import whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one reading of the report came to."""

    rows: int = 0
    started: int = 0
    announced: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One reading of the report, of the `whole` or of the latest. `error` is a sentence; None when there was none."""

    started_at: datetime
    finished_at: datetime | None
    whole: bool
    good: bool
    tally: Tally
    error: str | None


@whole
class Polls:
    """Every reading of the report there was."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, *, at: datetime, whole: bool = False) -> int:
        """Note that a reading begins, of the `whole` report or of what may be new; its id."""
        async with self._database.write() as connection:
            return await insert_row(connection, poll, {"started_at": at, "whole": whole})

    async def succeed(self, poll_id: int, tally: Tally, *, at: datetime, text: str, channel: str) -> None:
        """Note that the report was read to its end; a `text` is owed to the channel with it, unless empty."""
        async with self._database.write() as connection:
            await _finish(connection, poll_id, tally, at=at, good=True, error=None)
            if text:
                await say(connection, text, channel=channel, at=at)

    async def fail(self, poll_id: int, tally: Tally, *, at: datetime, error: str) -> None:
        """Note that the reading broke off, and why."""
        async with self._database.write() as connection:
            await _finish(connection, poll_id, tally, at=at, good=False, error=error)

    async def last(self) -> Poll | None:
        """The latest reading, good or not, finished or not."""
        async with self._database.read() as connection:
            return _poll((await connection.execute(select(poll).order_by(poll.c.id.desc()).limit(1))).first())

    async def last_good(self, *, whole: bool = False) -> Poll | None:
        """The latest reading that came to its end, or the latest such of the `whole` report; None before the first."""
        query = select(poll).where(poll.c.good).order_by(poll.c.id.desc()).limit(1)
        async with self._database.read() as connection:
            return _poll((await connection.execute(query.where(poll.c.whole) if whole else query)).first())

    async def quarantine(self, ref: str, reason: str, *, at: datetime) -> None:
        """Keep in mind a record that could not be read: its best id and the reason, nothing else of it."""
        async with self._database.write() as connection:
            values = {"ref": ref, "reason": reason, "first_seen": at, "last_seen": at}
            if await insert_new(connection, quarantine, values) is None:
                this = (quarantine.c.ref == ref) & (quarantine.c.reason == reason)
                await connection.execute(update(quarantine).where(this).values(last_seen=at))

    async def quarantined(self) -> int:
        """How many records could not be read, ever."""
        async with self._database.read() as connection:
            return await connection.scalar(select(func.count()).select_from(quarantine)) or 0


async def _finish(
    connection: AsyncConnection, poll_id: int, tally: Tally, *, at: datetime, good: bool, error: str | None
) -> None:
    await connection.execute(
        update(poll)
        .where(poll.c.id == poll_id)
        .values(
            finished_at=at,
            good=good,
            error=error,
            rows=tally.rows,
            started=tally.started,
            announced=tally.announced,
            quarantined=tally.quarantined,
        )
    )


def _poll(row: Row[Any] | None) -> Poll | None:
    if row is None:
        return None
    return Poll(
        started_at=row.started_at,
        finished_at=row.finished_at,
        whole=row.whole,
        good=row.good,
        tally=Tally(rows=row.rows, started=row.started, announced=row.announced, quarantined=row.quarantined),
        error=row.error,
    )
