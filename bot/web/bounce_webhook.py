"""The signed endpoint where a mail server or service delivers bounces."""

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
"""Seconds that the sender's clock may be off, including transit."""
_SIGNED: Final = re.compile(r"t=([1-9]\d{0,11}),\s*v1=([0-9a-f]{64})", re.ASCII)


class BounceWebhook:
    """Accepts reports that are signed with a shared secret."""

    def __init__(self, handler: BounceHandler, *, secret: str, clock: Callable[[], float] = time.time) -> None:
        self._handler = handler
        self._secret = secret
        self._clock = clock
        self.unsigned = UnsignedRequests()

    async def take(self, request: web.Request) -> web.Response:
        """Answer 202 once the report was handled, whatever it is; 401 unsigned, 413 too large. A repeat changes
        nothing.
        """
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
            text="X-Signature is missing, wrong or too old: see docs/mail.md.\n",
            headers={"WWW-Authenticate": "Signature"},
        )
