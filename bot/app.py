"""The composition root: settings in, a running bot out, and an orderly end."""

import asyncio
import gc
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import aiohttp
import structlog
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.config import Settings
from bot.errors import SlackOutcomeUnknown, SlackUnavailable
from bot.jobs import at_midnight, ended, ended_by_signals, every, forever, scheduler
from bot.listeners import register
from bot.listeners.deps import Deps
from bot.listeners.guard import Guard
from bot.mail.compose import Sender
from bot.mail.smtp import Smtp, SmtpServer
from bot.mail.template import load_templates
from bot.marketplace.client import Marketplace
from bot.services.actors import Actors
from bot.services.cards import Cards
from bot.services.closed import ClosedWays
from bot.services.consent import Consent
from bot.services.daily import Daily
from bot.services.health import Health
from bot.services.outreach import Outreach, Post
from bot.services.ownership import Ownership
from bot.services.presses import Presses
from bot.services.traffic import SLACKS_LIMITS, Limits, Traffic
from bot.services.trouble import Trouble
from bot.services.watch import Watch
from bot.slack.directory import Directory
from bot.slack.poster import Identity, Poster
from bot.slack.socket import PATIENCE, Patience, Socket
from bot.store import Store, open_store
from bot.store.deliveries import Lane
from bot.web.server import endpoints, serve

log = structlog.get_logger()

_LAST_ORDERS: Final = 5.0
"""Seconds that what is under way has to come to its end when the bot stops; the rest of the ten is for closing."""
_PARTING: Final = 1.0
_SLACK_TIMEOUT: Final = 30
_ALIVE: Final = 50_000
"""New objects after which garbage is looked for: after 700, as by default, a sweep spends a sixth of its time on it."""


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
    trouble: Trouble


@asynccontextmanager
async def assembled(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> AsyncIterator[Parts]:
    """The parts that speak to the world, open. BotError when one of them cannot be."""
    gc.set_threshold(_ALIVE)
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
        trouble = Trouble(store, admins=settings.slack_admins, channel=settings.slack_channel, clock=clock)
        watch = Watch(
            marketplace,
            store,
            channel=settings.slack_channel,
            first_run_days=settings.first_run_days,
            sweep_every=settings.sweep_every,
            own_sites=settings.test_sites,
            trouble=trouble,
            clock=clock,
        )
        yield Parts(
            store=store,
            marketplace=marketplace,
            watch=watch,
            client=client,
            poster=Poster(client),
            post=_post(settings),
            trouble=trouble,
        )


async def run(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> None:
    """The bot, until SIGTERM or SIGINT; then what is under way comes to its end, within ten seconds.

    A second signal ends it at once, which is as safe as any other moment to be killed.
    """
    ended_by_signals(asyncio.get_running_loop(), asyncio.current_task())
    with suppress(asyncio.CancelledError):
        async with assembled(settings, clock=clock) as parts, running(settings, parts, clock=clock):
            await asyncio.Event().wait()


@asynccontextmanager
async def running(
    settings: Settings,
    parts: Parts,
    *,
    clock: Callable[[], datetime] = utc_now,
    limits: Mapping[Lane, Limits] = SLACKS_LIMITS,
    patience: Patience = PATIENCE,
) -> AsyncIterator[int]:
    """The bot at work, inside the block; at its end nothing new is taken, and what is under way is finished.

    Gives the port of the HTTP endpoints.
    """
    await _settle_interrupted(parts.store, channel=settings.slack_channel, clock=clock)
    identity = await _identity(parts.poster)
    daily = Daily(parts.store, zone=settings.timezone, clock=clock)
    cards = Cards(
        parts.store,
        parts.poster,
        traffic=Traffic(limits),
        closed=ClosedWays(parts.store, admins=settings.slack_admins, channel=settings.slack_channel, clock=clock),
        workspace_url=identity.url,
        clock=clock,
        today=daily.today,
    )
    health = Health(parts.store, poll_every=settings.poll_every, clock=clock)
    app, guard = _slack_app(settings, parts, identity, cards=cards, daily=daily, health=health, clock=clock)
    async with AsyncExitStack() as stack:
        delivering = asyncio.create_task(forever("deliver", cards.run))
        jobs = scheduler()
        every(jobs, settings.poll_every, "poll", parts.watch.run_once)
        at_midnight(jobs, settings.timezone, "repaint", cards.repaint_running)
        jobs.start()
        stack.push_async_callback(_cut_off, guard, parts.watch)
        stack.callback(jobs.shutdown, wait=False)
        stack.push_async_callback(_last_orders, guard, cards, parts.watch, delivering)
        stack.callback(jobs.pause)
        slack = app if settings.slack_app_token is None else None
        served = endpoints(health, slack=slack)
        port = await stack.enter_async_context(serve(served, host=settings.http_host, port=settings.http_port))
        if settings.slack_app_token is not None:
            token = settings.slack_app_token.get_secret_value()
            socket = Socket(app, partial(parts.poster.socket_address, token), app_token=token, patience=patience)
            health.line = socket.line
            every(jobs, timedelta(minutes=1), "listen", lambda: parts.trouble.listened(socket.line()))
            stack.push_async_callback(ended, asyncio.create_task(forever("socket", socket.run)))
        log.info("running", team=identity.team, channel=settings.slack_channel, port=port, http=slack is not None)
        yield port


def _slack_app(
    settings: Settings,
    parts: Parts,
    identity: Identity,
    *,
    cards: Cards,
    daily: Daily,
    health: Health,
    clock: Callable[[], datetime],
) -> tuple[AsyncApp, Guard]:
    secret = settings.slack_signing_secret
    app = AsyncApp(client=parts.client, signing_secret=secret.get_secret_value() if secret else None)
    guard = Guard(parts.poster, Presses(parts.store, clock=clock))
    actors = Actors(Directory(parts.client), team=identity.team, named=settings.slack_actors, clock=clock)
    loaded = load_templates(settings.mail_templates)
    for problem in loaded.problems:
        log.warning("template_unusable", problem=problem)
    outreach = Outreach(
        parts.store, parts.post, loaded.templates, clock=clock, today=daily.today, token=lambda: secrets.token_hex(16)
    )
    deps = Deps(
        actors=actors,
        cards=cards,
        consent=Consent(parts.store, clock=clock),
        daily=daily,
        health=health,
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


async def _settle_interrupted(store: Store, *, channel: str, clock: Callable[[], datetime]) -> None:
    mails = await store.mails.settle_interrupted(at=clock())
    deliveries = await store.deliveries.settle_interrupted()
    presses = await store.presses.forget_interrupted()
    moved = await store.deliveries.move(channel)
    if mails or deliveries or presses:
        log.warning("interrupted_last_time", mails=mails, deliveries=deliveries, presses=presses)
    if moved:
        log.info("cards_moved", cards=moved, channel=channel)


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


async def _last_orders(guard: Guard, cards: Cards, watch: Watch, delivering: asyncio.Task[None]) -> None:
    """Let posts, a running poll and presses come to their end, and begin nothing new."""
    async with AsyncExitStack() as held:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_ORDERS):
                await held.enter_async_context(cards.paused())
                await held.enter_async_context(watch.paused())
                await guard.drain(_LAST_ORDERS)
                log.info("at_rest")
        await ended(delivering)


async def _cut_off(guard: Guard, watch: Watch) -> None:
    """Wait for what was cancelled to let go of the store: what it was at is settled at the next start, by rule."""
    await guard.cut_off()
    with suppress(TimeoutError):
        async with asyncio.timeout(_PARTING), watch.paused():
            pass
