"""Deliver the outbox to Slack: in order, within the rate limits, never twice."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Final, assert_never

import structlog

from bot.concurrency.rate_limit import backoff
from bot.domain.card_snapshot import UnmatchedCard
from bot.domain.clock_skew import CLOCKS_DIFFER, is_future
from bot.domain.evaluation import CardRef
from bot.domain.mail_policy import DEFAULT_RULES, MailRules
from bot.domain.outbox import Delivery
from bot.errors import (
    BotError,
    CardUnknown,
    LeaseLost,
    SlackOutcomeUnknown,
    SlackRefused,
    SlackSilent,
    SlackUnavailable,
    StoreError,
)
from bot.services.slack_delivery.outages import SlackOutages
from bot.services.slack_delivery.rate_limits import LimitScope, SlackRateLimiter
from bot.slack.blocks import Message, note_message
from bot.slack.client import metadata
from bot.slack.client.errors import ErrorAction, action_for
from bot.slack.client.web_client import MessageRef, SlackClient, is_person
from bot.slack.ids import Event
from bot.slack.views.alerts import backlog_notice
from bot.slack.views.card import card_message, pointer_message
from bot.slack.views.history import entry_message
from bot.slack.views.today import permalink
from bot.store import Store
from bot.store.outbox.repository import LONGEST_WAIT, ApiMethod, DeliveryKind, Route

log = structlog.get_logger()

_POLL_INTERVAL_S: Final = 5.0
"""Seconds between looks at the outbox even if this process wrote nothing: another one may have."""
_MIN_WAIT_S: Final = 0.01
_MAX_CLAIMED: Final = 20
"""Deliveries claimed together, if the rate limit allows it. Other writers wait for few only."""
_LATE_AFTER_S: Final = 30.0
"""Seconds to wait before looking up a post that got no response: Slack may show it late."""
_LOOK_FOR_SECOND: Final = timedelta(minutes=10)
"""How long after a repeated post to look whether the earlier attempt has appeared since."""
_POSTED_AGAIN: Final = 3
"""The fewest attempts of a message that was posted again: a post, a lookup that found nothing, a post."""
_A_WEEK: Final = timedelta(days=7)
_SHORTENED_CHARS: Final = 3000
_EVENTS: Final = {
    DeliveryKind.NOTE: Event.NOTE,
    DeliveryKind.MESSAGE: Event.MESSAGE,
    DeliveryKind.SUMMARY: Event.MESSAGE,
}
_OUTAGE_SCOPES: Final = {
    ErrorAction.TOKEN: LimitScope.WORKSPACE,
    ErrorAction.SCOPE: LimitScope.ROUTE,
    ErrorAction.CHANNEL: LimitScope.ROUTE,
}


class SlackOutboxWorker:
    """Delivers the outbox, route by route; a route is a method in a channel."""

    def __init__(
        self,
        store: Store,
        slack: SlackClient,
        *,
        limiter: SlackRateLimiter,
        outages: SlackOutages,
        workspace_url: Callable[[], str | None],
        clock: Callable[[], datetime],
        today: Callable[[], date],
        rules: MailRules = DEFAULT_RULES,
    ) -> None:
        self.may_post = asyncio.Event()
        """Until this is set, messages in Slack are updated but no new ones are posted."""
        self.may_post.set()
        self.may_mark = asyncio.Event()
        """Until this is set, updates leave the metadata of cards alone: a database that went back in time has yet to
        read it.
        """
        self.may_mark.set()
        self._unmarked: set[int] = set()
        self._store = store
        self._slack = slack
        self._limiter = limiter
        self._outages = outages
        self._workspace_url = workspace_url
        self._clock = clock
        self._today = today
        self._rules = rules
        self._beginning = asyncio.Lock()
        self._under_way: set[asyncio.Task[None]] = set()
        self._broken: list[tuple[Delivery, Route]] = []

    async def run(self) -> None:
        """Deliver until this task is cancelled, together with everything in flight."""
        try:
            while True:
                moment = self._store.database.writes
                await self._wait(moment, seconds=min(await self.dispatch_due(), _POLL_INTERVAL_S))
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

    async def evaluation_on(self, claimed: int, card: CardRef | None) -> int:
        """Return the evaluation that a card shows, or `claimed` if no card is given.

        Raises CardUnknown, with what to do, if the evaluation cannot be determined.
        """
        if card is None:
            return claimed
        found = await self._store.evaluations.on_card(claimed, card)
        if isinstance(found, UnmatchedCard):
            log.warning("card_unknown", why=found.name)
            raise CardUnknown(found)
        return found

    async def update_card(self, evaluation_id: int) -> None:
        """Enqueue an update of a card that shows something outdated."""
        await self._store.evaluations.update_card(evaluation_id, at=self._clock())

    async def update_running_cards(self) -> None:
        """Enqueue an update of every card with a running trial, after midnight."""
        await self._store.evaluations.update_running_cards(at=self._clock())

    async def post_again(self, evaluation_id: int) -> bool:
        """Enqueue a deleted card again. False if it is there, or enqueued already."""
        return await self._store.outbox.post_again(evaluation_id, at=self._clock())

    async def _wait(self, moment: int, *, seconds: float) -> None:
        """Wait until something was written after `moment` or something in flight ends, for a limited time."""
        waiting: list[asyncio.Task[object]] = [
            asyncio.create_task(self._store.database.written(moment, seconds=seconds))
        ]
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
            self._broken.append((delivery, route))

    async def _reschedule_broken(self) -> None:
        """Reschedule deliveries that ended in an unforeseen error. Their outcome is unknown."""
        while self._broken:
            delivery, route = self._broken[0]
            unsure = route.method is ApiMethod.HISTORY or not _is_repeatable(delivery)
            await self._reschedule(delivery, "It broke.", wait=backoff(delivery.attempts), unsure=unsure)
            self._broken.pop(0)

    async def _mark_late(self) -> None:
        """Enqueue another update, with metadata, of each card that was updated without it."""
        while self._unmarked and self.may_mark.is_set():
            each = next(iter(self._unmarked))
            await self.update_card(each)
            self._unmarked.remove(each)

    async def _deliver(self, delivery: Delivery, route: Route) -> None:
        is_look = route.method is ApiMethod.HISTORY
        try:
            ts = await (self._find(delivery, route) if is_look else self._send(delivery, route))
        except LeaseLost as exc:
            # Whether this write succeeds depends on the lease: if this copy still leads, it tries again.
            await self._reschedule(delivery, exc, unsure=is_look)
        except SlackUnavailable as exc:
            self._limiter.failed(
                route,
                LimitScope.ROUTE if route.method is ApiMethod.POST else LimitScope.METHOD,
                at_least=exc.retry_after,
            )
            await self._reschedule(delivery, exc, unsure=is_look)
        except SlackOutcomeUnknown as exc:
            self._limiter.failed(route, LimitScope.ROUTE)
            unsure = is_look or not _is_repeatable(delivery)
            wait = _LATE_AFTER_S if isinstance(exc, SlackSilent) and unsure and not is_look else 0.0
            await self._reschedule(delivery, exc, wait=max(wait, backoff(delivery.attempts)), unsure=unsure)
        except SlackRefused as exc:
            await self._refused(delivery, route, exc)
        else:
            self._limiter.succeeded(route)
            if ts is None:
                await self._reschedule(delivery, "It is not there.", unsure=False)
            else:
                is_second = delivery.attempts >= _POSTED_AGAIN and not _is_repeatable(delivery)
                look_again = self._clock() + _LOOK_FOR_SECOND if is_second else None
                await self._store.outbox.mark_delivered(delivery, ts=ts, look_again=look_again)
            await self._outages.recovered(route)

    async def _refused(self, delivery: Delivery, route: Route, refusal: SlackRefused) -> None:
        found = action_for(refusal.code)
        # A person who cannot be messaged must not hold up the cards or the other admins. What may be in the channel is
        # neither given up nor posted again before the worker could look.
        gives_up = is_person(route.channel) if found is ErrorAction.CHANNEL else route.method is not ApiMethod.HISTORY
        if found is ErrorAction.GONE and delivery.card is not None and delivery.ts is None:
            log.warning("card_deleted", delivery=delivery.id, code=refusal.code)
            self._limiter.succeeded(route)
            await self._store.outbox.mark_card_deleted(delivery, at=self._clock(), error=str(refusal))
        elif route.method is ApiMethod.HISTORY and delivery.ts is not None and found not in _OUTAGE_SCOPES:
            # The message was delivered, as far as is known. Only whether it is there twice cannot be checked.
            self._limiter.succeeded(route)
            await self._store.outbox.mark_delivered(delivery, ts=delivery.ts)
        elif found in {ErrorAction.TOKEN, ErrorAction.SCOPE} or not gives_up:
            self._limiter.failed(route, _OUTAGE_SCOPES.get(found, LimitScope.ROUTE))
            await self._reschedule(delivery, refusal, unsure=route.method is ApiMethod.HISTORY)
            await self._outages.refused(route, refusal)
        else:
            log.warning("delivery_given_up", delivery=delivery.id, what=delivery.kind, code=refusal.code)
            self._limiter.succeeded(route)
            await self._store.outbox.give_up(delivery, error=str(refusal))

    async def _reschedule(self, delivery: Delivery, why: BotError | str, *, wait: float = 0.0, unsure: bool) -> None:
        log.warning("delivery_rescheduled", delivery=delivery.id, what=delivery.kind, reason=str(why))
        until = self._clock() + timedelta(seconds=wait)
        await self._store.outbox.reschedule(delivery, until=until, error=str(why), unsure=unsure)

    async def _find(self, delivery: Delivery, route: Route) -> str | None:
        """Return the timestamp of the message that an earlier attempt with an unknown outcome posted, or None if there
        is none.

        Of two messages, keep the older one and delete the younger. A line that only has the same text may belong to
        another delivery: it is accepted as this one, and never deleted.
        """
        if delivery.ts is None and _is_repeatable(delivery):
            return None
        mark = _message_ref(delivery)
        found = await self._posted(delivery, replace(mark, fact=None))
        if not found:
            same = await self._posted(delivery, mark) if mark.fact is not None and delivery.ts is None else []
            return same[0] if same else delivery.ts
        kept, *younger = sorted({*found, delivery.ts or found[0]}, key=float)
        if delivery.ts not in {None, kept}:
            await self._store.outbox.adopt(delivery, ts=kept, at=self._clock())
        for ts in younger:
            log.warning("message_duplicated", delivery=delivery.id, what=delivery.kind)
            await self._delete(delivery, ts, route)
        return kept

    async def _posted(self, delivery: Delivery, mark: MessageRef) -> list[str]:
        """Return the timestamps of the messages in Slack that carry this reference, oldest first."""
        if delivery.kind is DeliveryKind.NOTE and delivery.card:
            # A line about the report may be older than its delivery: the database may have gone back in time in
            # between.
            thread, since = delivery.card.ts, datetime.fromtimestamp(float(delivery.card.ts), UTC)
            known = delivery.lines - {delivery.ts}
            return await self._slack.find_message(delivery.channel, mark, since=since, thread=thread, but=known)
        # The true time of a delivery dated in the future is unknown. A bot that stopped is restarted within a week.
        is_ahead = is_future(delivery.at, self._clock())
        since = self._clock() - _A_WEEK if is_ahead else delivery.at - CLOCKS_DIFFER
        return await self._slack.find_message(delivery.channel, mark, since=since)

    async def _delete(self, delivery: Delivery, ts: str, route: Route) -> None:
        """Delete the younger of two messages. For a card, delete the bot's lines in its thread too."""
        notes = await self._slack.notes_under(delivery.channel, ts) if delivery.kind is DeliveryKind.CARD else []
        for each in (*notes, ts):
            self._limiter.consume(route)
            try:
                await self._slack.delete(delivery.channel, each)
            except SlackRefused as exc:
                if action_for(exc.code) in _OUTAGE_SCOPES:
                    raise
                log.warning("message_not_deleted", delivery=delivery.id, code=exc.code)  # it may be gone already

    async def _send(self, delivery: Delivery, route: Route) -> str:
        message = await self._render(delivery)
        try:
            return await self._post_or_update(delivery, message)
        except SlackRefused as exc:
            if action_for(exc.code) is not ErrorAction.SHORTEN:
                raise
            log.warning("delivery_shortened", delivery=delivery.id, what=delivery.kind, code=exc.code)
            self._limiter.consume(route)
            return await self._post_or_update(delivery, Message(text=message.text[:_SHORTENED_CHARS], blocks=[]))

    async def _post_or_update(self, delivery: Delivery, message: Message) -> str:
        """Post the message or update what is there. Return its timestamp."""
        self._store.leases.ensure()
        mark = _message_ref(delivery)
        if delivery.kind is DeliveryKind.CARD:
            mark = replace(mark, trace=await self._store.installation.trace(mark.number))
        if delivery.kind is DeliveryKind.CARD and delivery.card is not None:
            is_kept = not self.may_mark.is_set()
            await self._slack.update(delivery.channel, delivery.card.ts, message, None if is_kept else mark)
            if is_kept:
                self._unmarked.add(mark.number)
            return delivery.card.ts
        if delivery.ts is not None:
            await self._slack.update(delivery.channel, delivery.ts, message, mark)
            return delivery.ts
        thread = None if delivery.card is None else delivery.card.ts
        return await self._slack.post(delivery.channel, message, mark, thread=thread)

    async def _render(self, delivery: Delivery) -> Message:
        match delivery.kind:
            case DeliveryKind.CARD:
                return await self._render_card(delivery.evaluation_id or 0)
            case DeliveryKind.NOTE:
                return entry_message(delivery.entry) if delivery.entry else note_message("")
            case DeliveryKind.MESSAGE:
                return note_message(delivery.text or "")
            case DeliveryKind.SUMMARY:
                return note_message(backlog_notice(delivery.waiting))
            case _:
                assert_never(delivery.kind)

    async def _render_card(self, evaluation_id: int) -> Message:
        """Render the card as it is now, whatever it was when the delivery was enqueued."""
        card = await self._store.evaluations.card(evaluation_id)
        if card is None:
            return note_message("This evaluation is no longer on record.")
        if card.evaluation.id == evaluation_id:
            return card_message(card, today=self._today(), rules=self._rules)
        there = card.evaluation.card
        url = self._workspace_url()
        return pointer_message(card, permalink(there, url) if there and url else None)


def _is_repeatable(delivery: Delivery) -> bool:
    """Return whether repeating does no harm, or less than looking: reading direct messages would need two
    more scopes.
    """
    is_change = delivery.ts is not None or (delivery.kind is DeliveryKind.CARD and delivery.card is not None)
    return is_change or is_person(delivery.channel)


def _message_ref(delivery: Delivery) -> MessageRef:
    if delivery.kind is DeliveryKind.CARD:
        return MessageRef(event=Event.CARD, number=delivery.evaluation_id or 0, delivery=delivery.id)
    fact = None if delivery.entry is None else metadata.fact(delivery.entry)
    return MessageRef(event=_EVENTS[delivery.kind], number=delivery.id, fact=fact)
