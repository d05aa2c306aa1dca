"""Reminders: which evaluations may need one, and the right to send one, which is a row."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.outbox import BEGUN, DeliveryKind, DeliveryState
from bot.domain.reminders import (
    LIST,
    Candidate,
    ListedReminder,
    Reminder,
    ReminderState,
    ReminderStep,
    goes_alone,
    is_channel,
    is_settled,
)
from bot.store.departures import IS_SETTLED
from bot.store.engine.database import Database
from bot.store.listing import HAS_KNOWN_END, OPEN
from bot.store.mapping import insert_new, insert_row, waiting_since
from bot.store.outbox.enqueue import enqueue_card_update, supersede
from bot.store.schema import delivery, evaluation
from bot.store.team_tables import own_digest, reminder, snooze
from bot.store.touches import TOUCHED_AT
from bot.store.waiting import IS_WAITING

_HAS_CARD: Final = and_(evaluation.c.card_ts.is_not(None), evaluation.c.card_gone.is_(None))
_IS_WAITING: Final = and_(IS_WAITING, evaluation.c.not_for_us_at.is_(None))
_OWNER: Final = func.coalesce(evaluation.c.owner, "")
_IS_SENT: Final = reminder.c.state == literal_column(f"'{ReminderState.SENT.value}'")
"""As a literal: a partial index is used only if the condition is certain before the statement is run."""
_LONGEST_OUTAGE: Final = timedelta(days=7)
"""A reminder that has waited for Slack for longer does not count as one of the day on which it is posted."""
_IS_ON_ITS_WAY: Final = exists().where(delivery.c.id == reminder.c.delivery_id, delivery.c.state.in_(BEGUN))
"""Whether its message is being posted or changed: what is decided meanwhile may not be in it."""


@shielded
class ReminderStore:
    """The reminders of all evaluations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def candidates(self, *, now: datetime, only_waiting: bool = False) -> list[Candidate]:
        """Return every evaluation whose contact waits, or that runs and is not settled: they neither left nor accepted
        a quote. Each has a card and was not snoozed by its owner.
        """
        wanted = _IS_WAITING if only_waiting else or_(OPEN & ~IS_SETTLED, _IS_WAITING)
        async with self._database.read() as connection:
            return list((await _candidates(connection, wanted & _HAS_CARD & ~_is_snoozed(now))).values())

    async def record(
        self, decided: Sequence[Reminder], *, at: datetime, day_began: Mapping[str, datetime]
    ) -> list[Reminder]:
        """Record decisions and enqueue the messages that follow. Return the decisions that are new.

        A decision that another copy recorded before counts for nothing. `day_began` says when the present day began for
        each person who gets one: after some direct messages on that day, they get one list of all others. A message
        that Slack takes on a later day counts on that day. While the list is on its way to Slack nothing is added to
        it, so the decision has to come again.
        """
        async with self._database.write() as connection:
            return [each for each in decided if await _record(connection, each, at=at, day_began=day_began)]

    async def settle(self, *, now: datetime) -> list[ReminderStep]:
        """Mark the reminders that ask for nothing any more, and update their messages. Return the step of each.

        A message that waits with nothing else in it is not posted. One that is on its way has to arrive first.
        """
        sent = select(reminder).where(_IS_SENT, ~_IS_ON_ITS_WAY)
        async with self._database.read() as connection:
            rows = (await connection.execute(sent)).all()
            if not rows:
                return []
            ids = {row.evaluation_id for row in rows}
            wanted = or_(OPEN & ~IS_SETTLED, _IS_WAITING)
            found = await _candidates(connection, wanted & _HAS_CARD & evaluation.c.id.in_(ids))
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
                    settled = update(reminder).where(this, ~_IS_ON_ITS_WAY).values(state=ReminderState.SETTLED)
                    await connection.execute(settled)
                await _update_messages(connection, [row.delivery_id for row in over], at=now)
        return [ReminderStep(row.step) for row in over]

    async def listed(self, delivery_id: int) -> list[ListedReminder]:
        """Return the reminders in a list, the first one first."""
        theirs = select(reminder).where(reminder.c.delivery_id == delivery_id)
        async with self._database.read() as connection:
            rows = await connection.execute(theirs.order_by(reminder.c.at, reminder.c.evaluation_id, reminder.c.step))
            return [
                ListedReminder(
                    evaluation_id=row.evaluation_id,
                    step=ReminderStep(row.step),
                    is_settled=row.state == ReminderState.SETTLED,
                )
                for row in rows
            ]

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
    names = ("id", "channel", "first_seen", "owner", "owned_at", "done_at", "ends", "waiting_since")
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
        waiting_since=waiting_since(row),
        given=frozenset(given),
    )


