"""Replies to our emails: which email one answers, what follows from it, and how far the mailbox was read."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.address import canonical
from bot.domain.dnc import DncEntry, DncTarget
from bot.domain.dnc_reason import DncReason
from bot.domain.history import Entry, ReplyReceived
from bot.domain.mail import MailContent, MailState
from bot.domain.outbox import DeliveryKind
from bot.domain.replies import AnsweredMail, Reply, ReplyContent, ReplyKind, Writer
from bot.domain.reply_matching import Sent
from bot.security.keyring import Keyring
from bot.store.dnc.repository import add_by_hash, add_entry
from bot.store.engine.database import Database
from bot.store.engine.upsert import insert_or
from bot.store.mail.reply_content import reply_from, seal
from bot.store.mail.sealing import decrypt_content
from bot.store.mapping import insert_new, live_evaluation
from bot.store.outbox.enqueue import append_history
from bot.store.reply_tables import mailbox, reply
from bot.store.schema import mail
from bot.store.stand_ins import tell_owner
from bot.store.waiting import begin_waiting, clear_waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a folder was read: all messages up to this UID."""

    folder: str
    uidvalidity: int
    uid: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Emails of ours that some messages may answer."""

    sent: Sent
    known: frozenset[str] = frozenset()
    """The keys of messages that are on record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReply:
    """A reply that was found in the mailbox."""

    mail_id: int
    message_key: str
    kind: ReplyKind
    writer: Writer
    content: ReplyContent
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerableReply:
    """A reply with the email that it answers, whose content is None once its recipient was erased."""

    reply: Reply
    mail: MailContent | None


