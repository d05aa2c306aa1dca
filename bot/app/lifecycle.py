"""How the bot begins and ends: what was interrupted is settled, and what is under way is finished."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Final, TypeVar

import structlog

from bot.app.scheduler import ended
from bot.errors import SlackOutcomeUnknown, SlackUnavailable
from bot.listeners.middleware import Guard
from bot.services.ingest.poller import Watch
from bot.services.slack_identity import BotIdentity
from bot.slack.client.web_client import Poster
from bot.store import Store
from bot.store.engine.database import Database

T = TypeVar("T")
Paused = Callable[[], AbstractAsyncContextManager[None]]
"""Waits until what is under way has ended; nothing is begun inside the block."""

log = structlog.get_logger()

_LAST_ORDERS: Final = 4.0
"""Seconds that what is under way has to come to its end when the bot stops; the rest of the ten is for closing."""
_PARTING: Final = 1.0


async def settle_interrupted(store: Store, *, channel: str, clock: Callable[[], datetime]) -> None:
    """What was under way when the bot stopped becomes unknown, and is settled by rule; cards that wait move along."""
    mails = await store.mails.settle_interrupted(at=clock())
    deliveries = await store.deliveries.settle_interrupted()
    presses = await store.presses.forget_interrupted()
    moved = await store.deliveries.move(channel)
    if mails or deliveries or presses:
        log.warning("interrupted_last_time", mails=mails, deliveries=deliveries, presses=presses)
    if moved:
        log.info("cards_moved", cards=moved, channel=channel)


@asynccontextmanager
async def identity_of(poster: Poster, *, within: float) -> AsyncIterator[BotIdentity]:
    """Who we are in Slack. SlackRefused when the token is no good.

    After so many seconds without an answer the bot goes to work all the same, and keeps asking meanwhile.
    """
    found = BotIdentity(poster)
    try:
        async with asyncio.timeout(within):
            await found.learn()
    except TimeoutError:
        learning = asyncio.create_task(found.keep_learning())
        try:
            yield found
        finally:
            await ended(learning)
    else:
        yield found


async def while_slack_is_away(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask Slack until it answers; SlackRefused when it refuses."""
    wait = timedelta(seconds=1)
    while True:
        try:
            return await ask()
        except (SlackUnavailable, SlackOutcomeUnknown) as exc:
            log.warning("slack_away", reason=str(exc))
            await asyncio.sleep(wait.total_seconds())
            wait = min(wait * 2, timedelta(minutes=1))


async def last_orders(
    guard: Guard,
    resting: Sequence[Paused],
    workers: Sequence[asyncio.Task[None]],
    database: Database,
) -> None:
    """Let posts, mails, a running poll and presses come to their end, and begin nothing new."""
    seconds = _LAST_ORDERS if database.locked_since is None else _PARTING
    async with AsyncExitStack() as held:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for paused in resting:
                    await held.enter_async_context(paused())
                await guard.drain(seconds)
                log.info("at_rest")
        for worker in workers:
            await ended(worker)


async def cut_off(guard: Guard, watch: Watch) -> None:
    """Wait for what was cancelled to let go of the store: what it was at is settled at the next start, by rule."""
    await guard.cut_off()
    with suppress(TimeoutError):
        async with asyncio.timeout(_PARTING), watch.paused():
            pass
