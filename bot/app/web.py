"""Build the HTTP endpoints."""

from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.app.context import Context
from bot.app.mail import build_bounce_handler, build_unsubscribe_links, sender_name
from bot.services.operations.probes import Probes
from bot.web.bounce_webhook import BounceWebhook
from bot.web.metrics import MetricsEndpoint
from bot.web.server import endpoints
from bot.web.slack_events import SlackEvents
from bot.web.unsubscribe.handler import UnsubscribePage


def build_endpoints(context: Context, app: AsyncApp, metrics: MetricsEndpoint | None = None) -> web.Application:
    """Build the HTTP endpoints. They include Slack's interactions only if there is no socket for them, and `metrics`
    unless those have a port of their own.
    """
    settings = context.settings
    secret = settings.slack_signing_secret if settings.slack_app_token is None else None
    return endpoints(
        context.health,
        Probes(context.components.store, context.heartbeats),
        slack=None if secret is None else SlackEvents(app, secret=secret.get_secret_value()),
        unsubscribing=_build_unsubscribe_page(context),
        bounces=_build_bounce_webhook(context),
        metrics=metrics if settings.metrics_port is None else None,
    )


def _build_unsubscribe_page(context: Context) -> UnsubscribePage | None:
    """Build the unsubscribe page, if the bot can be reached from outside."""
    links = build_unsubscribe_links(context.settings)
    return None if links is None else UnsubscribePage(links, context.dnc, sender=sender_name(context.settings))


def _build_bounce_webhook(context: Context) -> BounceWebhook | None:
    secret = context.settings.bounces_secret
    if secret is None:
        return None
    handler = build_bounce_handler(context.settings, context.components.store, clock=context.clock)
    webhook = BounceWebhook(handler, secret=secret.get_secret_value())
    handler.meter = webhook.meter = context.components.meter
    return webhook
