"""How the bot begins and ends: what was interrupted is settled, and what is under way is finished."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Final, TypeVar

import structlog

from bot.concurrency.tasks import cancel_and_wait
from bot.errors import SlackOutcomeUnknown, SlackUnavailable
from bot.listeners.middleware import ListenerMiddleware
from bot.services.ingest.poller import ReportPoller
from bot.services.slack_identity import BotIdentity
from bot.slack.client.web_client import SlackClient
from bot.store import Store
from bot.store.engine.database import Database

T = TypeVar("T")
Paused = Callable[[], AbstractAsyncContextManager[None]]
"""Waits until what is under way has ended; nothing is begun inside the block."""

log = structlog.get_logger()

_SHUTDOWN_TIMEOUT_S: Final = 4.0
"""Seconds that what is under way has to come to its end when the bot stops; the rest of the ten is for closing."""
_CLOSE_TIMEOUT_S: Final = 1.0


async def recover_interrupted(store: Store, *, channel: str, clock: Callable[[], datetime]) -> None:
    """What was under way when the bot stopped becomes unknown, and is settled by rule; cards that wait move along."""
    mails = await store.mails.recover_in_flight(at=clock())
    deliveries = await store.outbox.recover_in_flight()
    interactions = await store.interactions.forget_interrupted()
    moved = await store.outbox.move(channel)
    if mails or deliveries or interactions:
        log.warning("interrupted_work_recovered", mails=mails, deliveries=deliveries, interactions=interactions)
    if moved:
        log.info("cards_moved", cards=moved, channel=channel)


@asynccontextmanager
async def wait_for_slack(slack: SlackClient, *, within: float) -> AsyncIterator[BotIdentity]:
    """Who we are in Slack. SlackRefused when the token is no good.

    After so many seconds without an answer the bot goes to work all the same, and keeps asking meanwhile.
    """
    found = BotIdentity(slack)
    try:
        async with asyncio.timeout(within):
            await found.learn()
    except TimeoutError:
        learning = asyncio.create_task(found.keep_learning())
        try:
            yield found
        finally:
            await cancel_and_wait(learning)
    else:
        yield found


async def retry_until_slack_answers(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask Slack until it answers; SlackRefused when it refuses."""
    wait = timedelta(seconds=1)
    while True:
        try:
            return await ask()
        except (SlackUnavailable, SlackOutcomeUnknown) as exc:
            log.warning("slack_unavailable", reason=str(exc))
            await asyncio.sleep(wait.total_seconds())
            wait = min(wait * 2, timedelta(minutes=1))


async def graceful_shutdown(
    middleware: ListenerMiddleware,
    resting: Sequence[Paused],
    workers: Sequence[asyncio.Task[None]],
    database: Database,
) -> None:
    """Let posts, mails, a running poll and presses come to their end, and begin nothing new."""
    seconds = _SHUTDOWN_TIMEOUT_S if database.locked_since is None else _CLOSE_TIMEOUT_S
    async with AsyncExitStack() as held:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for paused in resting:
                    await held.enter_async_context(paused())
                await middleware.drain(seconds)
                log.info("drained")
        for worker in workers:
            await cancel_and_wait(worker)


async def cancel_remaining(middleware: ListenerMiddleware, poller: ReportPoller) -> None:
    """Wait for what was cancelled to let go of the store: what it was at is settled at the next start, by rule."""
    await middleware.cancel_all()
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_TIMEOUT_S), poller.paused():
            pass
