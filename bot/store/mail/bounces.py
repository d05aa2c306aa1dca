"""Record bounces and complaints, and what they say about the address."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.dnc import DncEntry, DncTarget
from bot.domain.dnc_reason import DncReason
from bot.domain.history import BounceMeaning, Entry, MailBounced
from bot.domain.mail import MailState
from bot.security.keyring import Keyring
from bot.store.dnc.repository import add_by_hash, add_entry
from bot.store.engine.database import Database
from bot.store.mail.sealing import decrypt_content
from bot.store.outbox.enqueue import append_history
from bot.store.schema import mail

_UNCLEAR: Final = BounceMeaning.UNCLEAR.value
"""The status of an email whose returned message could not be understood."""
_NOT_OF_THE_ADDRESS: Final = frozenset({BounceMeaning.US, BounceMeaning.COMPLAINT})
_MONTH: Final = timedelta(days=30)
"""How long soft bounces count, and how long the pause after too many of them lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMailRef:
    """An email that was sent; `address` is None once the person was erased."""

    mail_id: int
    address: str | None = field(repr=False)


@shielded
class Bounces:
    """What became of emails after the server accepted them. Each fact is recorded once."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def by_message_id(self, message_id: str) -> SentMailRef | None:
        """Return the email with this Message-ID, angle brackets included, or None."""
        return await self._found(mail.c.message_id == message_id)

    async def by_id(self, mail_id: int) -> SentMailRef | None:
        """Return the email with this id, or None."""
        return await self._found(mail.c.id == mail_id)

    async def evaluation(self, mail_id: int) -> int | None:
        """Return the evaluation of an email, or None if there is no such email."""
        async with self._database.read() as connection:
            found: int | None = await connection.scalar(select(mail.c.evaluation_id).where(mail.c.id == mail_id))
            return found

    async def record_hard_bounce(self, mail_id: int, *, status: str, at: datetime) -> None:
        """Record that the address accepts no mail: add a do-not-contact entry, unless a stronger one is active."""
        await self._came_back(mail_id, status, BounceMeaning.GONE, DncReason.BOUNCED, at=at)

    async def record_complaint(self, mail_id: int, *, at: datetime) -> None:
        """Record that the recipient complained: add a do-not-contact entry, over any weaker one."""
        await self._came_back(mail_id, "complaint", BounceMeaning.COMPLAINT, DncReason.COMPLAINED, at=at)

    async def record_soft_bounce(self, mail_id: int, *, status: str, at: datetime, threshold: int) -> None:
        """Record that the email was not delivered. After `threshold` of them within a month, pause the address."""
        await self._came_back(mail_id, status, BounceMeaning.LATER, None, at=at, threshold=threshold)

    async def record_policy_refusal(self, mail_id: int, *, status: str, at: datetime) -> None:
        """Record that the email was refused because of the sender. The address is left as it is."""
        await self._came_back(mail_id, status, BounceMeaning.US, None, at=at)

    async def unclear(self, mail_id: int, *, at: datetime) -> None:
        """Record that a message to the email's return address could not be understood. A known outcome is kept."""
        async with self._database.write() as connection:
            unknown = (mail.c.id == mail_id) & mail.c.bounced.is_(None)
            row = (await connection.execute(select(mail).where(unknown))).first()
            if row is None:
                return
            await connection.execute(update(mail).where(mail.c.id == mail_id).values(bounced=_UNCLEAR))
            await _remember(connection, row, "", BounceMeaning.UNCLEAR, at=at)

    async def count_unclear(self, *, since: datetime) -> int:
        """Return how many emails requested since then have a reply that could not be understood."""
        async with self._database.read() as connection:
            unclear = (mail.c.bounced == _UNCLEAR) & (mail.c.at >= since)
            return await connection.scalar(select(func.count()).where(unclear)) or 0

    async def _found(self, this: ColumnElement[bool]) -> SentMailRef | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(mail).where(this))).first()
            if row is None:
                return None
            content = decrypt_content(row.content, self._keyring)
            return SentMailRef(mail_id=row.id, address=content.to if content else None)

    async def _came_back(
        self,
        mail_id: int,
        status: str,
        means: BounceMeaning,
        reason: DncReason | None,
        *,
        at: datetime,
        threshold: int | None = None,
    ) -> None:
        async with self._database.write() as connection:
            row = (await connection.execute(select(mail).where(mail.c.id == mail_id))).first()
            if row is None or row.bounced == status:
                return
            # Only bounces that say something about the address have a time: they count against it.
            back: dict[str, Any] = {
                "bounced": status,
                "bounced_at": row.bounced_at if means in _NOT_OF_THE_ADDRESS else at,
            }
            if row.state == MailState.UNKNOWN:  # so it was sent
                back |= {"state": MailState.SENT, "settled_at": at}
            await connection.execute(update(mail).where(mail.c.id == mail_id).values(back))
            if row.state not in {
                MailState.SENDING,
                MailState.FAILED,
            }:  # otherwise it was never sent, and its history says why
                await _remember(connection, row, status, means, at=at)
            until = None
            if threshold is not None and await self._times(connection, row, since=at - _MONTH) >= threshold:
                reason, until = DncReason.PAUSED, at + _MONTH
            if reason is not None and row.state != MailState.CANCELLED:  # otherwise it was never sent
                await self._mark(connection, row, DncEntry(reason=reason, by=None, at=at, until=until))

    async def _mark(self, connection: AsyncConnection, row: Row[Any], entry: DncEntry) -> None:
        content = decrypt_content(row.content, self._keyring)
        if content is None:  # they were forgotten, or are kept no longer
            await add_by_hash(connection, self._keyring, row.address_key, entry)
        else:
            target = DncTarget.of_address(content.to)
            await add_entry(connection, self._keyring, target, entry, evaluation_id=row.evaluation_id)

    async def _times(self, connection: AsyncConnection, row: Row[Any], *, since: datetime) -> int:
        """Return how many emails to this one's address bounced since then."""
        content = decrypt_content(row.content, self._keyring)
        hashes = [row.address_key] if content is None else self._keyring.address_hashes(content.to)
        theirs = mail.c.address_key.in_(hashes) & (mail.c.bounced_at >= since)
        return await connection.scalar(select(func.count()).where(theirs)) or 0


async def _remember(
    connection: AsyncConnection, row: Row[Any], status: str, means: BounceMeaning, *, at: datetime
) -> None:
    fact = MailBounced(template=row.template, status=status, means=means)
    await append_history(connection, row.evaluation_id, [Entry(at=at, fact=fact)])
