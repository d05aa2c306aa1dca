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
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.bolt import bolt_app
from bot.config import Settings
from bot.domain.policy import Rules
from bot.jobs import Jobs, Run, ended, ended_by_signals, forever
from bot.lead import TIMING, LeadTiming, leading
from bot.lifetimes import cut_off, identity_of, last_orders, settle_interrupted, while_slack_is_away
from bot.listeners import register
from bot.listeners.deps import Deps
from bot.listeners.guard import Guard
from bot.log import slack_logger
from bot.mail.countries import load_countries
from bot.mail.template import load_templates
from bot.mailroom import inbound, links, our_name, post_office
from bot.marketplace.access import Route
from bot.marketplace.client import Marketplace
from bot.services.actors import Actors
from bot.services.cards import Cards
from bot.services.clock_watch import ClockWatch, since_boot
from bot.services.closed import ClosedWays
from bot.services.consent import Consent
from bot.services.daily import Daily
from bot.services.health import Health
from bot.services.identity import BotIdentity
from bot.services.lock_alert import LockAlert
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
from bot.slack.poster import Poster
from bot.slack.socket import PATIENCE, Patience, Socket
from bot.slack.web_api import BoundedResponse
from bot.store import Store, open_store
from bot.store.deliveries import Lane
from bot.web.events import SlackEvents
from bot.web.inbound import Bounces
from bot.web.server import endpoints, listening, serve
from bot.web.unsubscribe import Unsubscribe

log = structlog.get_logger()

_PAUSES: Final = timedelta(hours=1)
"""How often it is looked whether a pause is over."""
_WATCH: Final = timedelta(seconds=5)
_WIPE: Final = timedelta(minutes=1)
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
async def assembled(
    settings: Settings, *, clock: Callable[[], datetime] = utc_now, patience: timedelta = timedelta(0)
) -> AsyncIterator[Parts]:
    """The parts that speak to the world, open. BotError when one of them cannot be.

    `patience` is how long a bot of another version is waited for, where the tables have to change.
    """
    gc.set_threshold(_ALIVE)
    sys.setswitchinterval(_A_TURN)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            open_store(settings.database_url, secret_keys=settings.secret_key, patience=patience)
        )
        marketplace = await stack.enter_async_context(marketplace_of(settings))
        client = await stack.enter_async_context(slack_client(settings))
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
            poster=Poster(client, proxy_for=settings.network.proxy_for),
            post=post_office(settings),
            rules=Rules(
                countries=load_countries(settings.mail_countries),
                at_most_every=settings.mail_at_most_every,
                hold=settings.mail_hold,
            ),
            trouble=trouble,
        )


@asynccontextmanager
async def slack_client(settings: Settings) -> AsyncIterator[AsyncWebClient]:
    """The client of Slack's Web API, with its connections open."""
    timeout = aiohttp.ClientTimeout(total=_SLACK_TIMEOUT)
    async with aiohttp.ClientSession(timeout=timeout, response_class=BoundedResponse) as session:
        # The SDK's own retry would repeat a post that Slack has already taken: whether to try again is ours to say.
        client = AsyncWebClient(
            token=settings.slack_bot_token.get_secret_value(),
            base_url=f"{settings.slack_api_url.rstrip('/')}/",
            session=session,
            ssl=settings.network.trust,
            retry_handlers=[],
            logger=slack_logger(),
        )
        client.proxy = settings.network.proxy_for(client.base_url)  # given none, the SDK takes one of the environment
        yield client


def marketplace_of(settings: Settings) -> Marketplace:
    """The vendor's reports. SettingsWrong when an id is none."""
    network = settings.network
    return Marketplace(
        api_url=settings.marketplace_api_url,
        user=settings.marketplace_user,
        token=settings.marketplace_token.get_secret_value(),
        vendor_id=settings.marketplace_vendor_id,
        developer_id=settings.marketplace_developer_id,
        route=Route(proxy=network.proxy_for(settings.marketplace_api_url), trust=network.trust),
    )


