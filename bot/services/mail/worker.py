"""Send the emails that are due: each once, never against the policy, and later what the server defers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.concurrency.backoff import Backoff
from bot.concurrency.heartbeats import Beat
from bot.concurrency.rate_limit import Rate, TokenBucket
from bot.domain.evaluation import Evaluation
from bot.domain.mail import MailState
from bot.domain.mail_policy import MailRules
from bot.errors import AddressRefused, BotError, LeaseLost, MailDeferred, MailError, MailOutcomeUnknown, MailSetupWrong
from bot.metrics.catalog import MAIL_GATE, MAILS
from bot.metrics.labels import EmailOutcome, GateAnswer, GateReason
from bot.metrics.meter import OFF, Meter
from bot.services.mail.mailer import Mailer
from bot.services.operations.alerts import AdminAlerts
from bot.store import IDLE_S, Store
from bot.store.mail.repository import MOST_PUT_OFF, ClaimedMail, RejectedMail, longest_wait

log = structlog.get_logger()

_POLL_INTERVAL_S: Final = 5.0
"""The longest wait for the next email that may go."""
_WHILE_ONE_WAITS: Final = 1.0
BACKOFF: Final = Backoff(base=60.0, factor=4.0, maximum=MOST_PUT_OFF.total_seconds())
"""Between two attempts of an email that the server defers."""
_PUT_OFF_AT_MOST: Final = timedelta(days=2)
_SHOULD_BE_KNOWN: Final = 5
"""Deferred emails in a row: one may be greylisting, five are no longer about a single address."""
_NO_SUCH_ADDRESS: Final = "5.1.1"
"""RFC 3463: bad destination mailbox address."""
_GIVEN_UP: Final = "The mail server postponed it for two days, so the bot gave up. Send it again if it still fits."

_OUTCOMES: Final = {
    MailState.SENT: EmailOutcome.SENT,
    MailState.FAILED: EmailOutcome.REFUSED,
    MailState.UNKNOWN: EmailOutcome.UNKNOWN,
}


class MailWorker:
    """Sends queued emails. When it is paused, it finishes the email it is sending."""

    def __init__(
        self,
        store: Store,
        mailer: Mailer,
        *,
        rules: MailRules,
        alerts: AdminAlerts,
        clock: Callable[[], datetime],
        address_of: Callable[[str], Awaitable[str | None]] | None = None,
    ) -> None:
        """`address_of` returns the current reply address of a colleague; without it, replies go where the queued email
        says.
        """
        self.bucket = TokenBucket(Rate(interval=0), serial=True)
        """Holds up the next email after a failure, longer each time."""
        self.beat: Beat = lambda: None
        self.meter: Meter = OFF
        self._store = store
        self._mailer = mailer
        self._rules = rules
        self._alerts = alerts
        self._clock = clock
        self._address_of = address_of
        self._at_work = asyncio.Lock()

    async def run(self) -> None:
        """Send until this task is cancelled."""
        while True:
            moment = self._store.database.writes
            wait = await self.deliver()
            await self._store.mails.changed(moment, seconds=wait)

    async def deliver(self) -> float:
        """Send what is due, one after the other. Return the seconds until the next look."""
        async with self._at_work:
            self.beat()
            while (pause := self.bucket.wait()) == 0:
                self.beat()
                due = await self._store.mails.next_due()
                if due is None:
                    return IDLE_S
                if timedelta(0) < due - self._clock() <= longest_wait(self._rules):
                    return _WHILE_ONE_WAITS
                claimed = await self._store.mails.claim(self._rules, now=self._clock())
                if isinstance(claimed, RejectedMail):
                    log.info("mail_rejected", reason=claimed.refusal.reason.name)
                    reason = GateReason(claimed.refusal.reason.name.lower())
                    self.meter.count(MAIL_GATE, GateAnswer.REFUSED, reason)
                elif claimed is not None:
                    await self._send(claimed)
            return min(pause, _POLL_INTERVAL_S)

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Wait until the current email is settled. None is sent inside the block."""
        async with self._at_work:
            yield

    async def _send(self, claimed: ClaimedMail) -> None:
        card = await self._store.evaluations.card(claimed.evaluation_id)
        evaluation = None if card is None else card.evaluation
        content = replace(claimed.content, reply_to=await self._reply_to(claimed, evaluation))
        try:
            self._store.leases.ensure()
            await self._mailer.send(replace(claimed, content=content), evaluation)
        except LeaseLost as exc:
            # Whether this write succeeds depends on the lease: if this copy still leads, it tries again.
            self.bucket.failed()
            await self._defer(claimed, exc, wait=timedelta(0))
        except MailOutcomeUnknown as exc:
            await self._settle(claimed, MailState.UNKNOWN, error=str(exc))
        except MailSetupWrong as exc:
            # The problem is between us and the server: nothing else would get through either, so all of it waits.
            self.bucket.failed()
            await self._defer(claimed, exc, wait=timedelta(0))
            await self._alerts.mail_unavailable(exc)
        except MailDeferred as exc:
            self.bucket.failed()
            await self._defer(claimed, exc, wait=timedelta(seconds=BACKOFF.after(claimed.attempts)))
            if self.bucket.failures >= _SHOULD_BE_KNOWN:
                await self._alerts.mail_unavailable(exc)
        except AddressRefused as exc:
            self.bucket.succeeded()
            await self._store.bounces.record_hard_bounce(claimed.mail_id, status=_NO_SUCH_ADDRESS, at=self._clock())
            await self._settle(claimed, MailState.FAILED, error=str(exc))
        except MailError as exc:
            self.bucket.succeeded()
            await self._settle(claimed, MailState.FAILED, error=str(exc))
        else:
            self.bucket.succeeded()
            await self._settle(claimed, MailState.SENT)
            await self._alerts.mail_recovered()

    async def _reply_to(self, claimed: ClaimedMail, evaluation: Evaluation | None) -> str | None:
        """Return where replies go: an email can wait for days, in which the owner may change, leave, or
        become a guest.
        """
        if self._address_of is None:
            return claimed.content.reply_to
        owner = None if evaluation is None else evaluation.owner
        return None if owner is None else await self._address_of(owner)

    async def _settle(self, claimed: ClaimedMail, state: MailState, *, error: str = "") -> None:
        log.info("mail_settled", mail=claimed.mail_id, state=state)
        await self._store.mails.settle(claimed.mail_id, state, at=self._clock(), error=error)
        if (outcome := _OUTCOMES.get(state)) is not None:
            self.meter.count(MAILS, outcome)

    async def _defer(self, claimed: ClaimedMail, why: BotError, *, wait: timedelta) -> None:
        now = self._clock()
        log.warning("mail_deferred", mail=claimed.mail_id, reason=str(why))
        if now + wait - claimed.requested_at > _PUT_OFF_AT_MOST:
            await self._settle(claimed, MailState.FAILED, error=_GIVEN_UP)
        else:
            await self._store.mails.defer(claimed.mail_id, until=now + wait, at=now, error=str(why))
