"""The composition root: build the bot from its settings, run it, stop it in order."""

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

from bot.app.bolt import create_bolt_app
from bot.app.clock import utc_now
from bot.app.components import Components, open_components
from bot.app.leader import TIMING, Leader, LeaderTiming, hold_lead
from bot.app.lifecycle import (
    Paused,
    cancel_remaining,
    graceful_shutdown,
    recover_interrupted,
    retry_until_slack_answers,
    wait_for_slack,
)
from bot.app.mail import build_bounce_handler, build_unsubscribe_links, sender_name
from bot.app.scheduler import Run, Scheduler
from bot.concurrency.supervisor import supervise
from bot.concurrency.tasks import cancel_and_wait, cancel_on_signals
from bot.config.settings import Settings
from bot.listeners import register
from bot.listeners.middleware import ListenerMiddleware
from bot.listeners.services import ListenerServices
from bot.mail.templating.template import load_templates
from bot.services.dnc import DoNotContact
from bot.services.interactions import InteractionDeduplicator
from bot.services.mail.mailer import Mailer
from bot.services.mail.outreach import Outreach
from bot.services.mail.worker import MailWorker
from bot.services.operations.clock_watch import ClockWatch, since_boot
from bot.services.operations.health import Health
from bot.services.operations.lock_alert import LockAlert
from bot.services.slack_delivery.outages import SlackOutages
from bot.services.slack_delivery.rate_limits import SLACK_LIMITS, Limits, SlackRateLimiter
from bot.services.slack_delivery.reconciler import Reconciler
from bot.services.slack_delivery.worker import SlackOutboxWorker
from bot.services.slack_identity import BotIdentity
from bot.services.team.ownership import Ownership
from bot.services.team.permissions import Permissions
from bot.services.team.today import TodayList
from bot.slack.client.socket_mode import SOCKET_TIMEOUTS, SocketMode, SocketTimeouts
from bot.slack.client.users import SlackUsers
from bot.store import Store
from bot.store.outbox.repository import ApiMethod
from bot.web.bounce_webhook import BounceWebhook
from bot.web.server import endpoints, listening, serve
from bot.web.slack_events import SlackEvents
from bot.web.unsubscribe.handler import UnsubscribePage

log = structlog.get_logger()

_PAUSE_CHECK_INTERVAL: Final = timedelta(hours=1)
"""How often pauses are checked for their end."""
_WATCH: Final = timedelta(seconds=5)
_WIPE: Final = timedelta(minutes=1)


