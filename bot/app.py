"""The composition root: settings in, a running bot out, and an orderly end."""

import asyncio
import gc
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import aiohttp
import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.config import Settings
from bot.domain.policy import Rules
from bot.jobs import at_midnight, ended, ended_by_signals, every, forever, scheduler
from bot.lifetimes import cut_off, identity_of, last_orders, settle_interrupted, while_slack_is_away
from bot.listeners import register
from bot.listeners.deps import Deps
from bot.listeners.guard import Guard
from bot.mail.countries import load_countries
from bot.mail.template import load_templates
from bot.mailroom import inbound, links, our_name, post_office
from bot.marketplace.client import Marketplace
from bot.services.actors import Actors
from bot.services.cards import Cards
from bot.services.closed import ClosedWays
from bot.services.consent import Consent
from bot.services.daily import Daily
from bot.services.health import Health
from bot.services.outreach import Outreach
from bot.services.ownership import Ownership
from bot.services.post import Post
from bot.services.postman import Postman
from bot.services.presses import Presses
from bot.services.reconciler import Reconciler
from bot.services.traffic import SLACKS_LIMITS, Limits, Traffic
from bot.services.trouble import Trouble
from bot.services.watch import Watch
from bot.slack.directory import Directory
from bot.slack.poster import Identity, Poster
from bot.slack.socket import PATIENCE, Patience, Socket
from bot.store import Store, open_store
from bot.store.deliveries import Lane
from bot.web.inbound import Bounces
from bot.web.server import endpoints, serve
from bot.web.unsubscribe import Unsubscribe

log = structlog.get_logger()

_PAUSES: Final = timedelta(hours=1)
"""How often it is looked whether a pause is over."""
_SLACK_TIMEOUT: Final = 30
_ALIVE: Final = 50_000
"""New objects after which garbage is looked for: after 700, as by default, a sweep spends a sixth of its time on it."""
_A_TURN: Final = 0.0001
"""Seconds that one thread may compute while another waits: whoever writes rows needs a turn after each statement."""


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
    rules: Rules
    trouble: Trouble


@asynccontextmanager
async def assembled(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> AsyncIterator[Parts]:
    """The parts that speak to the world, open. BotError when one of them cannot be."""
    gc.set_threshold(_ALIVE)
    sys.setswitchinterval(_A_TURN)
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
            post=post_office(settings),
            rules=Rules(
                countries=load_countries(settings.mail_countries),
                at_most_every=settings.mail_at_most_every,
                hold=settings.mail_hold,
            ),
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
    await settle_interrupted(parts.store, channel=settings.slack_channel, clock=clock)
    identity = await identity_of(parts.poster)
    reconciler = _reconciler(settings, parts, identity, clock=clock)
    may_post = await while_slack_is_away(reconciler.compare)
    daily = Daily(parts.store, zone=settings.timezone, clock=clock)
    cards = _cards(settings, parts, identity, limits=limits, daily=daily, clock=clock)
    health = Health(parts.store, poll_every=settings.poll_every, clock=clock)
    consent = Consent(parts.store, clock=clock, admins=settings.slack_admins)
    app, guard = _slack_app(
        settings, parts, identity, cards=cards, consent=consent, daily=daily, health=health, clock=clock
    )
    async with AsyncExitStack() as stack:
        workers = [asyncio.create_task(forever("deliver", cards.run))]
        resting = [cards.paused, parts.watch.paused]
        if parts.post is not None:
            postman = Postman(parts.store, parts.post, rules=parts.rules, trouble=parts.trouble, clock=clock)
            workers.append(asyncio.create_task(forever("mail", postman.run)))
            resting.append(postman.paused)
            stack.push_async_callback(parts.post.smtp.aclose)
        jobs = _scheduled(settings, parts, cards, consent)
        if not may_post:
            every(jobs, timedelta(minutes=1), "compare", reconciler.compare)
        jobs.start()
        stack.push_async_callback(cut_off, guard, parts.watch)
        stack.callback(jobs.shutdown, wait=False)
        stack.push_async_callback(last_orders, guard, resting, workers)
        stack.callback(jobs.pause)
        slack = app if settings.slack_app_token is None else None
        bounces = _bounces(settings, parts.store, clock=clock)
        served = endpoints(health, slack=slack, unsubscribing=_unsubscribing(settings, consent), bounces=bounces)
        port = await stack.enter_async_context(serve(served, host=settings.http_host, port=settings.http_port))
        if settings.slack_app_token is not None:
            token = settings.slack_app_token.get_secret_value()
            socket = Socket(app, partial(parts.poster.socket_address, token), app_token=token, patience=patience)
            health.line = socket.line
            every(jobs, timedelta(minutes=1), "listen", lambda: parts.trouble.listened(socket.line()))
            stack.push_async_callback(ended, asyncio.create_task(forever("socket", socket.run)))
        log.info("running", team=identity.team, channel=settings.slack_channel, port=port, http=slack is not None)
        yield port


def _cards(
    settings: Settings,
    parts: Parts,
    identity: Identity,
    *,
    limits: Mapping[Lane, Limits],
    daily: Daily,
    clock: Callable[[], datetime],
) -> Cards:
    """What brings to Slack what is owed to it."""
    return Cards(
        parts.store,
        parts.poster,
        traffic=Traffic(limits),
        closed=ClosedWays(parts.store, admins=settings.slack_admins, channel=settings.slack_channel, clock=clock),
        workspace_url=identity.url,
        clock=clock,
        today=daily.today,
        rules=parts.rules,
    )


def _reconciler(settings: Settings, parts: Parts, identity: Identity, *, clock: Callable[[], datetime]) -> Reconciler:
    """Who compares Slack with the database."""
    return Reconciler(
        parts.store,
        parts.poster,
        us=identity.user,
        channel=settings.slack_channel,
        admins=settings.slack_admins,
        closed=ClosedWays(parts.store, admins=settings.slack_admins, channel=settings.slack_channel, clock=clock),
        clock=clock,
    )


def _scheduled(settings: Settings, parts: Parts, cards: Cards, consent: Consent) -> AsyncIOScheduler:
    """What is done again and again."""
    jobs = scheduler()
    every(jobs, settings.poll_every, "poll", parts.watch.run_once)
    every(jobs, _PAUSES, "pauses", consent.end_pauses)
    at_midnight(jobs, settings.timezone, "repaint", cards.repaint_running)
    at_midnight(jobs, settings.timezone, "retention", partial(consent.forget_older, settings.retention))
    return jobs


def _slack_app(
    settings: Settings,
    parts: Parts,
    identity: Identity,
    *,
    cards: Cards,
    consent: Consent,
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
        parts.store,
        parts.post,
        loaded.templates,
        rules=parts.rules,
        address_of=actors.address,
        clock=clock,
        today=daily.today,
        token=lambda: secrets.token_hex(16),
    )
    deps = Deps(
        actors=actors,
        cards=cards,
        consent=consent,
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


def _unsubscribing(settings: Settings, consent: Consent) -> Unsubscribe | None:
    """The page behind the links in mails, for a bot that can be reached from outside."""
    ours = links(settings)
    if ours is None:
        return None
    return Unsubscribe(ours, consent, sender=our_name(settings))


def _bounces(settings: Settings, store: Store, *, clock: Callable[[], datetime]) -> Bounces | None:
    secret = settings.bounces_secret
    return None if secret is None else Bounces(inbound(settings, store, clock=clock), secret=secret.get_secret_value())
