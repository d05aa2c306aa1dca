"""The composition root: settings in, a running bot out, and an orderly end."""

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.config import Settings
from bot.errors import SlackOutcomeUnknown, SlackUnavailable
from bot.jobs import at_midnight, every, forever, scheduler
from bot.listeners import register
from bot.listeners.deps import Deps
from bot.listeners.guard import Guard
from bot.mail.compose import Sender
from bot.mail.smtp import Smtp, SmtpServer
from bot.mail.template import load_templates
from bot.marketplace.client import Marketplace
from bot.services.cards import Cards
from bot.services.consent import Consent
from bot.services.daily import Daily
from bot.services.health import Health
from bot.services.outreach import Outreach, Post
from bot.services.ownership import Ownership
from bot.services.pace import Pace
from bot.services.watch import Watch
from bot.slack.poster import Identity, Poster
from bot.store import Store, open_store
from bot.store.deliveries import Lane
from bot.web.server import endpoints, serve

log = structlog.get_logger()

_LAST_ORDERS: Final = 8.0
"""Seconds that what is under way has to come to its end when the bot stops."""
_SLACK_TIMEOUT: Final = 30

Paces = Mapping[Lane, tuple[float, int]]
SLACKS_PACES: Final[Paces] = {Lane.POST: (1.05, 1), Lane.UPDATE: (1.25, 8)}
"""Seconds between two, and how many at once: a message a second in a channel, 50 updates a minute (Tier 3)."""


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What both the running bot and the other commands are made of."""

    store: Store
    marketplace: Marketplace
    watch: Watch
    client: AsyncWebClient
    poster: Poster
    post: Post | None


@asynccontextmanager
async def assembled(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> AsyncIterator[Parts]:
    """The parts that speak to the world, open. BotError when one of them cannot be."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings.database_url, secret_keys=settings.secret_key))
        marketplace = await stack.enter_async_context(
            Marketplace(
                api_url=settings.marketplace_api_url,
                user=settings.marketplace_user,
                token=settings.marketplace_token.get_secret_value(),
                vendor_id=settings.marketplace_vendor_id,
                developer_id=settings.marketplace_developer_id,
            )
        )
        session = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SLACK_TIMEOUT))
        )
        # The SDK's own retry would repeat a post that Slack has already taken: whether to try again is ours to say.
        client = AsyncWebClient(
            token=settings.slack_bot_token.get_secret_value(),
            base_url=f"{settings.slack_api_url.rstrip('/')}/",
            session=session,
            retry_handlers=[],
        )
        watch = Watch(
            marketplace,
            store,
            channel=settings.slack_channel,
            first_run_days=settings.first_run_days,
            sweep_every=settings.sweep_every,
            clock=clock,
        )
        yield Parts(
            store=store,
            marketplace=marketplace,
            watch=watch,
            client=client,
            poster=Poster(client),
            post=_post(settings),
        )


