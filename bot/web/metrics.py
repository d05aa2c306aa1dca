"""`/metrics`, for Prometheus."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from aiohttp import web
from aiohttp.hdrs import ACCEPT, CONTENT_TYPE

if TYPE_CHECKING:  # the package is loaded only where metrics are on
    from bot.metrics.registry import Registry

PATH: Final = "/metrics"


class MetricsEndpoint:
    """Shows every figure of the bot, in the format that the reader asks for."""

    def __init__(self, registry: "Registry", *, refresh: Callable[[], Awaitable[None]]) -> None:
        """`refresh` brings the gauges up to date."""
        self._registry = registry
        self._refresh = refresh

    async def show(self, request: web.Request) -> web.Response:
        """Answer with all figures. They do not depend on Slack, the Marketplace or the database."""
        await self._refresh()
        found = self._registry.expose(request.headers.get(ACCEPT, ""))
        return web.Response(body=found.body, headers={CONTENT_TYPE: found.content_type})


def application(endpoint: MetricsEndpoint) -> web.Application:
    """Return an application that serves nothing else, for a port of its own."""
    app = web.Application()
    app.router.add_get(PATH, endpoint.show)
    return app
