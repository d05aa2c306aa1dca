"""Check the mail policy with the facts of the moment, inside the transaction that acts on the answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.dnc import forbidding, targets_for
from bot.domain.evaluation import Contact, ContactRole, License
from bot.domain.feedback import FeedbackMessage, answered_feedback
from bot.domain.mail import Attempt, LastMail, LawfulBasis, MailState
from bot.domain.mail_policy import Allowed, MailContext, MailRules, NeedsLawfulBasis, RefusalReason, Refused, may_email
from bot.domain.replies import ANSWER, answered_reply
from bot.security.keyring import Keyring
from bot.store.dnc.repository import active_entries
from bot.store.feedback_content import message_from
from bot.store.feedback_tables import feedback
from bot.store.licenses.customer_context import context_of
from bot.store.mapping import license_of, merged_into, trial_from
from bot.store.reply_tables import reply
from bot.store.schema import mail

IS_ANSWER: Final = mail.c.template.startswith(ANSWER)
"""The condition for emails that answer a reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedMail:
    """What is asked of the policy."""

    recipient: ContactRole
    template: str
    basis: LawfulBasis | None


class MailPolicyCheck:
    """Collect the facts about an email and evaluate `may_email`."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def evaluate(
        self,
        connection: AsyncConnection,
        row: Row[Any],
        rules: MailRules,
        proposed: ProposedMail,
        *,
        now: datetime,
        this: Row[Any] | None = None,
    ) -> Contact | NeedsLawfulBasis | Refused:
        """Return the contact who may be emailed, or why nobody may. `this` is a queued email, which does not block
        itself.
        """
        seen = await license_of(connection, row.license_id, self._keyring)
        asked = await self._asked(connection, row.id, proposed)
        contact = await self._addressee(connection, row.id, seen, proposed, asked)
        if isinstance(contact, Refused):
            return contact
        address = None if contact is None else contact.email
        targets = () if address is None else targets_for(seen, address)
        entries = await active_entries(connection, self._keyring, targets)
        asked_at = asked.at if asked is not None and proposed.basis is LawfulBasis.ASKED_SINCE else None
        case = MailContext(
            license=seen,
            trial=trial_from(row),
            contact=contact,
            dnc_entry=forbidding(entries, asked_at=asked_at),
            context=await context_of(connection, row, seen, self._keyring),
        )
        attempt = await live_attempt(connection, row.id, proposed.template, except_=this)
        last = None if address is None else await last_mail(connection, self._keyring, address, except_=this)
        decision = may_email(case, rules, attempt=attempt, last=last, now=now, basis=proposed.basis)
        if not isinstance(decision, Allowed):
            return decision
        return contact or Refused(RefusalReason.NO_CONTACT)

    async def _asked(
        self, connection: AsyncConnection, evaluation_id: int, proposed: ProposedMail
    ) -> FeedbackMessage | None:
        """Return the feedback about the evaluation that the email answers, or None."""
        number = answered_feedback(proposed.template)
        if number is None:
            return None
        theirs = feedback.c.evaluation_id.in_(merged_into(evaluation_id))
        row = (await connection.execute(select(feedback).where(feedback.c.id == number, theirs))).first()
        return None if row is None else message_from(row, self._keyring)

    async def _addressee(
        self,
        connection: AsyncConnection,
        evaluation_id: int,
        seen: License,
        proposed: ProposedMail,
        asked: FeedbackMessage | None,
    ) -> Contact | Refused | None:
        """Return who would get the email: who asked for an answer, or else a contact on the license."""
        match proposed.basis:
            case LawfulBasis.WROTE if not await _is_answer(connection, evaluation_id, proposed.template):
                return Refused(RefusalReason.NO_LAWFUL_BASIS)
            case LawfulBasis.ASKED | LawfulBasis.ASKED_SINCE:
                return (asked and asked.person) or Refused(RefusalReason.NO_LAWFUL_BASIS)
            case _:
                return seen.contact(proposed.recipient)


async def _is_answer(connection: AsyncConnection, evaluation_id: int, template: str) -> bool:
    """Return whether an email of this template answers a reply about the evaluation."""
    theirs = reply.c.evaluation_id.in_(merged_into(evaluation_id))
    this = select(reply.c.id).where(reply.c.id == answered_reply(template), theirs)
    return (await connection.execute(this)).first() is not None


async def last_mail(
    connection: AsyncConnection, keyring: Keyring, address: str, *, except_: Row[Any] | None = None
) -> LastMail | None:
    """Return the latest email to an address that was sent, may have been, or will be. `except_` is not counted, nor are
    answers.
    """
    waits = mail.c.state.in_([state for state in MailState if state.is_pending or state is MailState.SENDING])
    theirs = mail.c.address_key.in_(keyring.address_hashes(address)) & ~IS_ANSWER
    query = select(mail).where(theirs, _before(except_))
    latest = query.add_columns(waits.label("waits"))
    latest = latest.order_by(waits.desc(), func.coalesce(mail.c.settled_at, mail.c.at).desc(), mail.c.id.desc())
    row = (await connection.execute(latest.limit(1))).first()
    if row is None:
        return None
    return LastMail(template=row.template, by=row.actor, at=row.at, went=row.settled_at, waits=bool(row.waits))


async def live_attempt(
    connection: AsyncConnection, evaluation_id: int, template: str, *, except_: Row[Any] | None = None
) -> Attempt | None:
    """Return the live email of a template for an evaluation, including evaluations merged into it.

    `except_` is not counted.
    """
    ours = mail.c.evaluation_id.in_(merged_into(evaluation_id)) & (mail.c.template == template)
    row = (await connection.execute(select(mail).where(ours, _before(except_)))).first()
    return None if row is None else Attempt(state=MailState(row.state), by=row.actor, at=since(row))


def since(row: Row[Any]) -> datetime:
    """Return since when an email has its state."""
    at: datetime = row.at if may_have_been_sent(row) else row.settled_at or row.at
    return at


def may_have_been_sent(row: Row[Any]) -> bool:
    """Return whether an email that is sent again may have arrived the first time. If it is not sent, nobody
    will know.
    """
    return row.settled_at is not None and (MailState(row.state).is_pending or row.state == MailState.SENDING)


def _before(this: Row[Any] | None) -> ColumnElement[bool]:
    """Return the condition for emails that block this one: the live ones, except those still queued once it is due.

    Of two queued emails of which only one may go, the one that is due goes.
    """
    live: ColumnElement[bool] = mail.c.state.in_([state for state in MailState if state.blocks_resend])
    if this is None:
        return live
    if not MailState(this.state).is_pending:
        return and_(live, mail.c.id != this.id)
    waits = mail.c.state.in_([state for state in MailState if state.is_pending])
    # A queued email that was settled before is being sent again: it may have arrived.
    return and_(live, mail.c.id != this.id, or_(~waits, mail.c.settled_at.is_not(None)))
