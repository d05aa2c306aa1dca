"""The outbox for Slack: what is due, what is under way, what became of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.evaluation import CardRef
from bot.domain.history import Entry
from bot.store.database import Database
from bot.store.outbox import say
from bot.store.rows import entry_from
from bot.store.schema import delivery, evaluation, history
from bot.store.whole import whole

_OPEN: Final = ("due", "sending", "unknown")


class Lane(StrEnum):
    """Slack counts posts and updates apart; so do we."""

    POST = "post"
    UPDATE = "update"


class What(StrEnum):
    """What a delivery brings: a card, a line in a card's thread, a message of its own."""

    CARD = "card"
    NOTE = "note"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One thing owed to Slack, taken by this process. `unsure`: it was sent before, perhaps in vain."""

    id: int
    what: What
    channel: str
    attempts: int
    unsure: bool
    at: datetime
    """When it was first owed."""
    evaluation_id: int | None = None
    card: CardRef | None = None
    entry: Entry | None = None
    text: str | None = None


@whole
class Deliveries:
    """What is owed to Slack."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, lane: Lane, *, now: datetime) -> Delivery | None:
        """The next thing due in a lane, from now on ours; None when nothing is.

        A note waits for its card, a card for the outcome of its own earlier delivery.
        """
        query = _due(lane).where(delivery.c.due_at <= now).order_by(delivery.c.id).limit(1)
        async with self._database.write() as connection:
            row = (await connection.execute(query)).first()
            if row is None:
                return None
            await _set(connection, row.id, state="sending", attempts=row.attempts + 1)
            entry = None if row.history_id is None else await _entry(connection, row.history_id)
            return _delivery(row, entry)

    async def next_due(self, lane: Lane) -> datetime | None:
        """When the next thing of a lane is due; None when nothing waits."""
        async with self._database.read() as connection:
            moment: datetime | None = await connection.scalar(
                _due(lane).with_only_columns(delivery.c.due_at).order_by(delivery.c.due_at).limit(1)
            )
            return moment

    async def done(self, delivered: Delivery, *, ts: str) -> None:
        """It stands in Slack, with this timestamp; a card knows from now on where it is."""
        async with self._database.write() as connection:
            await _set(connection, delivered.id, state="done", ts=ts, error=None)
            if delivered.what is What.CARD and delivered.card is None:
                await connection.execute(
                    update(evaluation)
                    .where(evaluation.c.id == delivered.evaluation_id, evaluation.c.card_ts.is_(None))
                    .values(card_ts=ts)
                )

    async def postpone(self, delivered: Delivery, *, until: datetime, error: str, unsure: bool) -> None:
        """It did not (or, `unsure`, perhaps did) reach Slack; it is due again at `until`."""
        async with self._database.write() as connection:
            if not unsure and await _superseded(connection, delivered):
                await _set(connection, delivered.id, state="done", error="superseded")
                return
            state = "unknown" if unsure else "due"
            await _set(connection, delivered.id, state=state, due_at=until, error=error)

    async def give_up(self, delivered: Delivery, *, error: str) -> None:
        """It will never reach Slack; the reason stays on record."""
        async with self._database.write() as connection:
            await _set(connection, delivered.id, state="given_up", error=error)

    async def settle_interrupted(self) -> int:
        """At start: whatever was under way when the bot stopped may have reached Slack; how many there were."""
        async with self._database.write() as connection:
            result = await connection.execute(
                update(delivery).where(delivery.c.state == "sending").values(state="unknown")
            )
            return result.rowcount

    async def say(self, text: str, *, channel: str, at: datetime) -> None:
        """Owe a channel a message that belongs to no evaluation. `text` is Slack mrkdwn, escaped."""
        async with self._database.write() as connection:
            await say(connection, text, channel=channel, at=at)

    async def waiting(self) -> int:
        """How many things are owed."""
        async with self._database.read() as connection:
            return await connection.scalar(select(func.count()).where(delivery.c.state.in_(_OPEN))) or 0


def _due(lane: Lane) -> Select[Any]:
    earlier = delivery.alias("earlier")
    has_card = evaluation.c.card_ts.is_not(None)
    is_update = and_(delivery.c.kind == What.CARD, has_card)
    postable: ColumnElement[bool] = or_(
        delivery.c.kind == What.MESSAGE,
        and_(delivery.c.kind == What.NOTE, has_card),
        and_(delivery.c.kind == What.CARD, evaluation.c.card_ts.is_(None)),
    )
    same_card_open = exists().where(
        earlier.c.evaluation_id == delivery.c.evaluation_id,
        earlier.c.kind == delivery.c.kind,
        earlier.c.id < delivery.c.id,
        earlier.c.state.in_(_OPEN),
    )
    return (
        select(delivery, evaluation.c.card_ts)
        .join(evaluation, evaluation.c.id == delivery.c.evaluation_id, isouter=True)
        .where(
            delivery.c.state.in_(("due", "unknown")),
            is_update if lane is Lane.UPDATE else postable,
            ~same_card_open,
        )
    )


def _delivery(row: Row[Any], entry: Entry | None) -> Delivery:
    return Delivery(
        id=row.id,
        what=What(row.kind),
        channel=row.channel,
        attempts=row.attempts + 1,
        unsure=row.state == "unknown",
        at=row.at,
        evaluation_id=row.evaluation_id,
        card=CardRef(channel=row.channel, ts=row.card_ts) if row.card_ts else None,
        entry=entry,
        text=row.text,
    )


async def _set(connection: AsyncConnection, delivery_id: int, **values: object) -> None:
    await connection.execute(update(delivery).where(delivery.c.id == delivery_id).values(**values))


async def _entry(connection: AsyncConnection, history_id: int) -> Entry:
    return entry_from((await connection.execute(select(history).where(history.c.id == history_id))).one())


async def _superseded(connection: AsyncConnection, delivered: Delivery) -> bool:
    """Whether a later repaint of the same card already waits: it will show the newest state anyway."""
    if delivered.what is not What.CARD:
        return False
    later = select(delivery.c.id).where(
        delivery.c.evaluation_id == delivered.evaluation_id, delivery.c.kind == What.CARD, delivery.c.state == "due"
    )
    return (await connection.execute(later)).first() is not None
