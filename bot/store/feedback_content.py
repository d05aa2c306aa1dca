"""What feedback says: sealed for the database, read back, and erased."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.feedback import FeedbackContent, FeedbackMessage, FeedbackSource, Speaker, Topic
from bot.domain.history import AnsweredInApp, Entry, FeedbackReceived, Kind
from bot.domain.outbox import DeliveryKind, DeliveryState
from bot.security.keyring import Keyring
from bot.store.feedback_tables import feedback
from bot.store.outbox.enqueue import enqueue_refresh
from bot.store.schema import delivery, history


def seal(content: FeedbackContent, keyring: Keyring) -> bytes:
    """Return the content as it is stored."""
    return keyring.encrypt(json.dumps(asdict(content)))


def message_from(row: Row[Any], keyring: Keyring) -> FeedbackMessage:
    """Return the message in a row of `feedback`."""
    content = None if row.content is None else FeedbackContent(**json.loads(keyring.decrypt(row.content)))
    return FeedbackMessage(
        id=row.id,
        conversation=row.conversation or row.id,
        evaluation_id=row.evaluation_id,
        speaker=Speaker(row.speaker),
        source=FeedbackSource(row.source),
        at=row.at,
        author=row.author,
        rating=row.rating,
        topic=None if row.topic is None else Topic(row.topic),
        content=content,
    )


async def with_feedback(connection: AsyncConnection, keyring: Keyring, entry: Entry) -> Entry:
    """Return the history entry with the message that it is about, if it is about one."""
    fact = entry.fact
    if not isinstance(fact, FeedbackReceived | AnsweredInApp) or fact.feedback_id is None:
        return entry
    row = (await connection.execute(select(feedback).where(feedback.c.id == fact.feedback_id))).first()
    return entry if row is None else replace(entry, fact=replace(fact, feedback=message_from(row, keyring)))


async def blank_feedback(connection: AsyncConnection, which: ColumnElement[bool], *, at: datetime) -> None:
    """Remove what these messages say, and update the messages in Slack that quote them."""
    these = select(feedback.c.id, feedback.c.evaluation_id).where(which, feedback.c.content.is_not(None))
    rows = (await connection.execute(these)).all()
    ids = [row.id for row in rows]
    nothing = {"content": None, "address_key": None}
    await connection.execute(update(feedback).where(feedback.c.id.in_(ids)).values(nothing))
    await _refresh(connection, ids, {row.evaluation_id for row in rows} - {None}, at=at)


async def _refresh(connection: AsyncConnection, ids: Sequence[int], evaluations: set[int], *, at: datetime) -> None:
    shown = {str(each) for each in ids}
    recorded = select(history.c.id, history.c.details).where(
        history.c.evaluation_id.in_(evaluations), history.c.kind.in_((Kind.FEEDBACK_RECEIVED, Kind.ANSWERED_IN_APP))
    )
    lines = [row.id for row in await connection.execute(recorded) if row.details.get("feedback_id") in shown]
    await enqueue_refresh(connection, lines, at=at)
    sent = (delivery.c.kind == DeliveryKind.FEEDBACK) & delivery.c.text.in_(shown)
    is_there = (delivery.c.state == DeliveryState.DELIVERED) & delivery.c.ts.is_not(None)
    again = {"state": DeliveryState.DUE, "at": at, "due_at": at}
    theirs = delivery.c.evaluation_id.in_(evaluations)
    await connection.execute(update(delivery).where(sent, theirs, is_there).values(again))
