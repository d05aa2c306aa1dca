"""Deliver the outbox to Slack: in order, within the rate limits, never twice."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, assert_never

import structlog

from bot.concurrency.heartbeats import Beat
from bot.domain.outbox import LONGEST_WAIT, TO_PEOPLE, ApiMethod, Delivery, DeliveryKind, Route
from bot.errors import BotError, LeaseLost, SlackError, SlackRefused, StoreError
from bot.metrics.catalog import DELIVERIES, DELIVERY_SECONDS
from bot.metrics.labels import DeliveryOutcome, MessageKind
from bot.metrics.meter import OFF, Meter
from bot.services.slack_delivery.lookup import MessageLookup
from bot.services.slack_delivery.outages import SlackOutages
from bot.services.slack_delivery.rate_limits import SlackRateLimiter
from bot.services.slack_delivery.renderer import DeliveryRenderer, message_ref, shorten
from bot.services.slack_delivery.retry_policy import Next, is_repeatable, resolve
from bot.slack.blocks import Message
from bot.slack.client.errors import ErrorAction, action_for
from bot.slack.client.web_client import Posted, SlackClient
from bot.store import IDLE_S, Store

log = structlog.get_logger()

_POLL_INTERVAL_S: Final = 5.0
"""Seconds between looks at the outbox while something waits there: the clock may be set."""
_MIN_WAIT_S: Final = 0.01
_MAX_CLAIMED: Final = 20
"""Deliveries claimed together, if the rate limit allows it. Other writers wait for few only."""
_LOOK_FOR_SECOND: Final = timedelta(minutes=10)
"""How long after a repeated post to look whether the earlier attempt has appeared since."""
_POSTED_AGAIN: Final = 3
"""The fewest attempts of a message that was posted again: a post, a lookup that found nothing, a post."""


class SlackOutboxWorker:
    """Delivers the outbox, route by route; a route is a method in a channel."""

    def __init__(
        self,
        store: Store,
        slack: SlackClient,
        renderer: DeliveryRenderer,
        *,
        limiter: SlackRateLimiter,
        outages: SlackOutages,
        clock: Callable[[], datetime],
    ) -> None:
        self.may_post = asyncio.Event()
        """Until this is set, messages in Slack are updated but no new ones are posted."""
        self.may_post.set()
        self.may_mark = asyncio.Event()
        """Until this is set, updates leave the metadata of cards alone: a database that went back in time has yet to
        read it.
        """
        self.may_mark.set()
        self.beat: Beat = lambda: None
        """Called at each turn."""
        self.meter: Meter = OFF
        self._unmarked: set[int] = set()
        self._store = store
        self._slack = slack
        self._renderer = renderer
        self._limiter = limiter
        self._outages = outages
        self._clock = clock
        self._lookup = MessageLookup(store, slack, limiter=limiter, clock=clock)
        self._beginning = asyncio.Lock()
        self._under_way: set[asyncio.Task[None]] = set()
        self._broken: list[tuple[Delivery, Route, BaseException]] = []

    async def run(self) -> None:
        """Deliver until this task is cancelled, together with everything in flight."""
        try:
            while True:
                self.beat()
                moment = self._store.database.writes
                wait = await self.dispatch_due()
                is_idle = math.isinf(wait) and not self._unmarked
                await self._wait(moment, seconds=IDLE_S if is_idle else min(wait, _POLL_INTERVAL_S))
        except asyncio.CancelledError:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)
            raise

    async def dispatch_due(self) -> float:
        """Start every delivery that may go now. Return the seconds until more may, if nothing is written or ends
        before.
        """
        async with self._beginning:
            await self._reschedule_broken()
            await self._mark_late()
            waits = [math.inf]
            for route, due in (await self._store.outbox.routes()).items():
                if route.method is ApiMethod.POST and not self.may_post.is_set():
                    continue
                wait = max(self._until(due), self._limiter.wait(route))
                if wait > 0:
                    waits.append(wait)
                    continue
                most = int(min(self._limiter.available(route), _MAX_CLAIMED))
                for claimed in await self._store.outbox.claim(
                    route.method, channel=route.channel, now=self._clock(), most=most
                ):
                    self._start(claimed, route)
            return max(min(waits), _MIN_WAIT_S)

    def _until(self, due: datetime) -> float:
        wait = due - self._clock()
        return 0.0 if wait > LONGEST_WAIT else wait.total_seconds()

    def _start(self, claimed: Delivery, route: Route) -> None:
        self._limiter.begin(route)
        task = asyncio.create_task(self._deliver(claimed, route))
        self._under_way.add(task)
        task.add_done_callback(partial(self._on_done, claimed, route))

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Wait until nothing is in flight. Nothing starts inside the block."""
        async with self._beginning:
            if self._under_way:
                await asyncio.wait(self._under_way)
            yield

    async def _wait(self, moment: int, *, seconds: float) -> None:
        """Wait until something was written after `moment` or something in flight ends, for a limited time."""
        waiting: list[asyncio.Task[object]] = [asyncio.create_task(self._store.outbox.changed(moment, seconds=seconds))]
        if not self.may_post.is_set():
            waiting.append(asyncio.create_task(self.may_post.wait()))
        try:
            await asyncio.wait({*waiting, *self._under_way}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()

    def _on_done(self, delivery: Delivery, route: Route, task: asyncio.Task[None]) -> None:
        self._limiter.end(route)
        self._under_way.discard(task)
        if not task.cancelled() and (broke := task.exception()) is not None:
            if isinstance(broke, StoreError):
                log.warning("delivery_not_settled", delivery=delivery.id, what=delivery.kind, reason=str(broke))
            else:
                log.error("delivery_crashed", delivery=delivery.id, what=delivery.kind, exc_info=broke)
            self._broken.append((delivery, route, broke))

    async def _reschedule_broken(self) -> None:
        """Reschedule deliveries that ended in an unforeseen error. Their outcome is unknown."""
        while self._broken:
            delivery, route, broke = self._broken[0]
            resolution = resolve(delivery, route.method, broke, backoff=self._limiter.backoff)
            await self._reschedule(delivery, "It broke.", wait=resolution.wait, unsure=resolution.is_unsure)
            self._broken.pop(0)

    async def _mark_late(self) -> None:
        """Enqueue another update, with metadata, of each card that was updated without it."""
        while self._unmarked and self.may_mark.is_set():
            each = next(iter(self._unmarked))
            await self._store.evaluations.update_card(each, at=self._clock())
            self._unmarked.remove(each)

    async def _deliver(self, delivery: Delivery, route: Route) -> None:
        outcome = DeliveryOutcome.LOOKED_UP
        try:
            if route.method is ApiMethod.HISTORY:
                ts, channel = await self._lookup.find(delivery, route), None
            else:
                (channel, ts), outcome = await self._send(delivery, route)
        except (LeaseLost, SlackError) as exc:
            await self._settle_failure(delivery, route, exc)
            return
        self._limiter.succeeded(route)
        if ts is None:
            await self._reschedule(delivery, "It is not there.", unsure=False)
        else:
            is_second = delivery.attempts >= _POSTED_AGAIN and not is_repeatable(delivery)
            look_again = self._clock() + _LOOK_FOR_SECOND if is_second else None
            found = channel if delivery.kind in TO_PEOPLE else None
            await self._store.outbox.mark_delivered(delivery, ts=ts, channel=found, look_again=look_again)
            self._count(delivery, outcome)
        await self._outages.recovered(route)

    async def _settle_failure(self, delivery: Delivery, route: Route, error: LeaseLost | SlackError) -> None:
        """Hold the route back and record what the retry policy says."""
        resolution = resolve(delivery, route.method, error, backoff=self._limiter.backoff)
        if resolution.holds is not None:
            self._limiter.failed(route, resolution.holds, at_least=resolution.at_least)
        elif resolution.is_answer:
            self._limiter.succeeded(route)
        code = error.code if isinstance(error, SlackRefused) else None
        match resolution.next:
            case Next.RETRY:
                await self._reschedule(delivery, error, wait=resolution.wait, unsure=resolution.is_unsure)
            case Next.DELIVERED:
                await self._store.outbox.mark_delivered(delivery, ts=delivery.ts or "")
                self._count(delivery, DeliveryOutcome.LOOKED_UP)
            case Next.CARD_DELETED:
                log.warning("card_deleted", delivery=delivery.id, code=code)
                await self._store.outbox.mark_card_deleted(delivery, at=self._clock(), error=str(error))
                self._count(delivery, DeliveryOutcome.GIVEN_UP)
            case Next.GIVE_UP:
                log.warning("delivery_given_up", delivery=delivery.id, what=delivery.kind, code=code)
                await self._store.outbox.give_up(delivery, error=str(error))
                self._count(delivery, DeliveryOutcome.GIVEN_UP)
            case _:
                assert_never(resolution.next)
        if resolution.is_outage and isinstance(error, SlackRefused):
            await self._outages.refused(route, error)

    async def _reschedule(self, delivery: Delivery, why: BotError | str, *, wait: float = 0.0, unsure: bool) -> None:
        log.warning("delivery_rescheduled", delivery=delivery.id, what=delivery.kind, reason=str(why))
        until = self._clock() + timedelta(seconds=wait)
        await self._store.outbox.reschedule(delivery, until=until, error=str(why), unsure=unsure)

    def _count(self, delivery: Delivery, outcome: DeliveryOutcome) -> None:
        kind = MessageKind.of(delivery.kind)
        self.meter.count(DELIVERIES, kind, outcome)
        if outcome is not DeliveryOutcome.GIVEN_UP:
            self.meter.observe(DELIVERY_SECONDS, kind, seconds=(self._clock() - delivery.at).total_seconds())

    async def _send(self, delivery: Delivery, route: Route) -> tuple[Posted, DeliveryOutcome]:
        message = await self._renderer.render(delivery)
        try:
            return await self._post_or_update(delivery, message), DeliveryOutcome.DONE
        except SlackRefused as exc:
            if action_for(exc.code) is not ErrorAction.SHORTEN:
                raise
            log.warning("delivery_shortened", delivery=delivery.id, what=delivery.kind, code=exc.code)
            self._limiter.consume(route)
            return await self._post_or_update(delivery, shorten(message)), DeliveryOutcome.SHORTENED

    async def _post_or_update(self, delivery: Delivery, message: Message) -> Posted:
        """Post the message or update what is there. Return where it is."""
        ref = message_ref(delivery)
        if delivery.kind is DeliveryKind.CARD:
            ref = replace(ref, trace=await self._store.installation.trace(ref.number))
        self._store.leases.ensure()  # nothing waits between this and the request
        if delivery.kind is DeliveryKind.CARD and delivery.card is not None:
            is_kept = not self.may_mark.is_set()
            await self._slack.update(delivery.channel, delivery.card.ts, message, None if is_kept else ref)
            if is_kept:
                self._unmarked.add(ref.number)
            return Posted(delivery.channel, delivery.card.ts)
        if delivery.ts is not None:
            await self._slack.update(delivery.channel, delivery.ts, message, ref)
            return Posted(delivery.channel, delivery.ts)
        thread = None if delivery.card is None else delivery.card.ts
        return await self._slack.post(delivery.channel, message, ref, thread=thread)
