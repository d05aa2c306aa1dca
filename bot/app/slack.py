"""Build what talks to Slack: the outbox worker, the reconciler, the Bolt app, the socket."""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from slack_bolt.async_app import AsyncApp

from bot.app.bolt import create_bolt_app
from bot.app.context import Context
from bot.app.workers import reply_address
from bot.domain.outbox import ApiMethod
from bot.listeners import register
from bot.listeners.middleware import ListenerMiddleware
from bot.listeners.services import ListenerServices
from bot.mail.templating.template import load_templates
from bot.services.interactions import InteractionDeduplicator
from bot.services.mail.outreach import Outreach
from bot.services.slack_delivery.rate_limits import Limits, SlackRateLimiter
from bot.services.slack_delivery.reconciler import Reconciler
from bot.services.slack_delivery.renderer import DeliveryRenderer
from bot.services.slack_delivery.worker import SlackOutboxWorker
from bot.services.team.away import Away
from bot.services.team.digests import OwnDigests
from bot.services.team.ownership import Ownership
from bot.services.team.reports import TeamReports
from bot.slack.client.socket_mode import SocketMode, SocketTimeouts

log = structlog.get_logger()

_DELIVERY_TURN: Final = timedelta(minutes=2)
"""The longest turn of the outbox worker: five seconds, or longer if the database is locked."""


def build_reconciler(context: Context) -> Reconciler:
    """Build the reconciler, which compares Slack with the database."""
    return Reconciler(
        context.components.store,
        context.components.slack,
        us=context.identity.user,
        channel=context.settings.slack_channel,
        admins=context.settings.slack_admins,
        outages=context.outages,
        clock=context.clock,
    )


def build_outbox_worker(
    context: Context, reconciler: Reconciler, *, limits: Mapping[ApiMethod, Limits]
) -> SlackOutboxWorker:
    """Build the worker that delivers the outbox. It posts nothing new before the reconciler has looked."""
    components = context.components
    renderer = DeliveryRenderer(
        components.store,
        workspace_url=context.identity.url,
        today=context.lists.today,
        rules=components.rules,
        vendor_id=context.settings.marketplace_vendor_id,
    )
    worker = SlackOutboxWorker(
        components.store,
        components.slack,
        renderer,
        limiter=SlackRateLimiter(limits),
        outages=context.outages,
        clock=context.clock,
    )
    worker.meter = components.meter
    worker.may_post, worker.may_mark = reconciler.has_looked, reconciler.has_compared
    worker.beat = context.heartbeats.register("deliver", within=_DELIVERY_TURN)
    return worker


def build_slack_app(context: Context) -> tuple[AsyncApp, ListenerMiddleware]:
    """Build the Bolt app with all listeners, and the middleware that acknowledges what arrives."""
    components, settings, clock = context.components, context.settings, context.clock
    app = create_bolt_app(components.client, context.identity, signing_secret=settings.slack_signing_secret)
    app.meter = components.meter
    middleware = ListenerMiddleware(components.slack, InteractionDeduplicator(components.store, clock=clock))
    services = ListenerServices(
        permissions=context.permissions,
        cards=context.cards,
        dnc=context.dnc,
        lists=context.lists,
        reports=TeamReports(components.store, own_sites=settings.own_sites, clock=clock, zone=settings.timezone),
        home=context.home,
        own_digests=OwnDigests(components.store, zone=settings.timezone, clock=clock),
        health=context.health,
        away=Away(components.store, context.permissions, zone=settings.timezone, clock=clock),
        outreach=_build_outreach(context),
        ownership=Ownership(components.store, clock=clock),
        rotation=context.rotation,
        follow_up=context.follow_up,
        feedback=context.feedback,
        slack=components.slack,
        workspace_url=context.identity.url,
        clock=clock,
        team_file=context.team_file,
        reactions=settings.reactions == "on",
        background=middleware.background,
    )
    register(app, middleware, services)
    return app, middleware


def _build_outreach(context: Context) -> Outreach:
    loaded = load_templates(context.settings.mail_templates)
    for problem in loaded.problems:
        log.warning("template_unusable", problem=problem)
    outreach = Outreach(
        context.components.store,
        context.components.mailer,
        loaded.templates,
        rules=context.components.rules,
        address_of=reply_address(context),
        clock=context.clock,
        today=context.lists.today,
        token=lambda: secrets.token_hex(16),
    )
    outreach.meter = context.components.meter
    return outreach


def build_socket(context: Context, app: AsyncApp, *, timeouts: SocketTimeouts) -> SocketMode | None:
    """Build the Socket Mode connection on which interactions arrive, or None if they arrive over HTTP."""
    if context.settings.slack_app_token is None:
        return None
    token = context.settings.slack_app_token.get_secret_value()
    return SocketMode(
        app,
        partial(context.components.slack.socket_address, token),
        app_token=token,
        own_app=context.identity.app,
        proxy_for=context.settings.network.proxy_for,
        timeouts=timeouts,
    )
