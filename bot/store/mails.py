"""Mails: claimed before they are sent, settled after; nobody is mailed twice, whoever presses how often."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.evaluation import Contact
from bot.domain.history import Entry, Kind
from bot.domain.policy import Allowed, Attempt, MailState, Reason, Refused, may_email
from bot.store.database import Database
from bot.store.evaluations import license_of
from bot.store.keys import Keys
from bot.store.opt_outs import standing
from bot.store.outbox import remember, repaint
from bot.store.rows import insert_row, live_evaluation, trial_from
from bot.store.schema import mail
from bot.store.whole import whole

_KIND_OF_OUTCOME = {
    MailState.SENT: Kind.MAIL_SENT,
    MailState.FAILED: Kind.MAIL_FAILED,
    MailState.UNKNOWN: Kind.MAIL_UNKNOWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A mail that a person asked for. `recipient` is `technical` or `billing`; `by` is a Slack user id."""

    evaluation_id: int
    template: str
    recipient: str
    subject: str
    body: str
    message_id: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """This process, and no other, may send what was ordered now, to this contact's address and no other."""

    mail_id: int
    address: str
    contact: Contact
    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a mail stands after somebody tried to say how it ended; `won` says whether they did.

    `by` is the Slack user id of whoever decided, `at` when.
    """

    won: bool
    state: MailState
    by: str
    at: datetime


@whole
class Mails:
    """Every mail that was ever asked for."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    async def claim(self, order: Order) -> Claimed | Refused:
        """Ask the policy about the facts of this moment and, where it allows, take the right to send."""
        async with self._database.write() as connection:
            row = await live_evaluation(connection, order.evaluation_id)
            if row is None:
                return Refused(Reason.NO_CONTACT)
            contact = await self._gate(
                connection, row, order, attempt=await _live_attempt(connection, row.id, order.template)
            )
            if isinstance(contact, Refused):
                return contact
            address = contact.email or ""
            mail_id = await self._insert(connection, order, row, address)
            await repaint(connection, [row.id], at=order.at)
            return Claimed(mail_id=mail_id, address=address, contact=contact, order=order)

    async def claim_again(self, mail_id: int, *, by: str, at: datetime) -> Claimed | Refused | Verdict | None:
        """Take the right to send a mail again of which nobody knows whether it arrived, word for word.

        It goes through the same gate, and to the same address or to none. It keeps its Message-ID: a mailbox that
        has it already may know it again. None for a mail that never was.
        """
        async with self._database.write() as connection:
            row = await _mail(connection, mail_id)
            if row is None or row.state != MailState.UNKNOWN:
                return None if row is None else _verdict(row)
            live = await live_evaluation(connection, row.evaluation_id)
            order = self._order(row, by=by, at=at)
            if live is None or order is None:
                return Refused(Reason.FORGOTTEN)
            contact = await self._gate(connection, live, order, attempt=None, same_address=row.address_key)
            if isinstance(contact, Refused):
                return contact
            sending = {"state": MailState.SENDING, "actor": by, "at": at, "settled_at": None, "error": None}
            await connection.execute(update(mail).where(mail.c.id == mail_id).values(sending))
            await _remember(connection, row, Kind.MAIL_AGAIN, by=by, at=at)
            return Claimed(mail_id=mail_id, address=contact.email or "", contact=contact, order=order)

    async def confirm(self, mail_id: int, *, by: str, at: datetime) -> Verdict | None:
        """Take a person's word that a mail arrived of which nobody knew; None for a mail that never was."""
        async with self._database.write() as connection:
            row = await _mail(connection, mail_id)
            if row is None or row.state != MailState.UNKNOWN:
                return None if row is None else _verdict(row)
            sent = {"state": MailState.SENT, "settled_at": at, "settled_by": by}
            await connection.execute(update(mail).where(mail.c.id == mail_id).values(sent))
            await _remember(connection, row, Kind.MAIL_ARRIVED, by=by, at=at)
            return Verdict(won=True, state=MailState.SENT, by=by, at=at)

    async def settle(self, mail_id: int, state: MailState, *, at: datetime, error: str = "") -> None:
        """Write down how a mail ended, in the history of its evaluation too."""
        async with self._database.write() as connection:
            row = await _mail(connection, mail_id)
            if row is not None:
                await _settle(connection, row, state, at=at, error=error)

    async def settle_interrupted(self, *, at: datetime) -> int:
        """At start: whatever was being sent when the bot stopped may have arrived; how many there were."""
        async with self._database.write() as connection:
            rows = (await connection.execute(select(mail).where(mail.c.state == MailState.SENDING))).all()
            for row in rows:
                await _settle(
                    connection, row, MailState.UNKNOWN, at=at, error="The bot was stopped while it was being sent."
                )
            return len(rows)

    async def _gate(
        self,
        connection: AsyncConnection,
        row: Row[Any],
        order: Order,
        *,
        attempt: Attempt | None,
        same_address: str | None = None,
    ) -> Contact | Refused:
        """Who may be written to at this moment; a refusal is remembered, but for one that somebody else was faster."""
        license_seen = await license_of(connection, row.license_id, self._keys)
        contact = license_seen.billing if order.recipient == "billing" else license_seen.technical
        address = None if contact is None else contact.email
        decision = may_email(
            license_seen,
            trial_from(row),
            contact,
            opted_out=address is not None and await standing(connection, self._keys, address) is not None,
            attempt=attempt,
        )
        if isinstance(decision, Allowed) and contact is not None:
            if same_address in (None, *self._keys.fingerprints(decision.address)):
                return contact
            decision = Refused(Reason.ANOTHER)
        refusal = decision if isinstance(decision, Refused) else Refused(Reason.NO_CONTACT)
        if refusal.by is None:
            details = {"template": order.template, "error": refusal.reason.value}
            entry = Entry(at=order.at, kind=Kind.MAIL_REFUSED, actor=order.by, details=details)
            await remember(connection, row.id, [entry])
        return refusal

    def _order(self, row: Row[Any], *, by: str, at: datetime) -> Order | None:
        """What was ordered, as somebody orders it now; None once the recipient was forgotten."""
        if not (content := self._keys.open(row.content)):
            return None
        told = json.loads(content)
        return Order(
            evaluation_id=row.evaluation_id,
            template=row.template,
            recipient=told["recipient"],
            subject=told["subject"],
            body=told["body"],
            message_id=row.message_id,
            by=by,
            at=at,
        )

    async def _insert(self, connection: AsyncConnection, order: Order, row: Row[Any], address: str) -> int:
        content = {"recipient": order.recipient, "to": address, "subject": order.subject, "body": order.body}
        values = {
            "evaluation_id": row.id,
            "template": order.template,
            "address_key": self._keys.fingerprint(address),
            "content": self._keys.seal(json.dumps(content)),
            "state": MailState.SENDING,
            "message_id": order.message_id,
            "actor": order.by,
            "at": order.at,
        }
        return await insert_row(connection, mail, values)


