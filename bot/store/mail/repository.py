"""Emails: recorded before they are sent, settled afterwards. Nobody is emailed twice, however often people press."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import interruptible, shielded
from bot.domain.clock_skew import CLOCKS_DIFFER
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import Contact
from bot.domain.history import Entry, Kind, MailEvent
from bot.domain.mail import (
    ClaimedMail,
    LawfulBasis,
    MailContent,
    MailOutcome,
    MailRequest,
    MailState,
    MailStatus,
    Overtaken,
    QueuedMail,
)
from bot.domain.mail_policy import MailRules, NeedsLawfulBasis, RefusalReason, Refused, RejectedMail
from bot.metrics.catalog import MAIL_GATE
from bot.metrics.labels import GateAnswer, GateReason
from bot.metrics.meter import Meter
from bot.security.keyring import Keyring
from bot.store.dnc.repository import active_under
from bot.store.engine.database import Database
from bot.store.mail.policy_check import IS_ANSWER, MailPolicyCheck, ProposedMail, last_mail, may_have_been_sent, since
from bot.store.mail.sealing import decrypt_content, encrypt_content
from bot.store.mapping import insert_row, live_evaluation, merged_into
from bot.store.outbox.enqueue import append_history, enqueue_card_update
from bot.store.schema import evaluation, license_, mail
from bot.store.waiting import end_waiting

__all__ = [
    "MOST_PUT_OFF",
    "ClaimedMail",
    "MailContent",
    "MailRequest",
    "MailStatus",
    "Mails",
    "QueuedMail",
    "RejectedMail",
    "longest_wait",
]

_KIND_OF_OUTCOME: Final = {
    MailState.SENT: Kind.MAIL_SENT,
    MailState.FAILED: Kind.MAIL_FAILED,
    MailState.UNKNOWN: Kind.MAIL_UNKNOWN,
}
_IS_PENDING: Final = mail.c.state.in_([state for state in MailState if state.is_pending])
MOST_PUT_OFF: Final = timedelta(hours=2)
"""The longest pause between two attempts of an email that the server defers."""
_STALE: Final = timedelta(days=3)
"""An email that could not be sent for so long is outdated. It may also come from a backup."""


@shielded
class Mails:
    """Every email that was ever requested."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._policy = MailPolicyCheck(keyring)

    async def enqueue(self, request: MailRequest, rules: MailRules) -> QueuedMail | NeedsLawfulBasis | Refused:
        """Evaluate the policy with the facts of this moment and, if it allows the email, queue it."""
        async with self._database.write() as connection:
            row = await live_evaluation(connection, request.evaluation_id)
            if row is None:
                return Refused(RefusalReason.NO_CONTACT)
            template = request.content.template
            proposed = ProposedMail(recipient=request.content.recipient, template=template, basis=request.basis)
            found = await self._policy.evaluate(connection, row, rules, proposed, now=request.at)
            if not isinstance(found, Contact):
                await _remember_refusal(connection, row.id, template, found, by=request.by, at=request.at)
                return found
            mail_id = await self._insert(connection, request, row.id, found)
            basis = request.basis or LawfulBasis.TRIAL
            fact = MailEvent(kind=Kind.MAIL_QUEUED, template=template, mail=mail_id, basis=basis)
            await append_history(connection, row.id, [Entry(at=request.at, actor=request.by, fact=fact)])
            return QueuedMail(mail_id=mail_id, contact=found, due_at=request.due_at)

    async def claim(self, rules: MailRules, *, now: datetime) -> ClaimedMail | RejectedMail | None:
        """Claim the email that is due longest, if the policy still allows it. None if no email is due."""
        is_due = (mail.c.due_at <= now) | (mail.c.due_at > now + longest_wait(rules))
        due = select(mail).where(_IS_PENDING, is_due).order_by(mail.c.due_at, mail.c.id).limit(1)
        async with self._database.write() as connection:
            row = (await connection.execute(due)).first()
            return None if row is None else await self._claim(connection, row, rules, now=now)

    async def changed(self, since: int, *, seconds: float) -> None:
        """Wait for a commit after `Database.writes` was `since` that changed an email, but no longer than this."""
        with interruptible():
            await self._database.written(since, seconds=seconds, to=(mail,))

    async def next_due(self) -> datetime | None:
        """Return when the next queued email is due, or None if none is queued."""
        async with self._database.read() as connection:
            due: datetime | None = await connection.scalar(select(func.min(mail.c.due_at)).where(_IS_PENDING))
            return due

    async def last_basis(self, *, by: str, country: str | None) -> LawfulBasis | None:
        """Return the basis that a person named for their latest email to a country, or None."""
        theirs = (mail.c.actor == by) & (license_.c.country == country) & ~IS_ANSWER
        tables = mail.join(evaluation, mail.c.evaluation_id == evaluation.c.id).join(
            license_, evaluation.c.license_id == license_.c.id
        )
        latest = select(mail.c.lawful_basis).select_from(tables).where(theirs)
        async with self._database.read() as connection:
            found = await connection.scalar(latest.order_by(mail.c.at.desc(), mail.c.id.desc()).limit(1))
            return None if found is None else LawfulBasis[found]

    async def outcome(self, mail_id: int) -> MailOutcome | None:
        """Return how far an email has come, or None if there is no such email."""
        async with self._database.read() as connection:
            row = await _mail(connection, mail_id)
            return None if row is None else MailOutcome(state=MailState(row.state), error=row.error or "")

    async def waiting(self) -> int:
        """Return how many emails are queued or deferred."""
        async with self._database.read() as connection:
            return await connection.scalar(select(func.count()).where(_IS_PENDING)) or 0

    async def defer(self, mail_id: int, *, until: datetime, at: datetime, error: str) -> None:
        """Defer an email that was not sent. The first time, its history records it."""
        async with self._database.write() as connection:
            row = await _mail(connection, mail_id)
            if row is None:
                return
            later = {"state": MailState.DEFERRED, "due_at": until, "error": error}
            await connection.execute(update(mail).where(mail.c.id == mail_id).values(later))
            await enqueue_card_update(connection, [row.evaluation_id], at=at)
            if row.attempts == 1:
                await _remember(connection, row, Kind.MAIL_DEFERRED, by=row.actor, at=at, error=error)

    async def settle(self, mail_id: int, state: MailState, *, at: datetime, error: str = "") -> None:
        """Record how an email ended, in its evaluation's history too."""
        async with self._database.write() as connection:
            row = await _mail(connection, mail_id)
            if row is not None:
                await _settle(connection, row, state, at=at, error=error)

    async def recover_in_flight(self, *, at: datetime) -> int:
        """Mark emails that were being sent at the last stop as unknown: they may have arrived. Return how many."""
        async with self._database.write() as connection:
            error = "The bot was stopped while it was being sent."
            return await settle_all_unknown(connection, [MailState.SENDING], at=at, error=error)

    async def cancel(self, mail_id: int, *, by: str, at: datetime) -> MailStatus | None:
        """Cancel an email that is still queued, if it is one's own. None if there is no such email."""
        async with self._database.write() as connection:
            row = await _mail(connection, mail_id)
            if row is None or not MailState(row.state).is_pending or row.actor != by:
                # It does not matter who settled it since: its sender may cancel it.
                return None if row is None else replace(_status(row), by=row.actor)
            undone: dict[str, Any] = {"state": MailState.CANCELLED, "due_at": None, "settled_at": at}
            if may_have_been_sent(row):
                undone["state"] = MailState.UNKNOWN
            else:
                undone["content"] = self._keyring.encrypt("")
            await connection.execute(update(mail).where(mail.c.id == mail_id).values(undone))
            await _remember(connection, row, Kind.MAIL_UNDONE, by=by, at=at)
            return MailStatus(changed=True, state=MailState.CANCELLED, by=by, at=at)

    async def resend(
        self, mail_id: int, rules: MailRules, *, by: str, at: datetime
    ) -> QueuedMail | Refused | MailStatus | None:
        """Send an email again whose outcome is unknown, with the same words, now.

        The policy is checked again, and it goes to the same address or not at all. It keeps its Message-ID, so that a
        mailbox which has it can recognise it. None if there is no such email.
        """
        async with self._database.write() as connection:
            row = await _mail(connection, mail_id)
            if row is None or row.state != MailState.UNKNOWN:
                return None if row is None else _status(row)
            found = await self._ask(connection, row, rules, now=at)
            if not isinstance(found, Contact):
                await _remember_refusal(connection, row.evaluation_id, row.template, found, by=by, at=at)
                return found
            # The time it was settled stays: it shows that the email may have arrived already.
            waits = {"state": MailState.QUEUED, "actor": by, "at": at, "due_at": at, "error": None}
            await connection.execute(update(mail).where(mail.c.id == mail_id).values({**waits, "attempts": 0}))
            await _remember(connection, row, Kind.MAIL_AGAIN, by=by, at=at)
            return QueuedMail(mail_id=mail_id, contact=found, due_at=at)

    async def confirm(self, mail_id: int, *, by: str, at: datetime) -> MailStatus | None:
        """Record a person's word that an email of unknown outcome arrived. None if there is no such email."""
        async with self._database.write() as connection:
            row = await _mail(connection, mail_id)
            if row is None or row.state != MailState.UNKNOWN:
                return None if row is None else _status(row)
            sent = {"state": MailState.SENT, "settled_at": at, "settled_by": by}
            await connection.execute(update(mail).where(mail.c.id == mail_id).values(sent))
            await end_waiting(connection, row.evaluation_id, asked_at=row.at)
            await _remember(connection, row, Kind.MAIL_ARRIVED, by=by, at=at)
            return MailStatus(changed=True, state=MailState.SENT, by=by, at=at)

    async def _claim(
        self, connection: AsyncConnection, row: Row[Any], rules: MailRules, *, now: datetime
    ) -> ClaimedMail | RejectedMail:
        is_stale = now - row.due_at > _STALE
        found = Refused(RefusalReason.TOO_LATE) if is_stale else await self._ask(connection, row, rules, now=now)
        content = decrypt_content(row.content, self._keyring)
        if not isinstance(found, Contact) or content is None or found.email is None:
            refusal = found if isinstance(found, Refused) else Refused(RefusalReason.NO_WORDS)
            await _settle(connection, row, MailState.FAILED, at=now, error=refusal.reason)
            return RejectedMail(refusal=refusal)
        sending = {"state": MailState.SENDING, "due_at": None, "attempts": row.attempts + 1}
        await connection.execute(update(mail).where(mail.c.id == row.id).values(sending))
        await enqueue_card_update(connection, [row.evaluation_id], at=now)
        return ClaimedMail(
            mail_id=row.id,
            evaluation_id=row.evaluation_id,
            contact=found,
            address=found.email,
            content=content,
            message_id=row.message_id,
            requested_at=row.at,
            attempts=row.attempts + 1,
            first=await last_mail(connection, self._keyring, found.email, except_=row) is None,
        )

    async def _without_words(self, connection: AsyncConnection, row: Row[Any]) -> Refused:
        """Return why an email without content is refused: a do-not-contact entry, or else no content."""
        no = await active_under(connection, self._keyring, [row.address_key])
        if no is None:
            return Refused(RefusalReason.NO_WORDS)
        return Refused(RefusalReason.FORGOTTEN if no.reason is DncReason.FORGOTTEN else RefusalReason.DO_NOT_CONTACT)

    async def _ask(
        self, connection: AsyncConnection, row: Row[Any], rules: MailRules, *, now: datetime
    ) -> Contact | Refused:
        """Check the policy for a queued email, which goes to the address it was written for or not at all."""
        live = await live_evaluation(connection, row.evaluation_id)
        content = decrypt_content(row.content, self._keyring)
        if live is None or content is None:
            return await self._without_words(connection, row)
        proposed = ProposedMail(recipient=content.recipient, template=row.template, basis=LawfulBasis[row.lawful_basis])
        found = await self._policy.evaluate(connection, live, rules, proposed, now=now, this=row)
        if isinstance(found, Contact) and row.address_key not in self._keyring.address_hashes(found.email or ""):
            return Refused(RefusalReason.ANOTHER)
        return Refused(RefusalReason.NO_LAWFUL_BASIS) if isinstance(found, NeedsLawfulBasis) else found

    async def _insert(
        self, connection: AsyncConnection, request: MailRequest, evaluation_id: int, contact: Contact
    ) -> int:
        values = {
            "evaluation_id": evaluation_id,
            "template": request.content.template,
            "address_key": self._keyring.address_hash(contact.email or ""),
            "content": encrypt_content(replace(request.content, to=contact.email or ""), self._keyring),
            "lawful_basis": (request.basis or LawfulBasis.TRIAL).name,
            "state": MailState.QUEUED,
            "due_at": request.due_at,
            "message_id": request.message_id,
            "actor": request.by,
            "at": request.at,
        }
        return await insert_row(connection, mail, values)