async def run(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> None:
    """Run the bot until SIGTERM or SIGINT, then finish work in progress within ten seconds.

    A second signal ends the process at once, which is as safe as a kill at any other moment. Raises DatabaseBusy if
    another copy has the database, and LeaseLost, after a graceful shutdown, if another copy took over.
    """
    cancel_on_signals(asyncio.get_running_loop(), asyncio.current_task())
    patience = timedelta(seconds=TIMING.patience)
    with suppress(asyncio.CancelledError):
        async with (
            open_components(settings, clock=clock, patience=patience) as components,
            run_components(settings, components, clock=clock),
        ):
            await components.store.leases.until_lost()


@asynccontextmanager
async def run_components(
    settings: Settings,
    components: Components,
    *,
    clock: Callable[[], datetime] = utc_now,
    limits: Mapping[ApiMethod, Limits] = SLACK_LIMITS,
    patience: SocketTimeouts = SOCKET_TIMEOUTS,
    timing: LeaderTiming = TIMING,
    elapsed: Callable[[], float] = since_boot,
) -> AsyncIterator[int]:
    """Run the bot inside the block; at its end, take no new work and finish work in progress.

    Yields the port of the HTTP endpoints. A standby copy answers interactions, and begins to work once it leads.
    """
    settle = partial(recover_interrupted, components.store, channel=settings.slack_channel, clock=clock)
    async with AsyncExitStack() as stack:
        lead = await stack.enter_async_context(hold_lead(components.store, settle=settle, timing=timing))
        sockets = stack.enter_context(listening(host=settings.http_host, port=settings.http_port))
        await lead.begin()
        today_list = TodayList(components.store, zone=settings.timezone, clock=clock)
        health = Health(components.store, poll_every=settings.poll_every, clock=clock)
        dnc = DoNotContact(components.store, clock=clock, admins=settings.slack_admins)
        identity = await stack.enter_async_context(wait_for_slack(components.slack, within=patience.identity))
        health.problems = identity.problems
        reconciler = _reconciler(settings, components, identity, clock=clock)
        cards = _build_outbox_worker(settings, components, identity, limits=limits, today_list=today_list, clock=clock)
        cards.may_post, cards.may_mark = reconciler.has_looked, reconciler.has_compared
        app, middleware = _build_slack_app(
            settings, components, identity, cards=cards, dnc=dnc, today_list=today_list, health=health, clock=clock
        )
        work, resting = _work(settings, components, identity, reconciler, cards, lead, clock=clock)
        jobs = Scheduler(ready=lead.had)
        workers = [asyncio.create_task(supervise(name, run)) for name, run in work.items()]
        workers.append(asyncio.create_task(_begin_polls(jobs, settings, components, reconciler)))
        watch = ClockWatch(components.store, clock=clock, elapsed=elapsed)
        _schedule_jobs(jobs, settings, components, watch, cards, dnc)
        jobs.start()
        stack.push_async_callback(cancel_remaining, middleware, components.poller)
        stack.push_async_callback(jobs.shutdown)
        stack.push_async_callback(graceful_shutdown, middleware, resting, workers, components.store.database)
        stack.callback(jobs.pause)
        served = _endpoints(settings, components, app, health, dnc, clock=clock)
        port = await stack.enter_async_context(serve(served, sockets))
        if settings.slack_app_token is not None:
            socket = _socket(settings, components, app, identity, token=settings.slack_app_token, patience=patience)
            health.line = socket.status
            jobs.every(timedelta(minutes=1), "listen", lambda: components.alerts.check_socket(socket.status()))
            stack.push_async_callback(cancel_and_wait, asyncio.create_task(supervise("socket", socket.run)))
        team, http = identity.known and identity.known.team, settings.slack_app_token is None
        log.info("running", team=team, channel=settings.slack_channel, port=port, http=http)
        yield port


def _work(
    settings: Settings,
    components: Components,
    identity: BotIdentity,
    reconciler: Reconciler,
    cards: SlackOutboxWorker,
    lead: Leader,
    *,
    clock: Callable[[], datetime],
) -> tuple[dict[str, Run], list[Paused]]:
    """Return the workers that run for ever, by name, and for the shutdown the context managers that wait until each one
    is idle.
    """
    compare = _in_turn(partial(retry_until_slack_answers, reconciler.compare), reconciler.keep_looking)
    work = {"compare": lead.when_had(compare), "deliver": lead.when_had(cards.run)}
    resting: list[Paused] = [cards.paused, components.poller.paused]
    if components.mailer is not None:
        worker = _mail_worker(
            components, components.mailer, _permissions(settings, components, identity, clock=clock), clock=clock
        )
        work["mail"] = _in_turn(reconciler.email_allowed, worker.run)
        resting.append(worker.paused)
    return work, resting


def _build_outbox_worker(
    settings: Settings,
    components: Components,
    identity: BotIdentity,
    *,
    limits: Mapping[ApiMethod, Limits],
    today_list: TodayList,
    clock: Callable[[], datetime],
) -> SlackOutboxWorker:
    """Build the worker that delivers the outbox."""
    return SlackOutboxWorker(
        components.store,
        components.slack,
        limiter=SlackRateLimiter(limits),
        outages=SlackOutages(
            components.store, admins=settings.slack_admins, channel=settings.slack_channel, clock=clock
        ),
        workspace_url=identity.url,
        clock=clock,
        today=today_list.today,
        rules=components.rules,
    )


def _in_turn(first: Run, then: Run) -> Run:
    """Return a job that runs `first`, then `then`."""

    async def run() -> None:
        await first()
        await then()

    return run


def _reconciler(
    settings: Settings, components: Components, identity: BotIdentity, *, clock: Callable[[], datetime]
) -> Reconciler:
    """Build the reconciler, which compares Slack with the database."""
    return Reconciler(
        components.store,
        components.slack,
        us=identity.user,
        channel=settings.slack_channel,
        admins=settings.slack_admins,
        outages=SlackOutages(
            components.store, admins=settings.slack_admins, channel=settings.slack_channel, clock=clock
        ),
        clock=clock,
    )


def _mail_worker(
    components: Components, post: Mailer, permissions: Permissions, *, clock: Callable[[], datetime]
) -> MailWorker:
    """Build the worker that sends emails."""
    return MailWorker(
        components.store,
        post,
        rules=components.rules,
        alerts=components.alerts,
        clock=clock,
        address_of=permissions.address,
    )


def _permissions(
    settings: Settings, components: Components, identity: BotIdentity, *, clock: Callable[[], datetime]
) -> Permissions:
    """Build the permission check; what Slack says about a person is cached for five minutes."""
    return Permissions(SlackUsers(components.client), team=identity.team, named=settings.slack_actors, clock=clock)


async def _begin_polls(jobs: Scheduler, settings: Settings, components: Components, reconciler: Reconciler) -> None:
    """Schedule the polls once the reconciler has found out which ids may be assigned."""
    await reconciler.looked()
    jobs.every(settings.poll_every, "poll", components.poller.poll)


def _schedule_jobs(
    jobs: Scheduler,
    settings: Settings,
    components: Components,
    poller: ClockWatch,
    cards: SlackOutboxWorker,
    dnc: DoNotContact,
) -> None:
    """Build the scheduler with its recurring jobs."""
    alert = LockAlert(
        components.store.database, components.slack, admins=settings.slack_admins, channel=settings.slack_channel
    )

    async def forget() -> None:
        if await poller.is_steady():
            await dnc.apply_retention(settings.retention)
        else:
            log.warning("retention_put_off")

    jobs.every(_WATCH, "clock", poller.look)
    jobs.every(_WATCH, "lock", alert.look)
    jobs.every(_PAUSE_CHECK_INTERVAL, "pauses", dnc.end_pauses)
    jobs.every(_WIPE, "wipe", components.store.personal_data.wipe)
    jobs.at_midnight(settings.timezone, "repaint", cards.update_running_cards)
    jobs.at_midnight(settings.timezone, "retention", forget)


def _build_slack_app(
    settings: Settings,
    components: Components,
    identity: BotIdentity,
    *,
    cards: SlackOutboxWorker,
    dnc: DoNotContact,
    today_list: TodayList,
    health: Health,
    clock: Callable[[], datetime],
) -> tuple[AsyncApp, ListenerMiddleware]:
    app = create_bolt_app(components.client, identity, signing_secret=settings.slack_signing_secret)
    middleware = ListenerMiddleware(components.slack, InteractionDeduplicator(components.store, clock=clock))
    permissions = _permissions(settings, components, identity, clock=clock)
    loaded = load_templates(settings.mail_templates)
    for problem in loaded.problems:
        log.warning("template_unusable", problem=problem)
    outreach = Outreach(
        components.store,
        components.mailer,
        loaded.templates,
        rules=components.rules,
        address_of=permissions.address,
        clock=clock,
        today=today_list.today,
        token=lambda: secrets.token_hex(16),
    )
    services = ListenerServices(
        permissions=permissions,
        outbox=cards,
        dnc=dnc,
        today=today_list,
        health=health,
        outreach=outreach,
        ownership=Ownership(components.store, clock=clock),
        slack=components.slack,
        workspace_url=identity.url,
        clock=clock,
    )
    register(app, middleware, services)
    return app, middleware


def _endpoints(
    settings: Settings,
    components: Components,
    app: AsyncApp,
    health: Health,
    dnc: DoNotContact,
    *,
    clock: Callable[[], datetime],
) -> web.Application:
    """Build the HTTP endpoints. They include Slack's interactions only if there is no socket for them."""
    secret = settings.slack_signing_secret if settings.slack_app_token is None else None
    return endpoints(
        health,
        slack=None if secret is None else SlackEvents(app, secret=secret.get_secret_value()),
        unsubscribing=_build_unsubscribe_page(settings, dnc),
        bounces=_build_bounce_webhook(settings, components.store, clock=clock),
    )


def _socket(
    settings: Settings,
    components: Components,
    app: AsyncApp,
    identity: BotIdentity,
    *,
    token: Secret[str],
    patience: SocketTimeouts,
) -> SocketMode:
    """Build the Socket Mode connection on which interactions arrive."""
    return SocketMode(
        app,
        partial(components.slack.socket_address, token.get_secret_value()),
        app_token=token.get_secret_value(),
        own_app=identity.app,
        proxy_for=settings.network.proxy_for,
        timeouts=patience,
    )


def _build_unsubscribe_page(settings: Settings, dnc: DoNotContact) -> UnsubscribePage | None:
    """Build the unsubscribe page, if the bot can be reached from outside."""
    ours = build_unsubscribe_links(settings)
    if ours is None:
        return None
    return UnsubscribePage(ours, dnc, sender=sender_name(settings))


def _build_bounce_webhook(settings: Settings, store: Store, *, clock: Callable[[], datetime]) -> BounceWebhook | None:
    secret = settings.bounces_secret
    return (
        None
        if secret is None
        else BounceWebhook(build_bounce_handler(settings, store, clock=clock), secret=secret.get_secret_value())
    )
