"""A Marketplace on a real socket, and the client that asks it."""

from collections.abc import AsyncIterator
from datetime import date

import pytest

from bot.demo.fake_marketplace.server import DEVELOPER_ID, DemoMarketplace
from bot.marketplace.client import Marketplace
from bot.marketplace.http import MarketplaceHttp
from bot.marketplace.responses import Row

TODAY = date(2026, 11, 23)


@pytest.fixture
def server() -> DemoMarketplace:
    return DemoMarketplace(today=lambda: TODAY)


@pytest.fixture
async def url(server: DemoMarketplace) -> AsyncIterator[str]:
    async with server.serve() as url:
        yield url


@pytest.fixture
def pauses() -> list[float]:
    """How long the client would have slept, each time."""
    return []


@pytest.fixture
async def client(server: DemoMarketplace, url: str, pauses: list[float]) -> AsyncIterator[Marketplace]:
    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with Marketplace(
        MarketplaceHttp(api_url=url, user=server.user, token=server.token), developer_id=DEVELOPER_ID, sleep=sleep
    ) as client:
        yield client


async def every_row(portions: AsyncIterator[list[Row]]) -> list[Row]:
    """All rows, whatever portions they came in."""
    return [row async for rows in portions for row in rows]
