"""Bring to Slack what is owed to it: in order, at Slack's pace, never twice."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Final, assert_never

import structlog

from bot.errors import BotError, SlackOutcomeUnknown, SlackRefused, SlackUnavailable
from bot.services.pace import Pace
from bot.slack.blocks import Message, card_message, note_message, pointer_message
from bot.slack.ids import Event
from bot.slack.notes import note
from bot.slack.poster import CHANNEL_TROUBLE, Mark, Poster
from bot.slack.today import permalink
from bot.store import Store
from bot.store.deliveries import Delivery, Lane, What

log = structlog.get_logger()

_LOOK_AGAIN: Final = 5.0
"""Seconds after which the outbox is looked at even if this process wrote nothing: another one may have."""
_LONGEST_WAIT: Final = timedelta(minutes=5)
_CLOCKS_DIFFER: Final = timedelta(minutes=15)
_MARKS: Final = {What.CARD: Event.CARD, What.NOTE: Event.NOTE, What.MESSAGE: Event.MESSAGE}


class Cards:
    """The delivery of the outbox; each lane has one worker."""

    def __init__(
        self,
        store: Store,
        poster: Poster,
        *,
        paces: dict[Lane, Pace],
        workspace_url: str,
        clock: Callable[[], datetime],
        today: Callable[[], date],
    ) -> None:
        self._store = store
        self._poster = poster
        self._paces = paces
        self._workspace_url = workspace_url
        self._clock = clock
        self._today = today
        self._busy = {lane: asyncio.Lock() for lane in Lane}

    async def run(self, lane: Lane) -> None:
        """Deliver for ever; ends by being cancelled."""
        while True:
            moment = self._store.database.writes
            if not await self.deliver(lane):
                due = await self._store.deliveries.next_due(lane)
                wait = _LOOK_AGAIN if due is None else min((due - self._clock()).total_seconds(), _LOOK_AGAIN)
                await self._store.database.written(moment, seconds=max(wait, 0.05))

    async def deliver(self, lane: Lane) -> bool:
        """Bring one thing that is due, if there is one; whether there was."""
        due = await self._store.deliveries.next_due(lane)
        if due is None or due > self._clock():
            return False
        await self._paces[lane].turn()
        async with self._busy[lane]:
            delivery = await self._store.deliveries.take(lane, now=self._clock())
            if delivery is None:
                return False
            await self._bring(delivery, lane)
        return True

    async def repaint(self, evaluation_id: int) -> None:
        """Owe a card a fresh look, for one that shows something which is no longer so."""
        await self._store.evaluations.repaint(evaluation_id, at=self._clock())

    async def repaint_running(self) -> None:
        """Owe every card of a running trial a fresh look, once a day has passed."""
        await self._store.evaluations.repaint_running(at=self._clock())

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Wait until what is under way has come to its end; nothing is begun inside."""
        async with AsyncExitStack() as stack:
            for lane in Lane:
                await stack.enter_async_context(self._busy[lane])
            yield

    async def _bring(self, delivery: Delivery, lane: Lane) -> None:
        try:
            ts = await self._found(delivery) or await self._send(delivery)
        except SlackUnavailable as exc:
            self._paces[lane].hold(exc.retry_after)
            await self._later(delivery, exc, wait=timedelta(seconds=exc.retry_after), unsure=delivery.unsure)
        except SlackOutcomeUnknown as exc:
            await self._later(delivery, exc, wait=_backoff(delivery), unsure=True)
        except SlackRefused as exc:
            if exc.code in CHANNEL_TROUBLE:
                self._paces[lane].hold(_backoff(delivery).total_seconds())
                await self._later(delivery, exc, wait=_backoff(delivery), unsure=delivery.unsure)
            else:
                log.warning("delivery_given_up", delivery=delivery.id, what=delivery.what, code=exc.code)
                await self._store.deliveries.give_up(delivery, error=str(exc))
        else:
            await self._store.deliveries.done(delivery, ts=ts)

    async def _later(self, delivery: Delivery, error: BotError, *, wait: timedelta, unsure: bool) -> None:
        log.warning("delivery_postponed", delivery=delivery.id, what=delivery.what, reason=str(error))
        await self._store.deliveries.postpone(delivery, until=self._clock() + wait, error=str(error), unsure=unsure)

    async def _found(self, delivery: Delivery) -> str | None:
        """Where an earlier attempt left it, for one whose outcome nobody knows: look before posting again."""
        if not delivery.unsure or (delivery.what is What.CARD and delivery.card is not None):
            return None
        thread = delivery.card.ts if delivery.what is What.NOTE and delivery.card else None
        since = delivery.at - _CLOCKS_DIFFER
        return await self._poster.find(delivery.channel, _mark(delivery), since=since, thread=thread)

    async def _send(self, delivery: Delivery) -> str:
        match delivery.what:
            case What.CARD:
                return await self._paint(delivery)
            case What.NOTE:
                text = note(delivery.entry) if delivery.entry else ""
                thread = delivery.card.ts if delivery.card else None
                return await self._poster.post(delivery.channel, note_message(text), _mark(delivery), thread=thread)
            case What.MESSAGE:
                return await self._poster.post(delivery.channel, note_message(delivery.text or ""), _mark(delivery))
            case _:
                assert_never(delivery.what)

    async def _paint(self, delivery: Delivery) -> str:
        message = await self._view(delivery.evaluation_id or 0)
        if delivery.card is None:
            return await self._poster.post(delivery.channel, message, _mark(delivery))
        await self._poster.update(delivery.channel, delivery.card.ts, message, _mark(delivery))
        return delivery.card.ts

    async def _view(self, evaluation_id: int) -> Message:
        """The card as it stands now, whatever it was when the delivery was written."""
        card = await self._store.evaluations.card(evaluation_id)
        if card is None:
            return note_message("This evaluation is no longer on record.")
        if card.evaluation.id == evaluation_id:
            return card_message(card, today=self._today())
        there = card.evaluation.card
        return pointer_message(card, permalink(there, self._workspace_url) if there else None)


def _mark(delivery: Delivery) -> Mark:
    number = delivery.evaluation_id if delivery.what is What.CARD else delivery.id
    return Mark(event=_MARKS[delivery.what], number=number or 0)


def _backoff(delivery: Delivery) -> timedelta:
    return min(timedelta(seconds=2**delivery.attempts), _LONGEST_WAIT)
