"""The demo's environment: a Slack workspace, a Marketplace with a timeline, and a mailbox, all on loopback."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from bot.demo.app_signals import AppSignals
from bot.demo.bounces import BOUNCES_AFTER_S, BounceReporter
from bot.demo.customer_site.server import LICENSE_AFTER_S, CustomerSite
from bot.demo.fake_imap import PASSWORD, USERNAME, ReplyMailbox
from bot.demo.fake_marketplace.server import DemoMarketplace
from bot.demo.fake_slack import CHANNEL, Workspace
from bot.demo.fake_slack.models import Json, NotPossible
from bot.demo.fake_smtp import Mail, Mailbox
from bot.demo.replies import reply_to
from bot.demo.scenario.sample_data import LANTERNS, MIRAGE, ORCHARD, license_record
from bot.demo.scenario.timeline import history, play, story

_ORCHARD_NUMBER: Final = 190
_SIGNALS_SECRET: Final = "what the demo's app signs its signals with"  # noqa: S105  as above
_BOUNCES_SECRET: Final = "the demo's mail server and the bot share this"  # noqa: S105  it protects nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoEnvironment:
    """The address of the page, and the settings with which a bot finds everything in the environment."""

    url: str
    settings: dict[str, object]
    taken: int | None
    """The requested port, if another program uses it."""


@asynccontextmanager
async def open_demo(*, port: int, speed: float = 1.0) -> AsyncIterator[DemoEnvironment]:
    """Serve everything that a bot needs until the end of the block. The story runs `speed` times as fast."""
    # Everything is on loopback: a proxy for the outside world could only get in the way.
    for name in [name for name in os.environ if name.upper() in {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}]:
        del os.environ[name]
    today = datetime.now(UTC).date()
    workspace, marketplace = Workspace(), DemoMarketplace(export_polls=0)
    http_port, site_port = _free_port(), _free_port()
    bounces = BounceReporter(
        frozenset({MIRAGE.email}),
        url=f"http://127.0.0.1:{http_port}/bounces",
        secret=_BOUNCES_SECRET,
        delay=BOUNCES_AFTER_S / speed,
    )

    def on_mail(mail: Mail) -> None:
        workspace.broadcast({"kind": "mail", "mail": mail})
        bounces.take(mail)

    mailbox = Mailbox(on_mail=on_mail)
    replies = ReplyMailbox()
    workspace.page_extras["customer_site"] = lambda: f"http://127.0.0.1:{site_port}/"
    _show_mails(workspace, mailbox, replies)
    for record in history(today):
        marketplace.add(record)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="evaluator-bot-demo-")))
        url, taken = await _serve(stack, workspace, port)
        marketplace_url = await stack.enter_async_context(marketplace.serve())
        smtp_port = await stack.enter_async_context(mailbox.serve())
        imap_port = await stack.enter_async_context(replies.serve())
        bot_url = f"http://127.0.0.1:{http_port}"
        signals = AppSignals(bot_url=bot_url, secret=_SIGNALS_SECRET)
        site = _customer_site(marketplace, signals, today, bot_url=bot_url, speed=speed)
        await stack.enter_async_context(site.serve(site_port))
        telling = asyncio.create_task(_tell_story(marketplace, signals, today, speed=speed))
        stack.callback(telling.cancel)
        stack.callback(bounces.stop)
        ports = _Ports(smtp=smtp_port, imap=imap_port, http=http_port, site=site_port)
        settings = _settings(workspace, marketplace, marketplace_url, ports, folder)
        yield DemoEnvironment(url=url, settings=settings, taken=taken)


def _show_mails(workspace: Workspace, mailbox: Mailbox, replies: ReplyMailbox) -> None:
    """Show the emails on the page, where they can be answered."""

    async def reply(said: Json) -> Json:
        """Answer an email as its recipient would."""
        found = next((mail for mail in mailbox.mails if mail["id"] == said["id"]), None)
        if found is None or not said["text"].strip():
            raise NotPossible("Write something first.")
        await replies.deliver(reply_to(found, said["text"]))
        return {}

    workspace.page_extras["mails"] = lambda: mailbox.mails
    workspace.page_acts["reply"] = reply


def _customer_site(
    marketplace: DemoMarketplace, signals: AppSignals, today: date, *, bot_url: str, speed: float
) -> CustomerSite:
    return CustomerSite(
        LANTERNS,
        ORCHARD,
        bot_url=bot_url,
        signals=signals,
        on_license=lambda: marketplace.add(license_record(_ORCHARD_NUMBER, LANTERNS, ORCHARD, today)),
        license_after=LICENSE_AFTER_S / speed,
    )


async def _tell_story(marketplace: DemoMarketplace, signals: AppSignals, today: date, *, speed: float) -> None:
    """Play the timeline once the bot knows the past, however slow the machine is."""
    await marketplace.was_read.wait()
    await play(marketplace, story(today), install=signals.install, sleep=lambda span: asyncio.sleep(span / speed))


def _free_port() -> int:
    """Return a port for the bot's own pages: the links in its emails name it before it listens there."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


