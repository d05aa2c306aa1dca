"""The signed endpoint where a mail server or service delivers bounces."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web

from bot.metrics.catalog import INBOUND
from bot.metrics.labels import InboundResult, InboundSource
from bot.metrics.meter import OFF, Meter
from bot.security.webhook_signature import is_signed, signing_key
from bot.services.inbound.bounces import BounceHandler
from bot.web.unsigned_requests import UnsignedRequests

PATH: Final = "/bounces"


class BounceWebhook:
    """Accepts reports that are signed with a shared secret."""

    def __init__(self, handler: BounceHandler, *, secret: str, clock: Callable[[], float] = time.time) -> None:
        self.meter: Meter = OFF
        self._handler = handler
        self._key = signing_key(secret)
        self._clock = clock
        self.unsigned = UnsignedRequests()

    async def take(self, request: web.Request) -> web.Response:
        """Answer 202 once the report was handled, whatever it is; 401 unsigned, 413 too large. A repeat changes
        nothing.
        """
        body = await request.read()
        if not is_signed(self._key, request.headers, body, now=self._clock()):
            return self._refuse()
        outcome = await self._handler.handle(body)
        return web.Response(status=HTTPStatus.ACCEPTED, text=f"{outcome}\n")

    def _refuse(self) -> web.Response:
        self.unsigned.add(PATH)
        self.meter.count(INBOUND, InboundSource.BOUNCE, InboundResult.REFUSED)
        return web.Response(
            status=HTTPStatus.UNAUTHORIZED,
            text="The webhook signature is missing, wrong or too old: see docs/mail.md.\n",
            headers={"WWW-Authenticate": "Signature"},
        )
