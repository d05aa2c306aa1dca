"""Start and stop in order: recover what was interrupted, finish what is in progress."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime
from typing import Final

import structlog

from bot.app.leader import Leader
from bot.concurrency.tasks import cancel_and_wait
from bot.domain.webhook_address import WebhookAddress
from bot.listeners.middleware import ListenerMiddleware
from bot.services.ingest.poller import ReportPoller
from bot.services.slack_identity import BotIdentity
from bot.slack.client.web_client import SlackClient
from bot.store import Store
from bot.store.engine.database import Database

Paused = Callable[[], AbstractAsyncContextManager[None]]
"""Waits until work in progress has finished; nothing new begins inside the block."""

log = structlog.get_logger()

_SHUTDOWN_TIMEOUT_S: Final = 4.0
"""Seconds for work in progress to finish when the bot stops; the rest of the ten is for closing."""
_CLOSE_TIMEOUT_S: Final = 1.0


async def recover_interrupted(
    store: Store, *, channel: str, webhooks: Sequence[WebhookAddress], clock: Callable[[], datetime]
) -> None:
    """Mark what was in progress at the last stop as unknown, and move waiting cards to the channel of their app, or
    else to `channel`. From now on, events are recorded for the addresses of `webhooks`, and for no others.
    """
    await store.webhooks.register(webhooks, forget_others=True)
    mails = await store.mails.recover_in_flight(at=clock())
    deliveries = await store.outbox.recover_in_flight()
    if store.database.is_server:
        await store.outbox.forget_waits(at=clock())
    interactions = await store.interactions.forget_interrupted()
    moved = await store.outbox.move(channel)
    if mails or deliveries or interactions:
        log.warning("interrupted_work_recovered", mails=mails, deliveries=deliveries, interactions=interactions)
    if moved:
        log.info("cards_moved", cards=moved, channel=channel)


@asynccontextmanager
async def wait_for_slack(slack: SlackClient, *, within: float) -> AsyncIterator[BotIdentity]:
    """Yield the bot's identity in Slack. Raises SlackRefused if the token is invalid.

    Without an answer within so many seconds, the bot starts anyway and keeps asking in the background.
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


async def finish_work(resting: Sequence[Paused], workers: Sequence[asyncio.Task[None]], store: Store) -> None:
    """Let posts, emails and a running poll finish, unless another copy may lead by now. Start nothing new."""
    async with AsyncExitStack() as held:
        with suppress(TimeoutError):
            async with asyncio.timeout(_time_to_finish(store.database) if store.leases.is_held else 0):
                for paused in resting:
                    await held.enter_async_context(paused())
                log.info("drained")
        for worker in workers:
            await cancel_and_wait(worker)


async def graceful_shutdown(
    middleware: ListenerMiddleware, lead: Leader, leading: asyncio.Task[None], database: Database
) -> None:
    """Let interactions and the leader's work finish, and start nothing new. The next copy takes over meanwhile."""

    async def hand_over() -> None:
        lead.end()
        await asyncio.wait({leading})
        await lead.release()

    await asyncio.gather(hand_over(), middleware.drain(_time_to_finish(database)))


def _time_to_finish(database: Database) -> float:
    return _SHUTDOWN_TIMEOUT_S if database.locked_since is None else _CLOSE_TIMEOUT_S


async def release_poller(poller: ReportPoller) -> None:
    """Wait until a cancelled poll has released the store. It is recovered at the next start."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_TIMEOUT_S), poller.paused():
            pass