async def _serve(stack: AsyncExitStack, workspace: Workspace, port: int) -> tuple[str, int | None]:
    try:
        return await stack.enter_async_context(workspace.serve(port)), None
    except OSError:
        return await stack.enter_async_context(workspace.serve()), port


class _Ports(NamedTuple):
    """Where the servers on loopback listen, and the bot itself."""

    smtp: int
    imap: int
    http: int
    site: int


_UNSET: Final = (
    "imap_token_url",
    "imap_client_id",
    "imap_client_secret",
    "heartbeat_url",
    "slack_signing_secret",
    "marketplace_developer_id",
    "smtp_username",
    "smtp_password",
    "mail_reply_to",
    "mail_privacy_url",
    "mail_templates",
    "mail_countries",
    "mail_bounces",
    "dkim_domain",
    "dkim_selector",
    "dkim_key",
    "metrics_port",
)
_OFF: Final = {
    **dict.fromkeys(_UNSET),
    **dict.fromkeys(("slack_actors", "test_sites", "forge_apps", "webhook_urls", "webhook_secret"), ()),
    **dict.fromkeys(("webhook_contacts", "webhook_private"), False),
    **dict.fromkeys(("metrics", "show_prices"), "off"),
    "forge_environments": ("PRODUCTION",),
    "forge_jwks_url": "http://127.0.0.1/",
    "webhook_events": "evaluation.started",
    "imap_scope": "the mailbox takes a password",
}
"""What the demo does without, and what only matters with it."""


def _settings(
    workspace: Workspace,
    marketplace: DemoMarketplace,
    marketplace_url: str,
    ports: _Ports,
    folder: Path,
) -> dict[str, object]:
    """Return every setting, so that nothing of the machine's own environment gets in."""
    return {
        **_OFF,
        "slack_bot_token": workspace.bot_token,
        "slack_app_token": workspace.app_token,
        "slack_channel": CHANNEL,
        "slack_admins": "U0ANA",
        "reactions": "on",
        "slack_api_url": workspace.api_url,
        "marketplace_user": marketplace.user,
        "marketplace_token": marketplace.token,
        "marketplace_vendor_id": str(marketplace.vendor_id),
        "marketplace_api_url": marketplace_url,
        "poll_every": "2s",
        "sweep_every": "24h",
        "first_run_days": 1,
        "database_url": f"sqlite+aiosqlite:///{folder / 'demo.db'}",
        **_mail_settings(ports),
        "bounces_secret": _BOUNCES_SECRET,
        "signals_secret": _SIGNALS_SECRET,
        "early_cards": "all",
        "early_cards_wait": "7d",
        "feedback_origins": (f"http://127.0.0.1:{ports.site}",),
        "public_url": f"http://127.0.0.1:{ports.http}",
        "retention": "730d",
        "secret_key": "a key that protects nothing but this demo",
        "http_host": "127.0.0.1",
        "http_port": ports.http,
        "timezone": "UTC",
        "log_format": "console",
        "log_level": "warning",
    }


def _mail_settings(ports: _Ports) -> dict[str, object]:
    """Return how emails go out, and where replies come in."""
    return {
        "smtp_host": "127.0.0.1",
        "smtp_port": ports.smtp,
        "smtp_tls": "none",
        "mail_from": "Ana Sample <ana@vendor.example>",
        "mail_postal_address": "Demo Vendor\n1 Sample Street\n00000 Springfield",
        "mail_vendor": "Demo Vendor",
        "mail_hold": "10s",
        "mail_at_most_every": "7d",
        "mail_replies": USERNAME,
        "imap_host": "127.0.0.1",
        "imap_port": ports.imap,
        "imap_tls": "none",
        "imap_username": USERNAME,
        "imap_password": PASSWORD,
        "imap_folder": "INBOX",
        "imap_after": "leave",
    }
