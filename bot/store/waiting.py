"""Evaluations whose contact waits for an answer: they wrote to us, and nobody emailed them or pressed Done since."""

from datetime import datetime
from typing import Final

from sqlalchemy import and_, delete, or_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.reminders import ReminderState, ReminderStep
from bot.store.mapping import live_evaluation, waiting_since
from bot.store.schema import evaluation
from bot.store.team_tables import reminder

IS_WAITING: Final = and_(
    evaluation.c.waiting_since.is_not(None),
    or_(evaluation.c.done_at.is_(None), evaluation.c.done_at < evaluation.c.waiting_since),
    evaluation.c.merged_into.is_(None),
)
"""The condition on `evaluation`. *Done* ends the wait, and undoing it brings the wait back."""


async def begin_waiting(connection: AsyncConnection, evaluation_id: int, *, at: datetime) -> None:
    """Record that the contact waits for an answer from now on, unless they wait already."""
    live = await live_evaluation(connection, evaluation_id)
    if live is None or waiting_since(live) is not None:
        return
    await connection.execute(update(evaluation).where(evaluation.c.id == live.id).values(waiting_since=at))
    # Each wait has its own reminder.
    earlier = (reminder.c.evaluation_id == live.id) & (reminder.c.step == ReminderStep.WAITING)
    await connection.execute(delete(reminder).where(earlier, reminder.c.state != ReminderState.SENT))


async def end_waiting(connection: AsyncConnection, evaluation_id: int, *, asked_at: datetime) -> None:
    """Record that the contact has an answer: an email that somebody asked for after they wrote."""
    live = await live_evaluation(connection, evaluation_id)
    if live is not None and live.waiting_since is not None and live.waiting_since <= asked_at:
        await connection.execute(update(evaluation).where(evaluation.c.id == live.id).values(waiting_since=None))


async def clear_waiting(connection: AsyncConnection, evaluation_id: int) -> None:
    """Record that the contact waits for nothing."""
    await connection.execute(update(evaluation).where(evaluation.c.id == evaluation_id).values(waiting_since=None))
