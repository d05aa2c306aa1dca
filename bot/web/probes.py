"""`/livez` and `/readyz`, for what restarts the bot or sends it requests."""

from http import HTTPStatus
from typing import Final

from aiohttp import web

from bot.services.operations.probes import Probes

LIVE: Final = "/livez"
READY: Final = "/readyz"


class ProbeEndpoints:
    """Answer 200, or 503 with a sentence."""

    def __init__(self, probes: Probes) -> None:
        self._probes = probes

    async def live(self, _request: web.Request) -> web.Response:
        """Say whether every worker goes on."""
        return _answer(self._probes.why_not_live(), "alive")

    async def ready(self, _request: web.Request) -> web.Response:
        """Say whether requests can be handled."""
        return _answer(await self._probes.why_not_ready(), "ready")


def _answer(problem: str, well: str) -> web.Response:
    if problem:
        return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text=f"{problem}\n")
    return web.Response(text=f"{well}\n")
