"""Call the monitoring service of `HEARTBEAT_URL`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import httpx

from bot.app.context import Context
from bot.app.scheduler import Run
from bot.config.network import Network
from bot.errors import HeartbeatFailed
from bot.services.operations.poll_heartbeat import PollHeartbeat

_TIMEOUT_S: Final = 10.0


@asynccontextmanager
async def watched_poll(context: Context) -> AsyncIterator[Run]:
    """Yield the poll, followed by a call to the monitoring service if there is one."""
    poll, url = context.components.poller.poll, context.settings.heartbeat_url
    if url is None:
        yield poll
        return
    address = url.get_secret_value()
    async with open_caller(context.settings.network, address) as call:
        yield PollHeartbeat(poll, url=address, call=call).poll


@asynccontextmanager
async def open_caller(network: Network, url: str) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    """Yield a function that requests an address of the service. It raises HeartbeatFailed if the request fails."""
    async with httpx.AsyncClient(
        timeout=_TIMEOUT_S,
        trust_env=False,  # the variables are read once, for all clients alike
        proxy=network.proxy_for(url),
        verify=network.trust or True,
    ) as client:

        async def call(address: str) -> None:
            try:
                answer = await client.get(address)
            except (httpx.HTTPError, httpx.InvalidURL) as exc:  # its text may hold the address
                raise HeartbeatFailed(f"The monitoring service did not answer ({type(exc).__name__}).") from None
            if not answer.is_success:
                raise HeartbeatFailed(f"The monitoring service answered {answer.status_code}.")

        yield call
