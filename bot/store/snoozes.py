"""Who wants to be reminded of an evaluation, and when. Each gets one direct message at that time."""

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.evaluation import State
from bot.domain.outbox import DeliveryKind, DeliveryState
from bot.domain.snooze import Snooze
from bot.store.engine.database import Database
from bot.store.engine.upsert import insert_or
from bot.store.mapping import live_evaluation
from bot.store.outbox.enqueue import enqueue_card_update
from bot.store.schema import delivery, evaluation
from bot.store.team_tables import snooze

_DELETE: Final = delete(snooze).where(snooze.c.evaluation_id == bindparam("of_evaluation"))


@shielded
class Snoozes:
    """Snoozes, one for each person and evaluation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set(self, evaluation_id: int, new: Snooze) -> bool:
        """Set a person's snooze, instead of an earlier one. False if there is no evaluation, or its trial ended."""
        async with self._database.write() as connection:
            live = await live_evaluation(connection, evaluation_id)
            if live is None or live.state != State.RUNNING:
                return False
            values = {"until": new.until, "at": new.at}
            one = insert_or(snooze, connection.dialect.name).values(evaluation_id=live.id, user_id=new.user, **values)
            await connection.execute(one.on_conflict_do_update(index_elements=list(snooze.primary_key), set_=values))
            await enqueue_card_update(connection, [live.id], at=new.at)
            return True

    async def next_end(self) -> datetime | None:
        """Return when the next snooze ends, or ended without a reminder; None if there is none."""
        async with self._database.read() as connection:
            ends: datetime | None = await connection.scalar(select(func.min(snooze.c.until)))
        return ends

    async def remind(self, *, now: datetime) -> int:
        """End the snoozes whose time has come, each with a direct message to its person. Return how many there were.

        The message is enqueued in the same transaction, so each person is reminded once.
        """
        is_due = snooze.c.until <= now
        of_each = (snooze.c.user_id, snooze.c.evaluation_id, evaluation.c.state, evaluation.c.not_for_us_at)
        query = select(*of_each).join(evaluation, evaluation.c.id == snooze.c.evaluation_id).where(is_due)
        async with self._database.write() as connection:
            rows = (await connection.execute(query)).all()
            await connection.execute(delete(snooze).where(is_due))
            owed = [
                {"kind": DeliveryKind.REMINDER, "channel": row.user_id, "evaluation_id": row.evaluation_id}
                | {"state": DeliveryState.DUE, "at": now, "due_at": now}
                for row in rows
                if row.state == State.RUNNING and row.not_for_us_at is None
            ]
            if owed:
                await connection.execute(insert(delivery), owed)
            await enqueue_card_update(connection, {row.evaluation_id for row in rows}, at=now)
            return len(owed)


async def end_snoozes(connection: AsyncConnection, evaluation_id: int) -> None:
    """End the snoozes of an evaluation without a reminder."""
    await connection.execute(_DELETE, {"of_evaluation": evaluation_id})


async def snoozes_of(connection: AsyncConnection, evaluation_id: int) -> tuple[Snooze, ...]:
    """Return the snoozes of an evaluation, the next one first."""
    rows = await connection.execute(
        select(snooze).where(snooze.c.evaluation_id == evaluation_id).order_by(snooze.c.until, snooze.c.user_id)
    )
    return tuple(Snooze(user=row.user_id, until=row.until, at=row.at) for row in rows)