async def run(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> None:
    """The bot, until SIGTERM or SIGINT; then what is under way comes to its end, within ten seconds."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    async with assembled(settings, clock=clock) as parts, running(settings, parts, clock=clock):
        await stop.wait()
        log.info("stopping")


@asynccontextmanager
async def running(
    settings: Settings, parts: Parts, *, clock: Callable[[], datetime] = utc_now, paces: Paces = SLACKS_PACES
) -> AsyncIterator[int]:
    """The bot at work, inside the block; at its end nothing new is taken, and what is under way is finished.

    Gives the port of the HTTP endpoints.
    """
    await _settle_interrupted(parts.store, clock=clock)
    identity = await _identity(parts.poster)
    daily = Daily(parts.store, zone=settings.timezone, clock=clock)
    cards = Cards(
        parts.store,
        parts.poster,
        paces={lane: Pace(interval=interval, burst=burst) for lane, (interval, burst) in paces.items()},
        workspace_url=identity.url,
        clock=clock,
        today=daily.today,
    )
    app, guard = _slack_app(settings, parts, identity, cards=cards, daily=daily, clock=clock)
    async with AsyncExitStack() as stack:
        lanes = [asyncio.create_task(forever(f"deliver {lane}", partial(cards.run, lane))) for lane in Lane]
        stack.push_async_callback(_ended, lanes)
        jobs = scheduler()
        every(jobs, settings.poll_every, "poll", parts.watch.run_once)
        at_midnight(jobs, settings.timezone, "repaint", cards.repaint_running)
        jobs.start()
        stack.callback(jobs.shutdown, wait=False)
        stack.push_async_callback(_last_orders, guard, cards, parts.watch)
        stack.callback(jobs.pause)
        slack = app if settings.slack_app_token is None else None
        health = endpoints(Health(parts.store, clock=clock), slack=slack)
        port = await stack.enter_async_context(serve(health, host=settings.http_host, port=settings.http_port))
        if settings.slack_app_token is not None:
            socket = AsyncSocketModeHandler(app, settings.slack_app_token.get_secret_value())
            connecting = asyncio.create_task(forever("socket", partial(_connect, socket)))
            stack.push_async_callback(_closed, socket)
            stack.push_async_callback(_ended, [connecting])
        log.info("running", team=identity.team, channel=settings.slack_channel, port=port, http=slack is not None)
        yield port


def _slack_app(
    settings: Settings,
    parts: Parts,
    identity: Identity,
    *,
    cards: Cards,
    daily: Daily,
    clock: Callable[[], datetime],
) -> tuple[AsyncApp, Guard]:
    secret = settings.slack_signing_secret
    app = AsyncApp(client=parts.client, signing_secret=secret.get_secret_value() if secret else None)
    guard = Guard(parts.poster)
    loaded = load_templates(settings.mail_templates)
    for problem in loaded.problems:
        log.warning("template_unusable", problem=problem)
    outreach = Outreach(
        parts.store, parts.post, loaded.templates, clock=clock, today=daily.today, token=lambda: secrets.token_hex(16)
    )
    deps = Deps(
        cards=cards,
        consent=Consent(parts.store, clock=clock),
        daily=daily,
        outreach=outreach,
        ownership=Ownership(parts.store, clock=clock),
        poster=parts.poster,
        workspace_url=identity.url,
        clock=clock,
    )
    register(app, guard, deps)
    return app, guard


def _post(settings: Settings) -> Post | None:
    """The post office, once server, sender and postal address are all set."""
    if settings.smtp_host is None or settings.mail_from is None or settings.mail_postal_address is None:
        return None
    password = settings.smtp_password
    server = SmtpServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_username,
        password=password.get_secret_value() if password else None,
        tls=settings.smtp_tls,
    )
    sender = Sender(
        from_address=settings.mail_from,
        postal_address=settings.mail_postal_address,
        reply_to=settings.mail_reply_to,
    )
    return Post(smtp=Smtp(server), sender=sender)


async def _settle_interrupted(store: Store, *, clock: Callable[[], datetime]) -> None:
    mails = await store.mails.settle_interrupted(at=clock())
    deliveries = await store.deliveries.settle_interrupted()
    if mails or deliveries:
        log.warning("interrupted_last_time", mails=mails, deliveries=deliveries)


async def _identity(poster: Poster) -> Identity:
    """Who we are in Slack; while Slack is away, keep asking. SlackRefused when the token is no good."""
    wait = timedelta(seconds=1)
    while True:
        try:
            return await poster.identity()
        except (SlackUnavailable, SlackOutcomeUnknown) as exc:
            log.warning("slack_away", reason=str(exc))
            await asyncio.sleep(wait.total_seconds())
            wait = min(wait * 2, timedelta(minutes=1))


async def _connect(socket: AsyncSocketModeHandler) -> None:
    """Connect, then rest: the SDK reconnects by itself."""
    await socket.connect_async()  # type: ignore[no-untyped-call]  # Bolt's adapter has no types
    await asyncio.Event().wait()


async def _last_orders(guard: Guard, cards: Cards, watch: Watch) -> None:
    """Let presses, posts and a running poll come to their end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LAST_ORDERS):
            await guard.drain(_LAST_ORDERS)
            async with cards.paused(), watch.paused():
                log.info("at_rest")


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _closed(socket: AsyncSocketModeHandler) -> None:
    """Closing may hang after an outage; we do not wait for it for ever."""
    with suppress(TimeoutError):
        await asyncio.wait_for(socket.close_async(), timeout=3)  # type: ignore[no-untyped-call]  # as above
