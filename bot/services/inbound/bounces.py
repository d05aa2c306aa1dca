"""Take in what comes back from a mail, and act on it only where it is one of ours."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

import structlog

from bot.domain.address import canonical
from bot.mail.inbound.dsn import BounceKind, RecipientStatus, Report, read_report
from bot.mail.inbound.provider_notices import guess
from bot.store.mail.bounces import SentMailRef

log = structlog.get_logger()

SOFT_BOUNCE_THRESHOLD: Final = 3
"""Mails that did not get through, after which an address is left in peace."""
_TRIES: Final = 5
"""Names of a mail that are looked up; a report on one of ours has one."""


class BounceOutcome(StrEnum):
    """What came of a mail that was taken in; the value says it to the person who runs the bot."""

    NO_REPORT = "Not a report of a failed delivery, nor of a complaint: nothing to do."
    UNKNOWN = "A report on no mail of ours: nothing to do."
    BOUNCED = "The address does not take mail: it is marked, and nobody writes to it."
    COMPLAINED = "They complained: the address is marked, and nobody writes to it."
    COUNTED = "It did not get through this time: counted against the address."
    REFUSED = "Refused because of us and not of the address: the admins are told."
    UNCLEAR = "Came to the return address of an email and says nothing we understand: counted, and the admins are told."


class MailLedger(Protocol):
    """What is known of the mails that went out. Each fact is written down once, however often it is reported."""

    async def by_message_id(self, message_id: str) -> SentMailRef | None:
        """The mail that went out under this Message-ID, which has its angle brackets."""
        ...

    async def by_id(self, mail_id: int) -> SentMailRef | None:
        """The mail with this id."""
        ...

    async def record_hard_bounce(self, mail_id: int, *, status: str, at: datetime) -> None:
        """It came back, as its address takes no mail: mark the address, unless a stronger mark stands."""
        ...

    async def record_complaint(self, mail_id: int, *, at: datetime) -> None:
        """The recipient complained: mark the address, over any weaker mark."""
        ...

    async def record_soft_bounce(self, mail_id: int, *, status: str, at: datetime, threshold: int) -> None:
        """It did not get through; once `patience` mails to its address did not, pause the address."""
        ...

    async def record_policy_refusal(self, mail_id: int, *, status: str, at: datetime) -> None:
        """It was refused because of us; the address stays as it was."""
        ...

    async def unclear(self, mail_id: int, *, at: datetime) -> None:
        """Something came to its return address that nobody understands; the address stays as it was."""
        ...


class BounceHandler:
    """Reports and complaints, as they come in.

    Anybody can write to the address for bounces. What proves a report is that it names a mail of ours: by its
    Message-ID, which nobody guesses, or by the address for that one mail, which `verp` reads and nobody forges. What
    has not the form of a report counts by that address alone: people answer and forward with our Message-ID in it.
    `tell` tells the admins of a refusal, by its status, and `tell_unclear` of what nobody understands, as often as
    they should hear of it.
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
        self._ledger = ledger
        self._verp = verp
        self._tell = tell
        self._tell_unclear = tell_unclear
        self._clock = clock

    async def handle(self, content: bytes) -> BounceOutcome:
        """Read a mail that came in, and do what it asks for; whoever wrote it, nothing of its text is kept."""
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
        """Take in what came to the return address of a mail and is no report that we read."""
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
    """What the report says of the address that a mail went to; the strongest, where it says several things.

    Where it speaks of others only, the mail was passed on to them: that one of them is gone does not make the
    address itself a dead one.
    """
    complaints = [each for each in report.findings if each.kind is BounceKind.COMPLAINT]
    own = [each for each in report.findings if _is_of(each.address, address) or _is_of(each.original, address)]
    found = min(complaints or own or report.findings, key=lambda each: each.strength)
    passed_on = address is not None and not own and found.kind is BounceKind.HARD
    return replace(found, kind=BounceKind.SOFT) if passed_on else found


def _is_of(named: str, address: str | None) -> bool:
    return address is not None and canonical(named) == canonical(address)
