"""Build the webhooks from the settings."""

import asyncio
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Final

from bot.app.context import Context
from bot.config.settings import WebhookSettings
from bot.domain.webhook_address import WebhookAddress, host_of, read_addresses
from bot.errors import SettingsWrong
from bot.security.webhook_signature import signing_key
from bot.services.webhooks.worker import Naming, WebhookWorker
from bot.webhooks.client import WebhookClient, open_webhook_client
from bot.webhooks.resolver import leads_to_private

_LONGEST_TURN: Final = timedelta(minutes=5)
"""The longest time between two checks of a worker for what is due, if the database is locked."""


def webhook_addresses(settings: WebhookSettings) -> tuple[WebhookAddress, ...]:
    """Return the addresses that get events."""
    return read_addresses(_urls(settings), settings.webhook_events)


def open_client(settings: WebhookSettings) -> AbstractAsyncContextManager[WebhookClient]:
    """Open the client that sends events."""
    return open_webhook_client(
        [signing_key(secret.get_secret_value()) for secret in settings.webhook_secret],
        is_private_allowed=settings.webhook_private,
        proxy_for=settings.network.proxy_for,
        trust=settings.network.trust,
    )


def build_webhook_workers(context: Context, client: WebhookClient) -> list[WebhookWorker]:
    """Build a worker for each address."""
    naming = Naming(
        rules=context.components.rules,
        contacts=context.settings.webhook_contacts,
        learn_owners=context.owner_directory.update,
    )
    workers = []
    for address in webhook_addresses(context.settings):
        worker = WebhookWorker(
            context.components.store,
            client,
            address,
            naming=naming,
            alerts=context.components.alerts,
            clock=context.clock,
        )
        worker.beat = context.heartbeats.register(f"webhooks to {address.name}", within=_LONGEST_TURN)
        worker.meter = context.components.meter
        workers.append(worker)
    return workers


async def try_addresses(settings: WebhookSettings) -> dict[str, str]:
    """Connect to each address without sending. Return for each host what is wrong, or an empty text."""
    addresses = webhook_addresses(settings)
    if addresses and not settings.webhook_secret:
        return {"WEBHOOK_SECRET": "It is missing, so nothing can be signed."}
    async with open_client(settings) as client:
        found = await asyncio.gather(*(client.try_connection(each.url) for each in addresses))
    return {each.name: problem for each, problem in zip(addresses, found, strict=True)}


async def refuse_private_names(settings: WebhookSettings) -> None:
    """Raise SettingsWrong if a name in WEBHOOK_URLS leads to a private address, as far as the DNS says so at once.

    Each delivery checks it again. A name that only a proxy can look up passes.
    """
    if settings.webhook_private:
        return
    hosts = sorted({host_of(url) for url in _urls(settings)})
    found = await asyncio.gather(*map(leads_to_private, hosts))
    private = [host for host, is_private in zip(hosts, found, strict=True) if is_private]
    if private:
        raise SettingsWrong(
            [
                f"WEBHOOK_URLS cannot be used: {host} leads to a private address. Set WEBHOOK_PRIVATE=true if that is "
                "meant."
                for host in private
            ]
        )


def _urls(settings: WebhookSettings) -> Iterable[str]:
    return [url.get_secret_value() for url in settings.webhook_urls]
