"""Commands about webhooks: try the addresses, send events again, show how each address is doing."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from bot.app.clock import utc_now
from bot.cli.arguments import store_of
from bot.cli.runner import with_webhook_settings
from bot.domain.text import counted
from bot.errors import BotError

if TYPE_CHECKING:
    from bot.config.settings import WebhookSettings
    from bot.domain.webhook_events import WebhookStatus
    from bot.store import Store

webhooks = typer.Typer(help="Events for your own systems.", no_args_is_help=True)


@webhooks.command()
def ping() -> None:
    """Send a signed `ping` to each address of WEBHOOK_URLS.

    An address that was switched off and answers is switched on again.
    """
    with_webhook_settings(_ping)


@webhooks.command()
def resend(
    *,
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The first UTC day whose events are sent.")],
) -> None:
    """Send the events since a day again, also of the time before there was an address.

    The running bot delivers them.
    """
    with_webhook_settings(partial(_resend, since=since.date()))


@webhooks.command("list")
def list_() -> None:
    """Show each address by its host: what waits, and whether it fails."""
    with_webhook_settings(_list)


async def _ping(settings: WebhookSettings) -> None:
    import secrets

    from bot.app.webhooks import open_client, webhook_addresses
    from bot.domain.webhook_event_types import EventType
    from bot.domain.webhook_events import WebhookEvent
    from bot.exports.webhook_body import write_body

    addresses = webhook_addresses(settings)
    _require(addresses)
    now = utc_now()
    body = write_body(WebhookEvent(sequence=0, type=EventType.PING, at=now, details={}), contacts=False)
    failed = False
    async with store_of(settings) as store, open_client(settings) as client:
        for address in addresses:
            response = await client.post(address.url, body, message_id=f"ping_{secrets.token_hex(8)}", at=now)
            failed |= bool(response.error)
            if response.error:
                typer.echo(f"✗ {address.name}: {response.error}")
                continue
            typer.echo(f"✓ {address.name}: it answered {response.status}.")
            if (off_at := await store.webhooks.switch_on(address.key, at=now)) is not None:
                await _say_it_is_on(settings, store, address.name, off_at.date())
    if failed:
        raise typer.Exit(1)


async def _say_it_is_on(settings: WebhookSettings, store: Store, name: str, since: date) -> None:
    from bot.services.operations.alerts import AdminAlerts

    typer.echo(f"  It gets events again. `evaluator-bot webhook resend --since {since}` sends what it missed.")
    alerts = AdminAlerts(store, admins=settings.slack_admins, channel=settings.slack_channel, clock=utc_now)
    await alerts.webhook_recovered(name)


async def _resend(settings: WebhookSettings, *, since: date) -> None:
    from bot.app.webhooks import webhook_addresses

    addresses = webhook_addresses(settings)
    _require(addresses)
    async with store_of(settings) as store:
        await store.webhooks.register(addresses, forget_others=False)
        off = [each.name for each in await store.webhooks.list_addresses() if each.off_at is not None]
        after: int | None = 0
        while after is not None:
            after = await store.webhooks.record_missing(since, after=after)
        after, count = 0, 0
        while after is not None:
            sent = await store.webhooks.send_again(since, at=utc_now(), after=after)
            after, count = sent.next_after, count + sent.count
    typer.echo(f"{counted(count, 'delivery', 'deliveries')} queued. The running bot makes them.", err=True)
    if off:
        raise BotError(f"Nothing goes to {', '.join(off)}, switched off. Run `evaluator-bot webhook ping` first.")


async def _list(settings: WebhookSettings) -> None:
    async with store_of(settings) as store:
        found = await store.webhooks.list_addresses()
    if not found:
        typer.echo("No address. Set WEBHOOK_URLS and start the bot.", err=True)
    for each in found:
        typer.echo(_line(each))


def _line(status: WebhookStatus) -> str:
    taken = f"{status.delivered_at:%Y-%m-%d %H:%M} UTC" if status.delivered_at else "never"
    state = "off" if status.off_at else "failing" if status.failing_since else "on"
    counts = f"{status.waiting:,} waiting, {status.given_up:,} given up, last delivery {taken}"
    return f"{status.name}: {state}, {counts}. {status.error or ''}".rstrip()


def _require(addresses: object) -> None:
    if not addresses:
        raise BotError("There is no address. Set WEBHOOK_URLS and WEBHOOK_SECRET.")
