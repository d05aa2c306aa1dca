"""Mails: claimed before they are sent, settled after; nobody is mailed twice, whoever presses how often."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.evaluation import Contact
from bot.domain.history import Entry, Kind
from bot.domain.policy import Attempt, MailState, Reason, Refused, may_email
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
    """This process, and no other, may send the mail now, to this contact's address and no other."""

    mail_id: int
    address: str
    contact: Contact


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
            license_seen = await license_of(connection, row.license_id, self._keys)
            contact = license_seen.billing if order.recipient == "billing" else license_seen.technical
            address = None if contact is None else contact.email
            decision = may_email(
                license_seen,
                trial_from(row),
                contact,
                opted_out=address is not None and await standing(connection, self._keys, address) is not None,
                attempt=await _live_attempt(connection, row.id, order.template),
            )
            if isinstance(decision, Refused) or contact is None:
                refusal = decision if isinstance(decision, Refused) else Refused(Reason.NO_CONTACT)
                await _note_refusal(connection, row, order, refusal)
                return refusal
            mail_id = await self._insert(connection, order, row, decision.address)
            await repaint(connection, [row.id], at=order.at)
            return Claimed(mail_id=mail_id, address=decision.address, contact=contact)

    async def settle(self, mail_id: int, state: MailState, *, at: datetime, error: str = "") -> None:
        """Write down how a mail ended, in the history of its evaluation too."""
        async with self._database.write() as connection:
            row = (await connection.execute(select(mail).where(mail.c.id == mail_id))).one()
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


async def _note_refusal(connection: AsyncConnection, row: Row[Any], order: Order, refusal: Refused) -> None:
    details = {"template": order.template, "error": refusal.reason.value}
    await remember(connection, row.id, [Entry(at=order.at, kind=Kind.MAIL_REFUSED, actor=order.by, details=details)])


async def _settle(connection: AsyncConnection, row: Row[Any], state: MailState, *, at: datetime, error: str) -> None:
    await connection.execute(
        update(mail).where(mail.c.id == row.id).values(state=state, settled_at=at, error=error or None)
    )
    details = {"template": row.template, "error": error}
    await remember(
        connection, row.evaluation_id, [Entry(at=at, kind=_KIND_OF_OUTCOME[state], actor=row.actor, details=details)]
    )


async def _live_attempt(connection: AsyncConnection, evaluation_id: int, template: str) -> Attempt | None:
    query = select(mail).where(
        mail.c.evaluation_id == evaluation_id, mail.c.template == template, mail.c.state != MailState.FAILED
    )
    row = (await connection.execute(query)).first()
    return None if row is None else Attempt(state=MailState(row.state), by=row.actor)
