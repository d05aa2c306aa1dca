"""Where a mail server or a mail service hands in what came back: signed, so that nobody else can."""

import hmac
import re
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web

from bot.security.webhook_signature import signature
from bot.services.inbound.bounces import BounceHandler
from bot.web.unsigned_requests import UnsignedRequests

PATH: Final = "/bounces"
_HEADER: Final = "X-Signature"
_TOLERANCE: Final = 300.0
"""Seconds that the other clock may be off, and that a request may be on its way."""
_SIGNED: Final = re.compile(r"t=([1-9]\d{0,11}),\s*v1=([0-9a-f]{64})", re.ASCII)


class BounceWebhook:
    """Takes reports under a secret that whoever hands them in has, too."""

    def __init__(self, handler: BounceHandler, *, secret: str, clock: Callable[[], float] = time.time) -> None:
        self._handler = handler
        self._secret = secret
        self._clock = clock
        self.unsigned = UnsignedRequests()

    async def take(self, request: web.Request) -> web.Response:
        """202 once the report was dealt with, of whatever it was; 401 unsigned, 413 too large. Twice is once."""
        found = _SIGNED.fullmatch(request.headers.get(_HEADER, "").strip())
        if found is None or abs(self._clock() - int(found[1])) > _TOLERANCE:
            return self._refuse()
        body = await request.read()
        if not hmac.compare_digest(signature(self._secret, int(found[1]), body), found[2]):
            return self._refuse()
        outcome = await self._handler.handle(body)
        return web.Response(status=HTTPStatus.ACCEPTED, text=f"{outcome}\n")

    def _refuse(self) -> web.Response:
        self.unsigned.add(PATH)
        return web.Response(
            status=HTTPStatus.UNAUTHORIZED,
            text="X-Signature is missing, wrong or too old: see docs/operations.md.\n",
            headers={"WWW-Authenticate": "Signature"},
        )
