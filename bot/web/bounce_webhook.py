"""The signed endpoint where a mail server or service delivers bounces."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web

from bot.metrics.labels import InboundSource
from bot.services.inbound.bounces import BounceHandler
from bot.web.inbound.doors import SignedRequests

PATH: Final = "/bounces"


class BounceWebhook:
    """Accepts reports that are signed with a shared secret."""

    def __init__(self, handler: BounceHandler, *, secret: str, clock: Callable[[], float] = time.time) -> None:
        self.requests = SignedRequests(
            secret, path=PATH, source=InboundSource.BOUNCE, help_at="docs/mail.md", clock=clock
        )
        self.path = PATH
        self.unsigned = self.requests.unsigned
        self._handler = handler

    async def take(self, request: web.Request) -> web.Response:
        """Answer 202 once the report was handled, whatever it is; 401 unsigned, 413 too large. A repeat changes
        nothing.
        """
        body = await request.read()
        self.requests.verify(request, body)
        outcome = await self._handler.handle(body)
        return web.Response(status=HTTPStatus.ACCEPTED, text=f"{outcome}\n")