def _is_snoozed(now: datetime) -> ColumnElement[bool]:
    by_owner = (snooze.c.evaluation_id == evaluation.c.id, snooze.c.user_id == evaluation.c.owner)
    return select(snooze.c.user_id).where(*by_owner, snooze.c.until > now).exists()


async def _record(
    connection: AsyncConnection, decided: Reminder, *, at: datetime, day_began: Mapping[str, datetime]
) -> bool:
    """Record a decision, and return whether it is new."""
    is_sent, text, listed_in = decided.state is ReminderState.SENT, str(decided.step), None
    if is_sent and not is_channel(decided.to):
        theirs = await _direct_messages(connection, decided.to, since=day_began[decided.to])
        listed_in = next((row for row in theirs if row.text == LIST), None)
        has_digest = bool(await connection.scalar(select(exists().where(own_digest.c.user_id == decided.to))))
        text = text if goes_alone(len(theirs), has_digest=has_digest) else LIST
    if listed_in is not None and listed_in.state in BEGUN:
        return False
    key = {"evaluation_id": decided.evaluation_id, "step": decided.step, "owner": decided.owner or ""}
    values = {**key, "state": decided.state, "at": at, "channel": decided.to}
    if await insert_new(connection, reminder, values) is None:
        return False
    if not is_sent:
        return True
    if listed_in is None:
        owed = {"kind": DeliveryKind.REMINDER, "channel": decided.to, "text": text}
        about = {} if text == LIST else {"evaluation_id": decided.evaluation_id}
        due = {"state": DeliveryState.DUE, "at": at, "due_at": at}
        number = await insert_row(connection, delivery, {**owed, **about, **due})
    else:
        number = listed_in.id
    this = and_(*(reminder.c[name] == value for name, value in key.items()))
    await connection.execute(update(reminder).where(this).values(delivery_id=number))
    await _update_messages(connection, [number], at=at)
    # A card tells a database that is restored from a backup which reminders there were.
    await enqueue_card_update(connection, [decided.evaluation_id], at=at)
    return True


async def _direct_messages(connection: AsyncConnection, person: str, *, since: datetime) -> list[Any]:
    """Return the deliveries that bring reminders to a person, without those that were settled before they went.

    They were decided or posted since then, or still wait for Slack.
    """
    theirs = (reminder.c.channel == person, reminder.c.at >= since - _LONGEST_OUTAGE)
    waits = delivery.c.ts.is_(None) & (delivery.c.state != DeliveryState.GIVEN_UP)
    # Slack's timestamp says when a message was posted, in seconds.
    counts = or_(reminder.c.at >= since, waits, delivery.c.ts >= f"{since.timestamp():.6f}")
    never_went = (delivery.c.state == DeliveryState.DELIVERED) & delivery.c.ts.is_(None)
    query = select(delivery.c.id, delivery.c.text, delivery.c.state).distinct()
    brought = query.join(reminder, reminder.c.delivery_id == delivery.c.id)
    return list(await connection.execute(brought.where(*theirs, counts, ~never_went).order_by(delivery.c.id.desc())))


async def _update_messages(connection: AsyncConnection, numbers: Sequence[int | None], *, at: datetime) -> None:
    """Update messages to show what became of their reminders. An empty one that waits is not posted."""
    theirs = delivery.c.id.in_(numbers)
    is_there = (delivery.c.state == DeliveryState.DELIVERED) & delivery.c.ts.is_not(None)
    again = {"state": DeliveryState.DUE, "at": at, "due_at": at}
    await connection.execute(update(delivery).where(theirs, is_there).values(again))
    waits = (delivery.c.state == DeliveryState.DUE) & delivery.c.ts.is_(None)
    asks = exists().where(reminder.c.delivery_id == delivery.c.id, _IS_SENT)
    await supersede(connection, theirs & waits & ~asks)
