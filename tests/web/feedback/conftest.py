"""The feedback page and the endpoints for apps, on a real socket, with a store behind them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.concurrency.heartbeats import Heartbeats
from bot.metrics.labels import InboundSource
from bot.security.keyring import Keyring
from bot.services.inbound.feedback import FeedbackDesk
from bot.services.mail.links import LinkKind, Links
from bot.services.operations.health import Health
from bot.services.operations.probes import Probes
from bot.store import Store, open_store
from bot.web.feedback.endpoints import PATH, FeedbackEndpoints
from bot.web.feedback.page import FeedbackPage
from bot.web.inbound.doors import SignedRequests
from bot.web.server import endpoints, listening, serve
from tests.builders import NOON, license_
from tests.store.steps import CHANNEL, bring, claimed, order, report
from tests.web.conftest import SECRET, Clock, Site

ORIGIN = "https://app.vendor.example"
SIGNING = "what the vendor's backend signs with"


@dataclass
class FeedbackSite(Site):
    """The endpoints, and what they write to."""

    store: Store
    links: Links
    clock: Clock
    mail_id: int


@pytest.fixture
async def here(tmp_path: Path, clock: Clock) -> AsyncIterator[FeedbackSite]:
    """The page and the endpoints at work, after an email to the only contact."""
    keyring = Keyring([SECRET])
    links = Links(keyring, public_url="https://bot.vendor.example", kind=LinkKind.FEEDBACK)
    clock.now = NOON.timestamp()
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/web.db", secret_keys=[SECRET]) as store:
        await report(store, license_())
        sent = await claimed(store, order(1))
        await bring(store)
        desk = FeedbackDesk(
            store.feedback, keyring, links=links, channel=CHANNEL, clock=lambda: datetime.fromtimestamp(clock.now, UTC)
        )
        app = endpoints(
            Health(store, poll_every=timedelta(minutes=10), clock=lambda: NOON),
            Probes(store, Heartbeats()),
            pages=[FeedbackPage(desk, sender="Demo Vendor", clock=clock)],
            feedback=FeedbackEndpoints(
                desk,
                signed=SignedRequests(
                    SIGNING, path=PATH, source=InboundSource.FEEDBACK, help_at="docs/feedback.md", clock=clock
                ),
                forge=None,
                origins=frozenset({ORIGIN}),
                clock=clock,
            ),
        )
        with listening(host="127.0.0.1", port=0) as sockets:
            async with serve(app, sockets) as port, aiohttp.ClientSession() as session:
                yield FeedbackSite(port, session, store, links, clock, sent.mail_id)
