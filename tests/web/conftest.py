"""A recipient with a link, a team that writes down what they wish, and the endpoints on a real socket."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.concurrency.heartbeats import Heartbeats
from bot.errors import StoreError
from bot.security.keyring import Keyring
from bot.services.mail.links import Link, Links
from bot.services.operations.health import Health
from bot.services.operations.probes import Probes
from bot.store import open_store
from bot.web.inbound.doors import Door
from bot.web.server import LinkedPage, endpoints, listening, serve
from bot.web.unsubscribe.handler import UnsubscribePage
from tests.builders import NOON

SECRET = "a key for the links, which is long enough"
ANA = "ana@acme.example"


class Clock:
    """Time in seconds, which stands still until somebody moves it."""

    def __init__(self) -> None:
        self.now = 1_773_307_804.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@dataclass
class Wishes:
    """What people wished, as it would be written down."""

    unsubscribed: set[str] = field(default_factory=set)
    times: int = 0
    out_of_order: bool = False

    async def unsubscribe(self, link: Link) -> None:
        """Write down who does not want to be written to."""
        self._asked()
        self.unsubscribed.add(link.address)

    async def resubscribe(self, link: Link) -> None:
        """Cross it out."""
        self._asked()
        self.unsubscribed.discard(link.address)

    def _asked(self) -> None:
        self.times += 1
        if self.out_of_order:
            raise StoreError("The disk is full.")


@dataclass
class Site:
    """The endpoints, and a client for them."""

    port: int
    session: aiohttp.ClientSession

    def url(self, path: str) -> str:
        """Where something is."""
        return f"http://127.0.0.1:{self.port}{path}"


@asynccontextmanager
async def site(folder: Path, *, pages: Iterable[LinkedPage] = (), doors: Iterable[Door] = ()) -> AsyncIterator[Site]:
    """The endpoints at work."""
    async with open_store(f"sqlite+aiosqlite:///{folder}/web.db", secret_keys=[SECRET]) as store:
        health = Health(store, poll_every=timedelta(minutes=10), clock=lambda: NOON)
        app = endpoints(health, Probes(store, Heartbeats()), pages=pages, doors=doors)
        with listening(host="127.0.0.1", port=0) as sockets:
            async with serve(app, sockets) as port, aiohttp.ClientSession() as session:
                yield Site(port, session)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wishes() -> Wishes:
    return Wishes()


@pytest.fixture
def links() -> Links:
    return Links(Keyring([SECRET]), public_url="https://bot.vendor.example")


@pytest.fixture
async def page(tmp_path: Path, links: Links, wishes: Wishes, clock: Clock) -> AsyncIterator[Site]:
    """The unsubscribe page."""
    async with site(tmp_path, pages=[UnsubscribePage(links, wishes, sender="Demo Vendor", clock=clock)]) as found:
        yield found


@pytest.fixture
def logged(logged: Callable[[], str]) -> Callable[[], str]:
    """What was logged, except that the test made a database."""
    return lambda: "".join(line for line in logged().splitlines(keepends=True) if " database_created " not in line)