async def _mail(connection: AsyncConnection, mail_id: int) -> Row[Any] | None:
    return (await connection.execute(select(mail).where(mail.c.id == mail_id))).first()


def _verdict(row: Row[Any]) -> Verdict:
    return Verdict(won=False, state=MailState(row.state), by=row.settled_by or row.actor, at=row.settled_at or row.at)


async def _settle(connection: AsyncConnection, row: Row[Any], state: MailState, *, at: datetime, error: str) -> None:
    await connection.execute(
        update(mail).where(mail.c.id == row.id).values(state=state, settled_at=at, error=error or None)
    )
    await _remember(connection, row, _KIND_OF_OUTCOME[state], by=row.actor, at=at, error=error)


async def _remember(
    connection: AsyncConnection, row: Row[Any], kind: Kind, *, by: str, at: datetime, error: str = ""
) -> None:
    details = {"template": row.template, "error": error, "mail": str(row.id)}
    await remember(connection, row.evaluation_id, [Entry(at=at, kind=kind, actor=by, details=details)])


async def _live_attempt(connection: AsyncConnection, evaluation_id: int, template: str) -> Attempt | None:
    query = select(mail).where(
        mail.c.evaluation_id == evaluation_id, mail.c.template == template, mail.c.state != MailState.FAILED
    )
    row = (await connection.execute(query)).first()
    return None if row is None else Attempt(state=MailState(row.state), by=row.actor, at=row.settled_at or row.at)