def longest_wait(rules: MailRules) -> timedelta:
    """Return the longest time an email may be deferred. One due later was written by a wrong clock, and is due now."""
    return max(rules.hold, MOST_PUT_OFF) + CLOCKS_DIFFER


async def settle_sent(connection: AsyncConnection, mail_id: int, message_id: str, *, at: datetime) -> bool:
    """Record that an email with an unknown outcome was sent at `at`. Return whether there was one."""
    this = (mail.c.id == mail_id) & (mail.c.message_id == message_id) & (mail.c.state == MailState.UNKNOWN)
    row = (await connection.execute(select(mail).where(this))).first()
    if row is not None:
        await _settle(connection, row, MailState.SENT, at=at, error="")
    return row is not None


async def stop_queued(connection: AsyncConnection, evaluation_id: int, why: Overtaken, *, at: datetime) -> int:
    """Stop the queued emails about an evaluation, so that their senders are told. Answers still go. Return how many
    were stopped, to be counted once that is written.
    """
    theirs = mail.c.evaluation_id.in_(merged_into(evaluation_id)) & _IS_PENDING & ~IS_ANSWER
    rows = (await connection.execute(select(mail).where(theirs))).all()
    for row in rows:
        await _settle(connection, row, MailState.FAILED, at=at, error=why)
    return len(rows)


