"""Deliver what is due at one address, at most two events at once. Each address has a worker of its own, so that a slow
one holds up only itself.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import random
from typing import Final

import structlog

from bot.concurrency.heartbeats import Beat
from bot.domain.mail_policy import MailRules
from bot.domain.webhook_address import WebhookAddress
from bot.domain.webhook_events import FAILS_FOR, LONGEST_PAUSE, TOLD_AFTER, Outcome, WebhookResponse, pause_before_next
from bot.exports.webhook_body import write_body
from bot.metrics.catalog import WEBHOOKS
from bot.metrics.labels import WebhookOutcome
from bot.metrics.meter import OFF, Meter
from bot.services.operations.alerts import AdminAlerts
from bot.store import IDLE_S, Store
from bot.store.webhooks.repository import DueWebhook
from bot.webhooks.client import WebhookClient

log = structlog.get_logger()

_CONCURRENT: Final = 2
_POLL_INTERVAL_S: Final = 5.0
"""Seconds between looks while an event waits: the clock may be set."""
_MIN_WAIT_S: Final = 0.1
_CARD_WAIT: Final = timedelta(seconds=10)
"""How long the start of an evaluation waits for its card, whose address is in the event."""
_CARD_POLL_INTERVAL_S: Final = 0.2
_DRAIN_TIMEOUT_S: Final = 1.0
"""Seconds that a stop of the bot waits for requests. One that takes longer is sent again after the next start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """Which people events name."""

    rules: MailRules
    """Who said no to being named."""
    contacts: bool
    """Whether events name the contact, unless that person said no."""
    learn_owners: Callable[[], Awaitable[bool]] | None = None
    """Asks Slack who the owners are, and returns whether it learned anything. Without it, nothing waits for Slack."""


class WebhookWorker:
    """Delivers the events of one address."""

    def __init__(
        self,
        store: Store,
        client: WebhookClient,
        address: WebhookAddress,
        *,
        naming: Naming,
        alerts: AdminAlerts,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._client = client
        self._address = address
        self._naming = naming
        self._alerts = alerts
        self._clock = clock
        self.chance: Callable[[], float] = random
        """A number from 0 to 1, by which pauses differ."""
        self.beat: Beat = lambda: None
        self.meter: Meter = OFF
        self.at_work = asyncio.Lock()
        """Held while events are under way."""
        self._held_until: datetime | None = None

    async def run(self) -> None:
        """Deliver until this task is cancelled."""
        while True:
            moment = self._store.database.writes
            wait = await self.deliver()
            if wait > 0:
                await self._store.webhooks.changed(moment, seconds=wait)

    async def deliver(self) -> float:
        """Deliver up to two events that are due. Return the seconds until the next look."""
        async with self.at_work:
            self.beat()
            now = self._clock()
            if self._held_until is not None and timedelta(0) < self._held_until - now <= 2 * LONGEST_PAUSE:
                return _POLL_INTERVAL_S
            due = await self._due(now)
            if due:
                ready = [each for each in due if not self._waits_for_card(each, now)]
                if not ready:
                    return _CARD_POLL_INTERVAL_S
                for failure in await asyncio.gather(*map(self._send, ready), return_exceptions=True):
                    if failure is not None:
                        raise failure
                return 0
            soonest = await self._store.webhooks.next_due(self._address.key)
            if soonest is None:
                return IDLE_S
            return min(max((soonest - self._clock()).total_seconds(), _MIN_WAIT_S), _POLL_INTERVAL_S)

    async def _due(self, now: datetime) -> list[DueWebhook]:
        """Return up to two events that are due, with what Slack says about the owners."""
        read = partial(self._store.webhooks.due, self._address.key, self._naming.rules, now=now, at_most=_CONCURRENT)
        due = await read()
        learn = self._naming.learn_owners
        return await read() if due and learn is not None and await learn() else due

    def _waits_for_card(self, due: DueWebhook, now: datetime) -> bool:
        is_new = timedelta(0) <= now - due.at < _CARD_WAIT
        return self._naming.learn_owners is not None and is_new and due.event.lacks_card

    async def _send(self, due: DueWebhook) -> None:
        self._store.leases.ensure()
        event = due.event
        body = write_body(event, contacts=self._naming.contacts)
        response = await self._client.post(self._address.url, body, message_id=event.message_id, at=self._clock())
        now = self._clock()
        match response.outcome:
            case Outcome.DELIVERED:
                self._held_until = None
                self.meter.count(WEBHOOKS, WebhookOutcome.DELIVERED)
                if await self._store.webhooks.delivered(due.id, self._address.key, at=now):
                    await self._alerts.webhook_recovered(self._address.name)
            case Outcome.GONE:
                await self._switch_off(response.error, now)
            case Outcome.FAILED | Outcome.REJECTED:
                await self._fail(due, response, now)

    async def _fail(self, due: DueWebhook, response: WebhookResponse, now: datetime) -> None:
        """Put the event off, or give it up. What the receiver asks to wait for holds up the whole address."""
        pause = pause_before_next(due.attempts, response, waited=now - due.at, chance=self.chance())
        self.meter.count(WEBHOOKS, WebhookOutcome.GIVEN_UP if pause is None else WebhookOutcome.RETRIED)
        log.warning(
            "webhook_failed" if pause is not None else "webhook_given_up",
            host=self._address.name,
            event_type=due.event.type.value,
            sequence=due.event.sequence,
            attempts=due.attempts,
            reason=response.error,
        )
        until = None if pause is None else now + pause
        if response.retry_after and until is not None:
            self._held_until = until
        since = await self._store.webhooks.failed(due.id, self._address.key, until=until, error=response.error, at=now)
        if now - since >= FAILS_FOR:
            await self._switch_off(response.error, now)
        elif now - since >= TOLD_AFTER:
            await self._alerts.webhook_failing(self._address.name, response.error)

    async def _switch_off(self, error: str, now: datetime) -> None:
        log.error("webhook_switched_off", host=self._address.name, reason=error)
        self.meter.count(WEBHOOKS, WebhookOutcome.SWITCHED_OFF)
        await self._store.webhooks.switch_off(self._address.key, error=error, at=now)
        await self._alerts.webhook_switched_off(self._address.name, error)


@asynccontextmanager
async def paused(workers: Sequence[WebhookWorker]) -> AsyncIterator[None]:
    """Wait a moment for the requests under way. Who has none, or ends them in time, sends none inside the block."""
    async with AsyncExitStack() as held:
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_TIMEOUT_S):
                for worker in workers:
                    await held.enter_async_context(worker.at_work)
        yield
