"""Build the HTTP endpoints."""

from collections.abc import Sequence

from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.app.context import Context
from bot.app.inbound import build_forge_keys
from bot.app.mail import build_bounce_handler, build_links, sender_name
from bot.metrics.labels import InboundSource
from bot.services.inbound.app_signals import SignalIntake
from bot.services.mail.links import LinkKind
from bot.services.operations.probes import Probes
from bot.web.bounce_webhook import BounceWebhook
from bot.web.feedback import endpoints as feedback_endpoints
from bot.web.feedback.endpoints import FeedbackEndpoints
from bot.web.feedback.page import FeedbackPage
from bot.web.inbound import signals
from bot.web.inbound.doors import Door, ForgeRequests, SignedRequests
from bot.web.inbound.signals import ForgeSignalEndpoint, SignalWebhook
from bot.web.metrics import MetricsEndpoint
from bot.web.server import LinkedPage, endpoints
from bot.web.slack_events import SlackEvents
from bot.web.unsubscribe.handler import UnsubscribePage


def build_endpoints(context: Context, app: AsyncApp, metrics: MetricsEndpoint | None = None) -> web.Application:
    """Build the HTTP endpoints. They include Slack's interactions only if there is no socket for them, and `metrics`
    unless those have a port of their own.
    """
    settings = context.settings
    secret = settings.slack_signing_secret if settings.slack_app_token is None else None
    intake = SignalIntake(context.components.store, clock=context.clock)
    doors: Sequence[Door | None] = (
        None if secret is None else SlackEvents(app, secret=secret.get_secret_value()),
        _build_bounce_webhook(context),
        _build_signal_webhook(context, intake),
        _build_forge_endpoint(context, intake),
    )
    return endpoints(
        context.health,
        Probes(context.components.store, context.heartbeats),
        metrics=metrics if settings.metrics_port is None else None,
        pages=_build_pages(context),
        feedback=_build_feedback(context),
        doors=[door for door in doors if door is not None],
    )


def _build_pages(context: Context) -> Sequence[LinkedPage]:
    """Build the pages behind the links in emails, if the bot can be reached from outside."""
    links = build_links(context.settings, LinkKind.UNSUBSCRIBE)
    if links is None:
        return ()
    sender = sender_name(context.settings)
    return (UnsubscribePage(links, context.dnc, sender=sender), FeedbackPage(context.feedback, sender=sender))


def _build_feedback(context: Context) -> FeedbackEndpoints:
    path, source = feedback_endpoints.PATH, InboundSource.FEEDBACK
    return FeedbackEndpoints(
        context.feedback,
        signed=_build_signed_requests(context, path, source, help_at="docs/feedback.md"),
        forge=_build_forge_requests(context, feedback_endpoints.FORGE_PATH, source),
        origins=frozenset(context.settings.feedback_origins),
    )


def _build_bounce_webhook(context: Context) -> BounceWebhook | None:
    secret = context.settings.bounces_secret
    if secret is None:
        return None
    handler = build_bounce_handler(context.settings, context.components.store, clock=context.clock)
    webhook = BounceWebhook(handler, secret=secret.get_secret_value())
    handler.meter = webhook.requests.meter = context.components.meter
    return webhook


def _build_signal_webhook(context: Context, intake: SignalIntake) -> SignalWebhook | None:
    requests = _build_signed_requests(context, signals.PATH, InboundSource.SIGNAL, help_at="docs/early-signals.md")
    return None if requests is None else SignalWebhook(intake, requests, clock=context.clock)


def _build_forge_endpoint(context: Context, intake: SignalIntake) -> ForgeSignalEndpoint | None:
    requests = _build_forge_requests(context, signals.FORGE_PATH, InboundSource.SIGNAL)
    return None if requests is None else ForgeSignalEndpoint(intake, requests, clock=context.clock)


def _build_signed_requests(
    context: Context, path: str, source: InboundSource, *, help_at: str
) -> SignedRequests | None:
    secret, clock = context.settings.signals_secret, context.clock
    if secret is None:
        return None
    requests = SignedRequests(
        secret.get_secret_value(), path=path, source=source, help_at=help_at, clock=lambda: clock().timestamp()
    )
    requests.meter = context.components.meter
    return requests


def _build_forge_requests(context: Context, path: str, source: InboundSource) -> ForgeRequests | None:
    settings = context.settings
    if not settings.forge_apps:
        return None
    requests = ForgeRequests(
        build_forge_keys(settings),
        apps=dict(settings.forge_apps),
        environments=frozenset(settings.forge_environments),
        path=path,
        source=source,
        clock=context.clock,
    )
    requests.meter = context.components.meter
    return requests
