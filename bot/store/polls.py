"""The log of polls: when the report was read, what it brought, what could not be read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.health import PollOutcome, PollStats, QuarantinedRow
from bot.store.engine.database import Database
from bot.store.mapping import insert_new, insert_row
from bot.store.outbox.enqueue import enqueue_message
from bot.store.schema import poll, quarantine


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One poll, of the full report or of what is new. `error` is a sentence, or None."""

    started_at: datetime
    finished_at: datetime | None
    is_full: bool
    good: bool
    stats: PollStats
    error: str | None

    @property
    def outcome(self) -> PollOutcome:
        """How it ended, if it has."""
        if self.good:
            return PollOutcome.GOOD
        return PollOutcome.RUNNING if self.error is None else PollOutcome.FAILED


_SWEPT: Final = (
    select(poll.c.started_at).where(poll.c.good, poll.c.is_full).order_by(poll.c.id.desc()).limit(1).scalar_subquery()
)
_STILL: Final = _SWEPT.is_(None) | (quarantine.c.last_seen >= _SWEPT)
"""Records seen again since the last good full poll: the others can be read by now, or are gone."""


@shielded
class Polls:
    """Every poll there was."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, *, at: datetime, is_full: bool = False) -> int:
        """Record that a poll begins, of the full report or of what may be new. Return its id."""
        async with self._database.write() as connection:
            return await insert_row(connection, poll, {"started_at": at, "is_full": is_full})

    async def succeed(self, poll_id: int, stats: PollStats, *, at: datetime, text: str, channel: str) -> None:
        """Record that a poll read the report completely, and enqueue `text` for the channel unless it is empty."""
        async with self._database.write() as connection:
            await _finish(connection, poll_id, stats, at=at, good=True, error=None)
            if text:
                await enqueue_message(connection, text, channel=channel, at=at)

    async def fail(self, poll_id: int, stats: PollStats, *, at: datetime, error: str) -> None:
        """Record that a poll failed, and why."""
        async with self._database.write() as connection:
            await _finish(connection, poll_id, stats, at=at, good=False, error=error)

    async def last(self) -> Poll | None:
        """Return the latest poll, whatever its outcome, or None before the first."""
        async with self._database.read() as connection:
            return _poll((await connection.execute(select(poll).order_by(poll.c.id.desc()).limit(1))).first())

    async def last_good(self, *, is_full: bool = False, before: datetime | None = None) -> Poll | None:
        """Return the latest successful poll, or with `is_full` the latest of the full report; None before the first.

        Polls dated after `before` are left out.
        """
        query = select(poll).where(poll.c.good).order_by(poll.c.id.desc()).limit(1)
        if before is not None:
            query = query.where(poll.c.started_at <= before)
        async with self._database.read() as connection:
            return _poll((await connection.execute(query.where(poll.c.is_full) if is_full else query)).first())

    async def last_sweep(self) -> Poll | None:
        """Return the latest poll of the full report, whatever its outcome."""
        query = select(poll).where(poll.c.is_full).order_by(poll.c.id.desc()).limit(1)
        async with self._database.read() as connection:
            return _poll((await connection.execute(query)).first())

    async def quarantine(self, unreadable: Iterable[tuple[str, str]], *, at: datetime) -> list[tuple[str, str]]:
        """Remember records that could not be read, by best id and reason. Return those that are new."""
        new: list[tuple[str, str]] = []
        async with self._database.write() as connection:
            for ref, reason in unreadable:
                values = {"ref": ref, "reason": reason, "first_seen": at, "last_seen": at}
                if await insert_new(connection, quarantine, values) is not None:
                    new.append((ref, reason))
                    continue
                this = (quarantine.c.ref == ref) & (quarantine.c.reason == reason)
                await connection.execute(update(quarantine).where(this).values(last_seen=at))
        return new

    async def quarantined(self) -> int:
        """Return how many records could not be read since the last good poll of the full report."""
        async with self._database.read() as connection:
            return await connection.scalar(select(func.count()).select_from(quarantine).where(_STILL)) or 0

    async def set_aside(self, *, at_most: int) -> list[QuarantinedRow]:
        """Return some of the records that `quarantined` counts, latest first."""
        query = select(quarantine).where(_STILL).order_by(quarantine.c.last_seen.desc(), quarantine.c.ref)
        async with self._database.read() as connection:
            rows = await connection.execute(query.limit(at_most))
            return [QuarantinedRow(ref=row.ref, reason=row.reason, last_seen=row.last_seen) for row in rows]

    async def failed_in_a_row(self, *, is_full: bool) -> int:
        """Return how many polls of this kind failed since the last good one.

        A poll cut off by a stop of the bot did not fail. A good poll of the full report counts for both kinds.
        """
        good = select(func.coalesce(func.max(poll.c.id), 0)).where(poll.c.good, poll.c.is_full | (not is_full))
        broke_off = (poll.c.is_full == is_full) & poll.c.finished_at.is_not(None) & (poll.c.id > good.scalar_subquery())
        async with self._database.read() as connection:
            return await connection.scalar(select(func.count()).where(broke_off)) or 0


async def _finish(
    connection: AsyncConnection, poll_id: int, stats: PollStats, *, at: datetime, good: bool, error: str | None
) -> None:
    await connection.execute(
        update(poll)
        .where(poll.c.id == poll_id)
        .values(
            finished_at=at,
            good=good,
            error=error,
            rows=stats.rows,
            started=stats.started,
            announced=stats.announced,
            quarantined=stats.quarantined,
        )
    )


def _poll(row: Row[Any] | None) -> Poll | None:
    if row is None:
        return None
    return Poll(
        started_at=row.started_at,
        finished_at=row.finished_at,
        is_full=row.is_full,
        good=row.good,
        stats=PollStats(rows=row.rows, started=row.started, announced=row.announced, quarantined=row.quarantined),
        error=row.error,
    )