def count_stopped(meter: Meter, why: Overtaken, emails: int) -> None:
    """Count emails that were stopped as refused by the policy."""
    if emails:
        meter.count(MAIL_GATE, GateAnswer.REFUSED, GateReason(why.name.lower()), by=emails)


async def settle_all_unknown(
    connection: AsyncConnection, states: Collection[MailState], *, at: datetime, error: str
) -> int:
    """Record an unknown outcome for all emails in these states. Return how many there were."""
    rows = (await connection.execute(select(mail).where(mail.c.state.in_(states)))).all()
    for row in rows:
        await _settle(connection, row, MailState.UNKNOWN, at=at, error=error)
    return len(rows)


async def _mail(connection: AsyncConnection, mail_id: int) -> Row[Any] | None:
    return (await connection.execute(select(mail).where(mail.c.id == mail_id))).first()


def _status(row: Row[Any]) -> MailStatus:
    return MailStatus(changed=False, state=MailState(row.state), by=row.settled_by or row.actor, at=since(row))


async def _settle(connection: AsyncConnection, row: Row[Any], state: MailState, *, at: datetime, error: str) -> None:
    if state is MailState.FAILED and may_have_been_sent(row):
        state = MailState.UNKNOWN
    settled = {"state": state, "settled_at": at, "due_at": None, "error": error or None}
    await connection.execute(update(mail).where(mail.c.id == row.id).values(settled))
    if state is MailState.SENT:
        await end_waiting(connection, row.evaluation_id, asked_at=row.at)
    await _remember(connection, row, _KIND_OF_OUTCOME[state], by=row.actor, at=at, error=error)


async def _remember(
    connection: AsyncConnection, row: Row[Any], kind: Kind, *, by: str, at: datetime, error: str = ""
) -> None:
    basis = LawfulBasis[row.lawful_basis]
    fact = MailEvent(kind=kind, template=row.template, mail=row.id, basis=basis, error=error)
    await append_history(connection, row.evaluation_id, [Entry(at=at, actor=by, fact=fact)])


async def _remember_refusal(
    connection: AsyncConnection,
    evaluation_id: int,
    template: str,
    found: Refused | NeedsLawfulBasis,
    *,
    by: str,
    at: datetime,
) -> None:
    """Record a refusal, unless somebody else was faster or only a lawful basis is missing."""
    if isinstance(found, Refused) and found.by is None:
        fact = MailEvent(kind=Kind.MAIL_REFUSED, template=template, error=found.reason.value)
        await append_history(connection, evaluation_id, [Entry(at=at, actor=by, fact=fact)])
