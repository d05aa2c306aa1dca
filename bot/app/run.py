"""The composition root: settings in, a running bot out, and an orderly end."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog
from aiohttp import web
from pydantic import Secret
from slack_bolt.async_app import AsyncApp

from bot.app.bolt import bolt_app
from bot.app.components import Parts, assembled, utc_now
from bot.app.leader import TIMING, Lead, LeadTiming, leading
from bot.app.lifecycle import Paused, cut_off, identity_of, last_orders, settle_interrupted, while_slack_is_away
from bot.app.mail import inbound, links, our_name
from bot.app.scheduler import Jobs, Run, ended, ended_by_signals, forever
from bot.config.settings import Settings
from bot.listeners import register
from bot.listeners.middleware import Guard
from bot.listeners.services import Deps
from bot.mail.templating.template import load_templates
from bot.services.dnc import Consent
from bot.services.interactions import Presses
from bot.services.mail.mailer import Post
from bot.services.mail.outreach import Outreach
from bot.services.mail.worker import Postman
from bot.services.operations.clock_watch import ClockWatch, since_boot
from bot.services.operations.health import Health
from bot.services.operations.lock_alert import LockAlert
from bot.services.slack_delivery.outages import ClosedWays
from bot.services.slack_delivery.rate_limits import SLACKS_LIMITS, Limits, Traffic
from bot.services.slack_delivery.reconciler import Reconciler
from bot.services.slack_delivery.worker import Cards
from bot.services.slack_identity import BotIdentity
from bot.services.team.ownership import Ownership
from bot.services.team.permissions import Actors
from bot.services.team.today import Daily
from bot.slack.client.socket_mode import PATIENCE, Patience, Socket
from bot.slack.client.users import Directory
from bot.store import Store
from bot.store.outbox.repository import Lane
from bot.web.bounce_webhook import Bounces
from bot.web.server import endpoints, listening, serve
from bot.web.slack_events import SlackEvents
from bot.web.unsubscribe.handler import Unsubscribe

log = structlog.get_logger()

_PAUSES: Final = timedelta(hours=1)
"""How often it is looked whether a pause is over."""
_WATCH: Final = timedelta(seconds=5)
_WIPE: Final = timedelta(minutes=1)


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
        cards.may_post, cards.may_mark = reconciler.has_looked, reconciler.has_compared
        app, guard = _slack_app(
            settings, parts, identity, cards=cards, consent=consent, daily=daily, health=health, clock=clock
        )
        work, resting = _work(settings, parts, identity, reconciler, cards, lead, clock=clock)
        jobs = Jobs(ready=lead.had)
        workers = [asyncio.create_task(forever(name, run)) for name, run in work.items()]
        workers.append(asyncio.create_task(_begin_polls(jobs, settings, parts, reconciler)))
        _schedule(jobs, settings, parts, ClockWatch(parts.store, clock=clock, elapsed=elapsed), cards, consent)
        jobs.start()
        stack.push_async_callback(cut_off, guard, parts.watch)
        stack.push_async_callback(jobs.shutdown)
        stack.push_async_callback(last_orders, guard, resting, workers, parts.store.database)
        stack.callback(jobs.pause)
        served = _endpoints(settings, parts, app, health, consent, clock=clock)
        port = await stack.enter_async_context(serve(served, sockets))
        if settings.slack_app_token is not None:
            socket = _socket(settings, parts, app, identity, token=settings.slack_app_token, patience=patience)
            health.line = socket.line
            jobs.every(timedelta(minutes=1), "listen", lambda: parts.trouble.listened(socket.line()))
            stack.push_async_callback(ended, asyncio.create_task(forever("socket", socket.run)))
        team, http = identity.known and identity.known.team, settings.slack_app_token is None
        log.info("running", team=team, channel=settings.slack_channel, port=port, http=http)
        yield port


def _work(
    settings: Settings,
    parts: Parts,
    identity: BotIdentity,
    reconciler: Reconciler,
    cards: Cards,
    lead: Lead,
    *,
    clock: Callable[[], datetime],
) -> tuple[dict[str, Run], list[Paused]]:
    """What is worked on for ever, by name; and for the end, what waits until each of it has come to rest."""
    compare = _in_turn(partial(while_slack_is_away, reconciler.compare), reconciler.keep_looking)
    work = {"compare": lead.when_had(compare), "deliver": lead.when_had(cards.run)}
    resting: list[Paused] = [cards.paused, parts.watch.paused]
    if parts.post is not None:
        postman = _postman(parts, parts.post, _actors(settings, parts, identity, clock=clock), clock=clock)
        work["mail"] = _in_turn(reconciler.email_allowed, postman.run)
        resting.append(postman.paused)
    return work, resting


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


async def _begin_polls(jobs: Jobs, settings: Settings, parts: Parts, reconciler: Reconciler) -> None:
    """Read the report again and again, once it is known which ids may be given."""
    await reconciler.looked()
    jobs.every(settings.poll_every, "poll", parts.watch.run_once)


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


def _endpoints(
    settings: Settings, parts: Parts, app: AsyncApp, health: Health, consent: Consent, *, clock: Callable[[], datetime]
) -> web.Application:
    """What is answered over HTTP; Slack's presses are, where there is no socket for them."""
    secret = settings.slack_signing_secret if settings.slack_app_token is None else None
    return endpoints(
        health,
        slack=None if secret is None else SlackEvents(app, secret=secret.get_secret_value()),
        unsubscribing=_unsubscribing(settings, consent),
        bounces=_bounces(settings, parts.store, clock=clock),
    )


def _socket(
    settings: Settings, parts: Parts, app: AsyncApp, identity: BotIdentity, *, token: Secret[str], patience: Patience
) -> Socket:
    """The connection on which presses arrive."""
    return Socket(
        app,
        partial(parts.poster.socket_address, token.get_secret_value()),
        app_token=token.get_secret_value(),
        own_app=identity.app,
        proxy_for=settings.network.proxy_for,
        patience=patience,
    )


def _unsubscribing(settings: Settings, consent: Consent) -> Unsubscribe | None:
    """The page behind the links in mails, for a bot that can be reached from outside."""
    ours = links(settings)
    if ours is None:
        return None
    return Unsubscribe(ours, consent, sender=our_name(settings))


def _bounces(settings: Settings, store: Store, *, clock: Callable[[], datetime]) -> Bounces | None:
    secret = settings.bounces_secret
    return None if secret is None else Bounces(inbound(settings, store, clock=clock), secret=secret.get_secret_value())