@shielded
class Replies:
    """Replies that were recorded, each once."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def position(self, folder: str) -> Position | None:
        """Return how far a folder was read, or None if it never was."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(mailbox).where(mailbox.c.folder == folder))).first()
        if row is None:
            return None
        return Position(folder=row.folder, uidvalidity=row.uidvalidity, uid=row.uid, at=row.at)

    async def move(self, position: Position) -> None:
        """Record that a folder was read up to here, and had nothing else for us."""
        async with self._database.write() as connection:
            await self._move(connection, position)

    async def candidates(
        self,
        *,
        message_ids: Collection[str],
        mail_ids: Collection[int],
        senders: Collection[str],
        keys: Collection[str],
        since: datetime,
    ) -> Candidates:
        """Return the emails with these ids, those to these senders since then, and which messages are on record."""
        hashes = {each: canonical(sender) for sender in senders for each in self._keyring.address_hashes(sender)}
        to_senders = mail.c.address_key.in_(list(hashes)) & (mail.c.at >= since)
        async with self._database.read() as connection:
            known = await connection.scalars(select(reply.c.message_key).where(reply.c.message_key.in_(keys)))
            named = await _mails(connection, mail.c.message_id.in_(message_ids) | mail.c.id.in_(mail_ids))
            by_recipient: dict[str, list[tuple[str, AnsweredMail]]] = {}
            for row in await _mails(connection, to_senders):
                content = decrypt_content(row.content, self._keyring)
                if content is not None:
                    theirs = by_recipient.setdefault(hashes[row.address_key], [])
                    theirs.append((content.subject, self._answered(row)))
        by_message_id = {row.message_id: self._answered(row) for row in named}
        by_mail_id = {row.id: self._answered(row) for row in named}
        sent = Sent(by_message_id=by_message_id, by_mail_id=by_mail_id, by_recipient=by_recipient)
        return Candidates(sent=sent, known=frozenset(known))

    async def record(self, new: NewReply, position: Position) -> Reply | None:
        """Record a reply, what follows from it, and how far the folder was read. None if it was on record already.

        Somebody who wrote waits for an answer, and the owner is told. Somebody who wants no more email is blocked.
        """
        async with self._database.write() as connection:
            await self._move(connection, position)
            row = (await connection.execute(select(mail).where(mail.c.id == new.mail_id))).first()
            live = None if row is None else await live_evaluation(connection, row.evaluation_id)
            if row is None or live is None:
                return None
            values = {
                "evaluation_id": live.id,
                "mail_id": new.mail_id,
                "message_key": new.message_key,
                "writer_key": self._keyring.address_hash(new.content.sender),
                "kind": new.kind,
                "writer": new.writer,
                "at": new.at,
                "content": seal(new.content, self._keyring),
            }
            reply_id = await insert_new(connection, reply, values)
            if reply_id is None:
                return None
            if row.state == MailState.UNKNOWN:  # so it arrived
                arrived = {"state": MailState.SENT, "settled_at": new.at}
                await connection.execute(update(mail).where(mail.c.id == row.id).values(arrived))
            await self._follow_up(connection, row, live, new, reply_id)
            fact = ReplyReceived(message=new.message_key)
            await append_history(connection, live.id, [Entry(at=new.at, fact=fact)])
            return Reply(
                id=reply_id, evaluation_id=live.id, kind=new.kind, writer=new.writer, at=new.at, content=new.content
            )

    async def find(self, reply_id: int) -> AnswerableReply | None:
        """Return a reply and the email that it answers, or None if it is not on record."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(reply).where(reply.c.id == reply_id))).first()
            if row is None:
                return None
            sealed = await connection.scalar(select(mail.c.content).where(mail.c.id == row.mail_id))
        content = None if sealed is None else decrypt_content(sealed, self._keyring)
        return AnswerableReply(reply=reply_from(row, self._keyring), mail=content)

    async def latest(self, evaluation_id: int) -> int | None:
        """Return the id of the latest reply that somebody wrote about an evaluation, or None."""
        async with self._database.read() as connection:
            live = await live_evaluation(connection, evaluation_id)
            theirs = reply.c.evaluation_id == (evaluation_id if live is None else live.id)
            query = select(reply.c.id).where(theirs, reply.c.kind == ReplyKind.REPLY)
            found: int | None = await connection.scalar(query.order_by(reply.c.id.desc()).limit(1))
            return found

    async def _follow_up(
        self, connection: AsyncConnection, row: Row[Any], live: Row[Any], new: NewReply, reply_id: int
    ) -> None:
        match new.kind:
            case ReplyKind.AUTOMATIC:
                return
            case ReplyKind.REFUSAL:
                await clear_waiting(connection, live.id)
                await self._block(connection, row, at=new.at)
            case ReplyKind.REPLY:
                await begin_waiting(connection, live.id, at=new.at)
                await tell_owner(connection, live, DeliveryKind.REPLY, reply_id, at=new.at)

    async def _block(self, connection: AsyncConnection, row: Row[Any], *, at: datetime) -> None:
        """Block the address that our email went to, as if its person had unsubscribed."""
        entry = DncEntry(reason=DncReason.UNSUBSCRIBED, by=None, at=at)
        content = decrypt_content(row.content, self._keyring)
        if content is None:
            await add_by_hash(connection, self._keyring, row.address_key, entry)
        else:
            await add_entry(connection, self._keyring, DncTarget.of_address(content.to), entry)

    def _answered(self, row: Row[Any]) -> AnsweredMail:
        content = decrypt_content(row.content, self._keyring)
        return AnsweredMail(mail_id=row.id, evaluation_id=row.evaluation_id, address=content.to if content else None)

    async def _move(self, connection: AsyncConnection, position: Position) -> None:
        values = {"uidvalidity": position.uidvalidity, "uid": position.uid, "at": position.at}
        one = insert_or(mailbox, connection.dialect.name).values(folder=position.folder, **values)
        await connection.execute(one.on_conflict_do_update(index_elements=["folder"], set_=values))


async def _mails(connection: AsyncConnection, which: ColumnElement[bool]) -> list[Row[Any]]:
    """Return the rows of the emails that may have arrived, the latest first."""
    went = mail.c.state.in_((MailState.SENDING, MailState.SENT, MailState.UNKNOWN))
    columns = (mail.c.id, mail.c.evaluation_id, mail.c.message_id, mail.c.address_key, mail.c.content)
    return list(await connection.execute(select(*columns).where(which, went).order_by(mail.c.id.desc())))
