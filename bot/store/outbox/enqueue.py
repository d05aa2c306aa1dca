"""Enqueue deliveries to Slack in the same transaction as the fact they follow from."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Executable, Row, Select, bindparam, false, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.clock_skew import CLOCKS_DIFFER
from bot.domain.history import UNTOLD, Entry, Kind, MailEvent
from bot.domain.outbox import Delivery, DeliveryKind, DeliveryState
from bot.store.engine.upsert import insert_or
from bot.store.mapping import history_values, insert_row, live_evaluation
from bot.store.schema import QUEUED_UPDATE, delivery, evaluation, history, installation
from bot.store.webhooks.enqueue import enqueue_fact

_IS_ON_ITS_WAY: Final = (Kind.MAIL_QUEUED, Kind.MAIL_DEFERRED, Kind.MAIL_AGAIN)
_GOOD_OUTCOMES: Final = frozenset({Kind.MAIL_SENT, Kind.MAIL_UNDONE})
_WITH_CARD: Final = (
    select(evaluation.c.id, evaluation.c.channel)
    .where(
        evaluation.c.id.in_(bindparam("wanted", expanding=True)),
        evaluation.c.channel.is_not(None),
        evaluation.c.card_gone.is_(None),
    )
    .order_by(evaluation.c.id)
)
_OUTCOMES: Final = _GOOD_OUTCOMES | {Kind.MAIL_DEFERRED, Kind.MAIL_FAILED, Kind.MAIL_UNKNOWN}


async def append_history(connection: AsyncConnection, evaluation_id: int, entries: Iterable[Entry]) -> None:
    """Append entries to an evaluation's history with their events; if it has a card, enqueue its update and a line in
    its thread for each. The line of an email that was queued is updated once it is sent or cancelled.

    Entries for an evaluation that was merged go to the one it was merged into.
    """
    live = await live_evaluation(connection, evaluation_id)
    if live is None:
        return
    is_told = live.channel is not None and live.card_gone is None
    for entry in entries:
        history_id = await insert_row(connection, history, history_values(entry, live.id))
        if is_told:
            await _enqueue_card_updates(connection, {live.id: live.channel}, at=entry.at)
        if live.channel is not None or entry.kind is not Kind.STARTED:  # who starts in silence is no news
            await enqueue_fact(connection, history_id, entry)
        if not is_told or entry.kind in UNTOLD or await _update_line(connection, live, entry, history_id):
            continue
        owed = {"kind": DeliveryKind.NOTE, "channel": live.channel, "evaluation_id": live.id, "history_id": history_id}
        state = (
            DeliveryState.UNKNOWN
            if entry.actor is None and await _may_stand_there(connection, live)
            else DeliveryState.DUE
        )
        await insert_row(connection, delivery, {**owed, "state": state, "at": entry.at, "due_at": entry.at})


async def supersede(connection: AsyncConnection, these: ColumnElement[bool]) -> None:
    """Drop deliveries that have nothing to say any more."""
    over = {"state": DeliveryState.DELIVERED, "error": "superseded"}
    await connection.execute(update(delivery).where(these).values(over))


async def _update_line(connection: AsyncConnection, live: Row[Any], entry: Entry, history_id: int) -> bool:
    """Update the line of a queued email to say what became of it. Return whether there is such a line.

    What somebody may have to act on gets a line of its own if the other one is in Slack already: a new line notifies
    people, a change does not.
    """
    fact = entry.fact
    if not isinstance(fact, MailEvent) or fact.kind not in _OUTCOMES or fact.mail is None:
        return False
    earlier = (history.c.evaluation_id == live.id) & history.c.kind.in_(_IS_ON_ITS_WAY)
    rows = await connection.execute(select(history.c.id, history.c.details).where(earlier).order_by(history.c.id))
    theirs = [row.id for row in rows if row.details.get("mail") == str(fact.mail)]
    if theirs:
        await connection.execute(_locked(delivery.c.history_id == theirs[-1]))
    is_free = (delivery.c.state == DeliveryState.DUE) & delivery.c.ts.is_(None)
    if fact.kind in _GOOD_OUTCOMES:
        is_free |= delivery.c.state.in_((DeliveryState.DUE, DeliveryState.DELIVERED)) & delivery.c.ts.is_not(None)
    this = (delivery.c.history_id == theirs[-1]) & is_free if theirs else false()
    again = {"history_id": history_id, "state": DeliveryState.DUE, "at": entry.at, "due_at": entry.at}
    return (await connection.execute(update(delivery).where(this).values(again))).rowcount > 0


async def hand_line_over(connection: AsyncConnection, posted: Delivery, *, ts: str) -> bool:
    """Update the line of a queued email if its outcome became known while the line was being posted.

    Return whether the line, which has this timestamp, now belongs to that entry.
    """
    fact = None if posted.entry is None else posted.entry.fact
    if not isinstance(fact, MailEvent) or fact.kind not in _IS_ON_ITS_WAY or fact.mail is None:
        return False
    await connection.execute(_locked(delivery.c.id == posted.id))
    later = (delivery.c.evaluation_id == posted.evaluation_id) & (delivery.c.id > posted.id)
    rows = await connection.execute(
        select(delivery.c.id, delivery.c.state, delivery.c.ts, history.c.kind, history.c.details)
        .join(history, history.c.id == delivery.c.history_id)
        .where(later)
        .order_by(delivery.c.id)
    )
    first = next((row for row in rows if row.details.get("mail") == str(fact.mail)), None)
    if first is None or first.kind not in _GOOD_OUTCOMES or first.state != DeliveryState.DUE or first.ts is not None:
        return False
    await connection.execute(update(delivery).where(delivery.c.id == first.id).values(ts=ts))
    return True


def _locked(line: ColumnElement[bool]) -> Select[tuple[int]]:
    """Select the line of a queued email until the end of the transaction: on PostgreSQL, it could otherwise be posted
    while its outcome is recorded, and neither would see the other.
    """
    return select(delivery.c.id).where(line).with_for_update()


async def _may_stand_there(connection: AsyncConnection, live: Row[Any]) -> bool:
    """Return whether a fact of the report may be under this card already, posted before a restore from a backup."""
    row = (await connection.execute(select(installation).where(installation.c.since.is_not(None)))).first()
    if row is None:
        return False
    if live.card_ts is None:
        return row.looked_at is None
    latest: datetime = row.since + CLOCKS_DIFFER
    return float(live.card_ts) <= latest.timestamp()


async def enqueue_card_update(connection: AsyncConnection, evaluation_ids: Iterable[int], *, at: datetime) -> None:
    """Enqueue an update of these evaluations' cards. Evaluations without a card, or with a deleted one, get none.

    An update that is already queued counts as requested now.
    """
    rows = await connection.execute(_WITH_CARD, {"wanted": list(evaluation_ids)})
    await _enqueue_card_updates(connection, {row.id: row.channel for row in rows}, at=at)


async def _enqueue_card_updates(connection: AsyncConnection, channels: Mapping[int, str], *, at: datetime) -> None:
    """Enqueue the updates of cards, given by evaluation, each in its channel."""
    owed = {"kind": DeliveryKind.CARD, "state": DeliveryState.DUE, "at": at, "due_at": at}
    updates = [{**owed, "channel": channel, "evaluation_id": id_} for id_, channel in channels.items()]
    if updates:
        await connection.execute(_update_once(connection.dialect.name), updates)


@cache
def _update_once(dialect: str) -> Executable:
    one = insert_or(delivery, dialect)
    return one.on_conflict_do_update(
        index_elements=["evaluation_id"], index_where=text(QUEUED_UPDATE), set_={"at": one.excluded.at}
    )


async def enqueue_refresh(connection: AsyncConnection, history_ids: Iterable[int], *, at: datetime) -> None:
    """Enqueue a new version of these entries' lines: they are in Slack and say what should no longer be read."""
    theirs = (
        delivery.c.history_id.in_(list(history_ids))
        & (delivery.c.state == DeliveryState.DELIVERED)
        & delivery.c.ts.is_not(None)
    )
    await connection.execute(update(delivery).where(theirs).values(state=DeliveryState.DUE, at=at, due_at=at))


async def enqueue_message(connection: AsyncConnection, words: str, *, channel: str, at: datetime) -> None:
    """Enqueue a message that belongs to no evaluation. `words` are escaped mrkdwn."""
    values = {
        "kind": DeliveryKind.MESSAGE,
        "channel": channel,
        "text": words,
        "state": DeliveryState.DUE,
        "at": at,
        "due_at": at,
    }
    await insert_row(connection, delivery, values)
