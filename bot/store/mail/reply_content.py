"""What a reply says: sealed for the database, read back, and erased."""

import json
from collections.abc import Collection
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.history import Entry, Kind, ReplyReceived
from bot.domain.outbox import DeliveryKind, DeliveryState
from bot.domain.replies import Reply, ReplyContent, ReplyKind, Writer
from bot.security.keyring import Keyring
from bot.store.outbox.enqueue import enqueue_refresh
from bot.store.reply_tables import reply
from bot.store.schema import delivery, history, mail
from bot.store.waiting import clear_waiting


def seal(content: ReplyContent, keyring: Keyring) -> bytes:
    """Return the content as it is stored."""
    return keyring.encrypt(json.dumps(asdict(content), default=date.isoformat))


def reply_from(row: Row[Any], keyring: Keyring) -> Reply:
    """Return the reply in a row of `reply`."""
    return Reply(
        id=row.id,
        evaluation_id=row.evaluation_id,
        kind=ReplyKind(row.kind),
        writer=Writer(row.writer),
        at=row.at,
        content=_unseal(row.content, keyring) if row.content else None,
    )


async def with_reply(connection: AsyncConnection, keyring: Keyring, entry: Entry) -> Entry:
    """Return the history entry with the reply that it is about, if it is about one that is on record."""
    fact = entry.fact
    if not isinstance(fact, ReplyReceived):
        return entry
    row = (await connection.execute(select(reply).where(reply.c.message_key == fact.message))).first()
    return entry if row is None else replace(entry, fact=replace(fact, reply=reply_from(row, keyring)))


def written_by(hashes: Collection[str]) -> ColumnElement[bool]:
    """Return the condition for replies from the people with these hashes, or to emails that went to them."""
    to_them = select(mail.c.id).where(mail.c.address_key.in_(hashes))
    return or_(reply.c.writer_key.in_(hashes), reply.c.mail_id.in_(to_them))


async def is_any_kept(connection: AsyncConnection, which: ColumnElement[bool]) -> bool:
    """Return whether the words of one of these replies are on record."""
    kept = select(reply.c.id).where(which, reply.c.content.is_not(None)).limit(1)
    return (await connection.execute(kept)).first() is not None


async def blank_replies(connection: AsyncConnection, which: ColumnElement[bool], *, at: datetime) -> None:
    """Remove what these replies say, and update the messages in Slack that quote them. Nobody can answer them."""
    these = select(reply.c.id, reply.c.evaluation_id, reply.c.message_key)
    rows = (await connection.execute(these.where(which, reply.c.content.is_not(None)))).all()
    await connection.execute(update(reply).where(reply.c.id.in_([row.id for row in rows])).values(content=None))
    keys, theirs = {row.message_key for row in rows}, {row.evaluation_id for row in rows}
    for evaluation_id in theirs:
        await clear_waiting(connection, evaluation_id)
    recorded = select(history.c.id, history.c.details).where(
        history.c.evaluation_id.in_(theirs), history.c.kind == Kind.MAIL_REPLIED
    )
    lines = [row.id for row in await connection.execute(recorded) if row.details.get("message") in keys]
    await enqueue_refresh(connection, lines, at=at)
    messages = (delivery.c.kind == DeliveryKind.REPLY) & delivery.c.text.in_([str(row.id) for row in rows])
    is_there = (delivery.c.state == DeliveryState.DELIVERED) & delivery.c.ts.is_not(None)
    again = {"state": DeliveryState.DUE, "at": at, "due_at": at}
    await connection.execute(
        update(delivery).where(messages, delivery.c.evaluation_id.in_(theirs), is_there).values(again)
    )


def _unseal(sealed: bytes, keyring: Keyring) -> ReplyContent:
    values: dict[str, Any] = json.loads(keyring.decrypt(sealed))
    until = values.get("absent_until")
    found = {**values, "absent_until": date.fromisoformat(until) if until else None}
    return ReplyContent(**{**found, "attachments": tuple(found.get("attachments", ()))})
