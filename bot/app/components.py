"""The components of the running bot and of the commands: the database and external clients, opened from the
settings.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.app.clock import utc_now
from bot.app.mail import build_mailer
from bot.config.settings import Settings
from bot.domain.mail_policy import MailRules
from bot.log.setup import slack_logger
from bot.mail.country_rules import load_countries
from bot.marketplace.client import Marketplace
from bot.marketplace.http import MarketplaceHttp, Route
from bot.metrics.meter import OFF, Meter, build_meter
from bot.services.ingest.poller import PollPlan, ReportPoller
from bot.services.ingest.return_reports import ReturnReports
from bot.services.mail.mailer import Mailer
from bot.services.operations.alerts import AdminAlerts
from bot.slack.client.counted_client import CountedWebClient
from bot.slack.client.errors import REACTIONS_SCOPE, SCOPES
from bot.slack.client.web_api import BoundedResponse
from bot.slack.client.web_client import SlackClient
from bot.store import Store, open_store

_SLACK_TIMEOUT_S: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """What the running bot and the other commands are made of."""

    store: Store
    marketplace: Marketplace
    poller: ReportPoller
    client: AsyncWebClient
    slack: SlackClient
    mailer: Mailer | None
    rules: MailRules
    alerts: AdminAlerts
    meter: Meter = OFF


@asynccontextmanager
async def open_components(
    settings: Settings, *, clock: Callable[[], datetime] = utc_now, patience: timedelta = timedelta(0)
) -> AsyncIterator[Components]:
    """Open the components and close them at the end. Raises BotError if one cannot be opened.

    `patience` is how long to wait for a bot of another version if the tables have to change.
    """
    meter = build_meter(on=settings.has_metrics)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            open_store(settings.database_url, secret_keys=settings.secret_key, patience=patience)
        )
        store.database.meter = meter
        marketplace = await stack.enter_async_context(build_marketplace(settings))
        client = await stack.enter_async_context(open_slack_client(settings, meter))
        alerts = AdminAlerts(store, admins=settings.slack_admins, channel=settings.slack_channel, clock=clock)
        poller = ReportPoller(
            marketplace,
            store,
            PollPlan(
                channel=settings.slack_channel,
                first_run_days=settings.first_run_days,
                sweep_every=settings.sweep_every,
                own_sites=settings.own_sites,
            ),
            alerts=alerts,
            clock=clock,
        )
        reports = ReturnReports(marketplace, store, show_prices=settings.show_prices == "on", clock=clock)
        poller.return_reports = reports
        poller.meter = reports.meter = meter
        mailer = build_mailer(settings)
        if mailer is not None:
            stack.push_async_callback(mailer.smtp.aclose)
        yield Components(
            store=store,
            marketplace=marketplace,
            poller=poller,
            client=client,
            slack=SlackClient(client, proxy_for=settings.network.proxy_for, scopes=scopes_needed(settings)),
            mailer=mailer,
            rules=MailRules(
                countries=load_countries(settings.mail_countries),
                at_most_every=settings.mail_at_most_every,
                hold=settings.mail_hold,
            ),
            alerts=alerts,
            meter=meter,
        )


@asynccontextmanager
async def open_slack_client(settings: Settings, meter: Meter = OFF) -> AsyncIterator[AsyncWebClient]:
    """Open a client of Slack's Web API with its HTTP session."""
    timeout = aiohttp.ClientTimeout(total=_SLACK_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout, response_class=BoundedResponse) as session:
        # The SDK's own retries would repeat a post that Slack has already accepted; the outbox decides about retries.
        client = CountedWebClient(
            meter=meter,
            token=settings.slack_bot_token.get_secret_value(),
            base_url=f"{settings.slack_api_url.rstrip('/')}/",
            session=session,
            ssl=settings.network.trust,
            retry_handlers=[],
            logger=slack_logger(),
        )
        client.proxy = settings.network.proxy_for(client.base_url)  # without one, the SDK takes that of the environment
        yield client


def scopes_needed(settings: Settings) -> frozenset[str]:
    """Return the OAuth scopes that the Slack app needs with these settings."""
    return SCOPES | ({REACTIONS_SCOPE} if settings.reactions == "on" else set())


def build_marketplace(settings: Settings) -> Marketplace:
    """Build the client for the vendor's reports. Raises SettingsWrong if an id is invalid."""
    network = settings.network
    http = MarketplaceHttp(
        api_url=settings.marketplace_api_url,
        user=settings.marketplace_user,
        token=settings.marketplace_token.get_secret_value(),
        route=Route(proxy=network.proxy_for(settings.marketplace_api_url), trust=network.trust),
    )
    return Marketplace(http, vendor_id=settings.marketplace_vendor_id, developer_id=settings.marketplace_developer_id)
