"""Reminders: which evaluations may need one, and the right to send one, which is a row."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, func, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.outbox import DeliveryKind, DeliveryState
from bot.domain.reminders import MOST_A_DAY, Candidate, Reminder, ReminderState, ReminderStep, is_channel, is_settled
from bot.domain.text import counted
from bot.store.engine.database import Database
from bot.store.listing import HAS_KNOWN_END, OPEN
from bot.store.mapping import insert_new, insert_row
from bot.store.outbox.enqueue import enqueue_message
from bot.store.schema import delivery, evaluation
from bot.store.team_tables import reminder, snooze
from bot.store.touches import TOUCHED_AT

_HAS_CARD: Final = and_(evaluation.c.card_ts.is_not(None), evaluation.c.card_gone.is_(None))
_OWNER: Final = func.coalesce(evaluation.c.owner, "")
_IS_SENT: Final = reminder.c.state == literal_column(f"'{ReminderState.SENT.value}'")
"""As a literal: a partial index is used only if the condition is certain before the statement is run."""


@shielded
class ReminderStore:
    """The reminders of all evaluations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def candidates(self, *, now: datetime) -> list[Candidate]:
        """Return every evaluation that runs, has a card, and was not snoozed by its owner."""
        async with self._database.read() as connection:
            return list((await _candidates(connection, OPEN & _HAS_CARD & ~_is_snoozed(now))).values())

    async def record(self, decided: Sequence[Reminder], *, at: datetime, day_began: datetime) -> int:
        """Record decisions and enqueue the messages that follow. Return how many reminders are sent.

        A decision that another copy recorded before counts for nothing. A person who got the most messages since
        `day_began` gets one more, which says that there are others.
        """
        sent = 0
        async with self._database.write() as connection:
            for each in decided:
                key = {"evaluation_id": each.evaluation_id, "step": each.step, "owner": each.owner or ""}
                state = each.state
                if state is ReminderState.SENT and not is_channel(each.to):
                    state = await _unless_enough(connection, each.to, at=at, day_began=day_began)
                values = {**key, "state": state, "at": at, "channel": each.to}
                if await insert_new(connection, reminder, values) is None or state is not ReminderState.SENT:
                    continue
                owed = {"kind": DeliveryKind.REMINDER, "channel": each.to, "evaluation_id": each.evaluation_id}
                due = {"text": each.step, "state": DeliveryState.DUE, "at": at, "due_at": at}
                number = await insert_row(connection, delivery, {**owed, **due})
                this = and_(*(reminder.c[name] == value for name, value in key.items()))
                await connection.execute(update(reminder).where(this).values(delivery_id=number))
                sent += 1
        return sent

    async def settle(self, *, now: datetime) -> int:
        """Mark the reminders that ask for nothing any more, and let their messages say so. Return how many."""
        async with self._database.read() as connection:
            rows = (await connection.execute(select(reminder).where(_IS_SENT))).all()
            if not rows:
                return 0
            ids = {row.evaluation_id for row in rows}
            found = await _candidates(connection, OPEN & _HAS_CARD & evaluation.c.id.in_(ids))
        over = [
            row
            for row in rows
            if is_settled(ReminderStep(row.step), found.get(row.evaluation_id), row.owner or None, since=row.at)
        ]
        if over:
            async with self._database.write() as connection:
                for row in over:
                    same = (reminder.c.evaluation_id == row.evaluation_id, reminder.c.step == row.step)
                    this = and_(*same, reminder.c.owner == row.owner)
                    await connection.execute(update(reminder).where(this).values(state=ReminderState.SETTLED))
                numbers = [row.delivery_id for row in over]
                is_there = (delivery.c.state == DeliveryState.DELIVERED) & delivery.c.ts.is_not(None)
                again = {"state": DeliveryState.DUE, "at": now, "due_at": now}
                await connection.execute(update(delivery).where(delivery.c.id.in_(numbers), is_there).values(again))
        return len(over)

    async def state(self, delivery_id: int) -> ReminderState | None:
        """Return what became of the reminder that a delivery brings."""
        async with self._database.read() as connection:
            found = await connection.scalar(select(reminder.c.state).where(reminder.c.delivery_id == delivery_id))
        return None if found is None else ReminderState(found)


def decided_between(state: ReminderState, since: datetime, until: datetime) -> Select[tuple[int]]:
    """Return the query for the evaluations with a reminder that was decided like this in a time."""
    during = (reminder.c.at >= since, reminder.c.at < until)
    return select(reminder.c.evaluation_id).where(reminder.c.state == state, *during)


async def _candidates(connection: AsyncConnection, wanted: ColumnElement[bool]) -> dict[int, Candidate]:
    given = defaultdict[int, set[ReminderStep]](set)
    theirs = select(reminder.c.evaluation_id, reminder.c.step).join(
        evaluation, and_(evaluation.c.id == reminder.c.evaluation_id, reminder.c.owner == _OWNER)
    )
    for row in await connection.execute(theirs.where(wanted)):
        given[row.evaluation_id].add(ReminderStep(row.step))
    names = ("id", "channel", "first_seen", "owner", "owned_at", "done_at", "ends")
    query = select(*(evaluation.c[name] for name in names), HAS_KNOWN_END.label("is_known"), *TOUCHED_AT).where(wanted)
    return {row.id: _candidate(row, given[row.id]) for row in await connection.execute(query)}


def _candidate(row: Any, given: set[ReminderStep]) -> Candidate:  # noqa: ANN401  a row of several tables
    touches = [at for at in (row.done_at, row.mailed_at, row.noted_at) if at is not None]
    return Candidate(
        evaluation_id=row.id,
        channel=row.channel,
        first_seen=row.first_seen,
        owner=row.owner,
        owned_at=row.owned_at,
        ends=row.ends if row.is_known else None,
        touched_at=max(touches, default=None),
        given=frozenset(given),
    )


def _is_snoozed(now: datetime) -> ColumnElement[bool]:
    by_owner = (snooze.c.evaluation_id == evaluation.c.id, snooze.c.user_id == evaluation.c.owner)
    return select(snooze.c.user_id).where(*by_owner, snooze.c.until > now).exists()


async def _unless_enough(
    connection: AsyncConnection, person: str, *, at: datetime, day_began: datetime
) -> ReminderState:
    """Return SENT, or SUMMED for a person who got the most of the day. The first of these brings one message."""
    today = (reminder.c.channel == person, reminder.c.at >= day_began)
    query = select(reminder.c.state, func.count()).where(*today).group_by(reminder.c.state)
    numbers = {row[0]: row[1] for row in await connection.execute(query)}
    if numbers.get(ReminderState.SENT, 0) + numbers.get(ReminderState.SETTLED, 0) < MOST_A_DAY:
        return ReminderState.SENT
    if not numbers.get(ReminderState.SUMMED):
        words = (
            f":alarm_clock: That was {counted(MOST_A_DAY, 'reminder')} today. More evaluations wait: "
            "`/evaluators mine` lists yours."
        )
        await enqueue_message(connection, words, channel=person, at=at)
    return ReminderState.SUMMED
