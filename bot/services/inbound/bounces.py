"""Handle bounces and complaints, and act only on those about an email of ours."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

import structlog

from bot.domain.address import canonical
from bot.mail.inbound.dsn import BounceKind, RecipientStatus, Report, read_report
from bot.mail.inbound.provider_notices import guess
from bot.metrics.catalog import INBOUND, MAILS
from bot.metrics.labels import EmailOutcome, InboundResult, InboundSource
from bot.metrics.meter import OFF, Meter
from bot.store.mail.bounces import SentMailRef

log = structlog.get_logger()

SOFT_BOUNCE_THRESHOLD: Final = 3
"""Soft bounces after which an address is paused."""
_TRIES: Final = 5
"""Message-IDs that are looked up; a report about one of ours has one."""


class BounceOutcome(StrEnum):
    """What a report led to; the value is the sentence for the operator."""

    NO_REPORT = "Neither a bounce nor a complaint. Nothing to do."
    UNKNOWN = "Not about one of our emails. Nothing to do."
    BOUNCED = "The address does not exist. It is blocked: nobody can email it from here."
    COMPLAINED = "They complained. The address is blocked: nobody can email it from here."
    COUNTED = "It did not get through this time: counted against the address."
    REFUSED = "Refused because of us and not of the address: the admins are told."
    UNCLEAR = "Came to the return address of an email and says nothing we understand: counted, and the admins are told."


class MailLedger(Protocol):
    """What the handler needs of `bot.store.mail.bounces`, which says what each method does."""

    async def by_message_id(self, message_id: str) -> SentMailRef | None: ...

    async def by_id(self, mail_id: int) -> SentMailRef | None: ...

    async def record_hard_bounce(self, mail_id: int, *, status: str, at: datetime) -> None: ...

    async def record_complaint(self, mail_id: int, *, at: datetime) -> None: ...

    async def record_soft_bounce(self, mail_id: int, *, status: str, at: datetime, threshold: int) -> None: ...

    async def record_policy_refusal(self, mail_id: int, *, status: str, at: datetime) -> None: ...

    async def unclear(self, mail_id: int, *, at: datetime) -> None: ...


class BounceHandler:
    """Processes reports and complaints as they come in.

    Anybody can write to the address for bounces. A report is proven by naming one of our emails: by its Message-ID,
    which nobody can guess, or by the return address of that one email, which `verp` reads and nobody can forge. A
    message without the form of a report counts by that address alone, because people reply and forward with our
    Message-ID in it. `tell` alerts the admins to a refusal, by its status, and `tell_unclear` to a message that nobody
    understands. Both decide how often to alert.
    """

    def __init__(
        self,
        ledger: MailLedger,
        *,
        verp: Callable[[str], int | None],
        tell: Callable[[str], Awaitable[None]],
        tell_unclear: Callable[[], Awaitable[None]],
        clock: Callable[[], datetime],
    ) -> None:
        self.meter: Meter = OFF
        self._ledger = ledger
        self._verp = verp
        self._tell = tell
        self._tell_unclear = tell_unclear
        self._clock = clock

    async def handle(self, content: bytes) -> BounceOutcome:
        """Read a message and act on it. Nothing of its text is kept."""
        outcome = await self._handle(content)
        is_ours = outcome not in {BounceOutcome.NO_REPORT, BounceOutcome.UNKNOWN}
        result = InboundResult.HANDLED if is_ours else InboundResult.IGNORED
        self.meter.count(INBOUND, InboundSource.BOUNCE, result)
        if outcome is BounceOutcome.BOUNCED:
            self.meter.count(MAILS, EmailOutcome.BOUNCED)
        elif outcome is BounceOutcome.COMPLAINED:
            self.meter.count(MAILS, EmailOutcome.COMPLAINED)
        return outcome

    async def _handle(self, content: bytes) -> BounceOutcome:
        report = read_report(content)
        if report.is_harmless:
            return BounceOutcome.NO_REPORT
        mail = await self._ours(report)
        if mail is None:
            if not (report.is_standard and report.findings):
                return BounceOutcome.NO_REPORT
            log.info("bounce_unmatched", findings=len(report.findings))
            return BounceOutcome.UNKNOWN
        if not report.findings:
            return await self._guess(mail, content)
        recipient_status = status_for_recipient(report, mail.address)
        log.info("bounce_handled", mail=mail.mail_id, kind=recipient_status.kind, status=recipient_status.status)
        return await self._act(mail.mail_id, recipient_status)

    async def _ours(self, report: Report) -> SentMailRef | None:
        proven = report.is_standard and report.findings
        for message_id in report.message_ids[:_TRIES] if proven else ():
            if (mail := await self._ledger.by_message_id(message_id)) is not None:
                return mail
        addresses = [*report.delivered_to, *(report.returned_to if proven else ())]
        ids = [mail_id for each in addresses if (mail_id := self._verp(each)) is not None]
        for mail_id in ids[:_TRIES]:
            if (mail := await self._ledger.by_id(mail_id)) is not None:
                return mail
        return None

    async def _guess(self, mail: SentMailRef, content: bytes) -> BounceOutcome:
        """Process a message to an email's return address that is not a report the bot can read."""
        guessed = guess(content)
        own = [each for each in guessed.failed if _is_of(each.address, mail.address)]
        if own:
            recipient_status = min(own, key=lambda each: each.strength)
            log.info(
                "bounce_notice_handled", mail=mail.mail_id, kind=recipient_status.kind, status=recipient_status.status
            )
            return await self._act(mail.mail_id, recipient_status)
        if any(_is_of(each, mail.address) for each in guessed.delayed):
            return BounceOutcome.NO_REPORT
        log.warning("bounce_not_understood", mail=mail.mail_id)
        await self._ledger.unclear(mail.mail_id, at=self._clock())
        await self._tell_unclear()
        return BounceOutcome.UNCLEAR

    async def _act(self, mail_id: int, recipient_status: RecipientStatus) -> BounceOutcome:
        at, status = self._clock(), recipient_status.status
        match recipient_status.kind:
            case BounceKind.COMPLAINT:
                await self._ledger.record_complaint(mail_id, at=at)
                return BounceOutcome.COMPLAINED
            case BounceKind.HARD:
                await self._ledger.record_hard_bounce(mail_id, status=status, at=at)
                return BounceOutcome.BOUNCED
            case BounceKind.SOFT:
                await self._ledger.record_soft_bounce(mail_id, status=status, at=at, threshold=SOFT_BOUNCE_THRESHOLD)
                return BounceOutcome.COUNTED
            case BounceKind.POLICY:
                await self._ledger.record_policy_refusal(mail_id, status=status, at=at)
                await self._tell(status)
                return BounceOutcome.REFUSED


def status_for_recipient(report: Report, address: str | None) -> RecipientStatus:
    """Return what a report says about the address an email went to; the strongest of several statements.

    If it names only other recipients, the mail was forwarded to them: that one of them is gone says nothing about the
    address itself.
    """
    complaints = [each for each in report.findings if each.kind is BounceKind.COMPLAINT]
    own = [each for each in report.findings if _is_of(each.address, address) or _is_of(each.original, address)]
    found = min(complaints or own or report.findings, key=lambda each: each.strength)
    passed_on = address is not None and not own and found.kind is BounceKind.HARD
    return replace(found, kind=BounceKind.SOFT) if passed_on else found


def _is_of(named: str, address: str | None) -> bool:
    return address is not None and canonical(named) == canonical(address)
