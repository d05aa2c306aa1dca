"""Record events for webhooks in the same transaction as the fact they follow from."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.dnc_reason import DncReason
from bot.domain.history import Entry
from bot.domain.webhook_event_types import EventType
from bot.domain.webhook_events import MAKE_EVENTS, event_type_of
from bot.store.engine.bulk import reserve_ids
from bot.store.mapping import entry_from
from bot.store.schema import history
from bot.store.webhook_tables import webhook_address, webhook_delivery, webhook_event

_RECEIVERS: Final = select(webhook_address.c.id, webhook_address.c.events, webhook_address.c.off_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event to record: about a fact in a history, or with details of its own."""

    type: EventType
    at: datetime
    history_id: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """An address as the database knows it."""

    id: int
    events: frozenset[str]
    is_on: bool


async def enqueue_fact(connection: AsyncConnection, history_id: int, entry: Entry) -> None:
    """Record the event of a fact, if it makes one."""
    if (type_ := event_type_of(entry.fact)) is not None:
        await enqueue_events(connection, [NewEvent(type=type_, history_id=history_id, at=entry.at)])


async def enqueue_facts_of(connection: AsyncConnection, evaluation_ids: Collection[int]) -> None:
    """Record the events of all facts of evaluations that are announced now, unless they are recorded already."""
    if not evaluation_ids or not await load_receivers(connection):
        return
    theirs = facts_without_event().where(history.c.evaluation_id.in_(evaluation_ids))
    await enqueue_events(connection, events_of((await connection.execute(theirs)).all()))


async def enqueue_erased(
    connection: AsyncConnection,
    address_hash: str,
    evaluation_ids: Collection[int],
    *,
    reason: DncReason,
    at: datetime,
) -> None:
    """Record that somebody was erased, which receivers learn by their evaluations."""
    details = {"hash": address_hash, "reason": reason.value, "evaluation_ids": sorted(evaluation_ids)}
    await enqueue_events(connection, [NewEvent(type=EventType.PERSON_ERASED, at=at, details=details)])


async def enqueue_events(connection: AsyncConnection, events: Sequence[NewEvent]) -> None:
    """Record events, and that they have to go to each address that wants them. Without any address, do nothing."""
    receivers = await load_receivers(connection)
    if not receivers or not events:
        return
    ids = await insert_events(connection, events)
    owed = [
        {"event_id": id_, "address_id": receiver.id, "at": event.at, "due_at": event.at}
        for id_, event in zip(ids, events, strict=True)
        for receiver in receivers
        if receiver.is_on and event.type in receiver.events
    ]
    if owed:
        await connection.execute(insert(webhook_delivery), owed)


async def insert_events(connection: AsyncConnection, events: Iterable[NewEvent]) -> Sequence[int]:
    """Insert events and return their ids, in the same order."""
    rows = [
        {"type": each.type, "history_id": each.history_id, "details": dict(each.details), "at": each.at}
        for each in events
    ]
    ids = await reserve_ids(connection, webhook_event, len(rows))
    if rows:
        await connection.execute(
            insert(webhook_event), [{"id": id_, **row} for id_, row in zip(ids, rows, strict=True)]
        )
    return ids


async def load_receivers(connection: AsyncConnection) -> list[Receiver]:
    """Return every address, also those that are switched off."""
    return [
        Receiver(id=row.id, events=frozenset(row.events), is_on=row.off_at is None)
        for row in await connection.execute(_RECEIVERS)
    ]


def facts_without_event() -> Select[Any]:
    """Return the query for facts that may make an event and have none, oldest first."""
    return (
        select(history)
        .join(webhook_event, webhook_event.c.history_id == history.c.id, isouter=True)
        .where(webhook_event.c.id.is_(None), history.c.kind.in_([kind.value for kind in MAKE_EVENTS]))
        .order_by(history.c.id)
    )


def events_of(facts: Iterable[Row[Any]]) -> list[NewEvent]:
    """Return the events of rows of `history`. Some make none."""
    entries = [(row.id, entry_from(row)) for row in facts]
    types = [(id_, event_type_of(entry.fact), entry.at) for id_, entry in entries]
    return [NewEvent(type=type_, history_id=id_, at=at) for id_, type_, at in types if type_ is not None]