async def run(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> None:
    """The bot, until SIGTERM or SIGINT; then what is under way comes to its end, within ten seconds.

    A second signal ends it at once, which is as safe as any other moment to be killed. DatabaseBusy when another copy
    has the database; LeaseLost, after an end in order, when another one took over.
    """
    ended_by_signals(asyncio.get_running_loop(), asyncio.current_task())
    patience = timedelta(seconds=TIMING.patience)
    with suppress(asyncio.CancelledError):
        async with assembled(settings, clock=clock, patience=patience) as parts, running(settings, parts, clock=clock):
            await parts.store.leases.until_lost()


@asynccontextmanager
async def running(
    settings: Settings,
    parts: Parts,
    *,
    clock: Callable[[], datetime] = utc_now,
    limits: Mapping[Lane, Limits] = SLACKS_LIMITS,
    patience: Patience = PATIENCE,
    timing: LeadTiming = TIMING,
    elapsed: Callable[[], float] = since_boot,
) -> AsyncIterator[int]:
    """The bot at work, inside the block; at its end nothing new is taken, and what is under way is finished.

    Gives the port of the HTTP endpoints. A copy that does not lead answers presses, and begins to work once it leads.
    """
    settle = partial(settle_interrupted, parts.store, channel=settings.slack_channel, clock=clock)
    async with AsyncExitStack() as stack:
        lead = await stack.enter_async_context(leading(parts.store, settle=settle, timing=timing))
        sockets = stack.enter_context(listening(host=settings.http_host, port=settings.http_port))
        await lead.begin()
        daily = Daily(parts.store, zone=settings.timezone, clock=clock)
        health = Health(parts.store, poll_every=settings.poll_every, clock=clock)
        consent = Consent(parts.store, clock=clock, admins=settings.slack_admins)
        identity = await stack.enter_async_context(identity_of(parts.poster, within=patience.identity))
        health.problems = identity.problems
        reconciler = _reconciler(settings, parts, identity, clock=clock)
        cards = _cards(settings, parts, identity, limits=limits, daily=daily, clock=clock)
        cards.may_post = reconciler.has_compared
        app, guard = _slack_app(
            settings, parts, identity, cards=cards, consent=consent, daily=daily, health=health, clock=clock
        )
        compare = _in_turn(partial(while_slack_is_away, reconciler.compare), reconciler.keep_looking)
        workers = [
            asyncio.create_task(forever("compare", lead.when_had(compare))),
            asyncio.create_task(forever("deliver", lead.when_had(cards.run))),
        ]
        resting = [cards.paused, parts.watch.paused]
        if parts.post is not None:
            actors = _actors(settings, parts, identity, clock=clock)
            postman = _postman(parts, parts.post, actors, clock=clock)
            workers.append(asyncio.create_task(forever("mail", _in_turn(reconciler.compared, postman.run))))
            resting.append(postman.paused)
            stack.push_async_callback(parts.post.smtp.aclose)
        jobs = Jobs(ready=reconciler.compared)
        watch = ClockWatch(parts.store, clock=clock, elapsed=elapsed)
        _schedule(jobs, settings, parts, watch, cards, consent)
        jobs.start()
        stack.push_async_callback(cut_off, guard, parts.watch)
        stack.push_async_callback(jobs.shutdown)
        stack.push_async_callback(last_orders, guard, resting, workers, parts.store.database)
        stack.callback(jobs.pause)
        slack = _events(settings, app) if settings.slack_app_token is None else None
        bounces = _bounces(settings, parts.store, clock=clock)
        served = endpoints(health, slack=slack, unsubscribing=_unsubscribing(settings, consent), bounces=bounces)
        port = await stack.enter_async_context(serve(served, sockets))
        if settings.slack_app_token is not None:
            token = settings.slack_app_token.get_secret_value()
            address, way = partial(parts.poster.socket_address, token), settings.network.proxy_for
            socket = Socket(app, address, app_token=token, own_app=identity.app, proxy_for=way, patience=patience)
            health.line = socket.line
            jobs.every(timedelta(minutes=1), "listen", lambda: parts.trouble.listened(socket.line()))
            stack.push_async_callback(ended, asyncio.create_task(forever("socket", socket.run)))
        team = identity.known.team if identity.known else None
        log.info("running", team=team, channel=settings.slack_channel, port=port, http=slack is not None)
        yield port


def _cards(
    settings: Settings,
    parts: Parts,
    identity: BotIdentity,
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


def _in_turn(first: Run, then: Run) -> Run:
    """Both, one after the other."""

    async def run() -> None:
        await first()
        await then()

    return run


def _reconciler(
    settings: Settings, parts: Parts, identity: BotIdentity, *, clock: Callable[[], datetime]
) -> Reconciler:
    """What compares Slack with the database."""
    return Reconciler(
        parts.store,
        parts.poster,
        us=identity.user,
        channel=settings.slack_channel,
        admins=settings.slack_admins,
        closed=ClosedWays(parts.store, admins=settings.slack_admins, channel=settings.slack_channel, clock=clock),
        clock=clock,
    )


def _postman(parts: Parts, post: Post, actors: Actors, *, clock: Callable[[], datetime]) -> Postman:
    """What sends emails."""
    return Postman(parts.store, post, rules=parts.rules, trouble=parts.trouble, clock=clock, address_of=actors.address)


def _actors(settings: Settings, parts: Parts, identity: BotIdentity, *, clock: Callable[[], datetime]) -> Actors:
    """Who may press what; what Slack says of people is kept for some minutes."""
    return Actors(Directory(parts.client), team=identity.team, named=settings.slack_actors, clock=clock)


def _schedule(
    jobs: Jobs,
    settings: Settings,
    parts: Parts,
    watch: ClockWatch,
    cards: Cards,
    consent: Consent,
) -> None:
    """What is done again and again."""
    alert = LockAlert(parts.store.database, parts.poster, admins=settings.slack_admins, channel=settings.slack_channel)

    async def forget() -> None:
        if await watch.is_steady():
            await consent.forget_older(settings.retention)
        else:
            log.warning("retention_put_off")

    jobs.every(_WATCH, "clock", watch.look)
    jobs.every(_WATCH, "lock", alert.look)
    jobs.every(settings.poll_every, "poll", parts.watch.run_once)
    jobs.every(_PAUSES, "pauses", consent.end_pauses)
    jobs.every(_WIPE, "wipe", parts.store.people.wipe)
    jobs.at_midnight(settings.timezone, "repaint", cards.repaint_running)
    jobs.at_midnight(settings.timezone, "retention", forget)


def _slack_app(
    settings: Settings,
    parts: Parts,
    identity: BotIdentity,
    *,
    cards: Cards,
    consent: Consent,
    daily: Daily,
    health: Health,
    clock: Callable[[], datetime],
) -> tuple[AsyncApp, Guard]:
    app = bolt_app(parts.client, identity, signing_secret=settings.slack_signing_secret)
    guard = Guard(parts.poster, Presses(parts.store, clock=clock))
    actors = _actors(settings, parts, identity, clock=clock)
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


def _events(settings: Settings, app: AsyncApp) -> SlackEvents | None:
    """The way in for Slack over HTTP."""
    secret = settings.slack_signing_secret
    return None if secret is None else SlackEvents(app, secret=secret.get_secret_value())


def _unsubscribing(settings: Settings, consent: Consent) -> Unsubscribe | None:
    """The page behind the links in mails, for a bot that can be reached from outside."""
    ours = links(settings)
    if ours is None:
        return None
    return Unsubscribe(ours, consent, sender=our_name(settings))


def _bounces(settings: Settings, store: Store, *, clock: Callable[[], datetime]) -> Bounces | None:
    secret = settings.bounces_secret
    return None if secret is None else Bounces(inbound(settings, store, clock=clock), secret=secret.get_secret_value())
