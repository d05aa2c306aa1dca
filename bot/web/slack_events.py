"""The HTTP endpoint for Slack interactions and commands, signed so that nobody else can send them."""

import re
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.request.async_internals import build_async_context
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.request.internals import parse_body
from slack_sdk.signature import SignatureVerifier

from bot.slack.client.acknowledgement import sending
from bot.slack.client.payload import normalize
from bot.web.inbound.unsigned_requests import UnsignedRequests

PATH: Final = "/slack/events"
_TOLERANCE: Final = 300.0
"""The most seconds between a request's timestamp and now; docs.slack.dev, "Verifying requests from Slack"."""
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_SIGNATURE: Final = re.compile(r"v0=[0-9a-f]{64}")


class SlackEvents:
    """Passes requests signed by Slack to Bolt.

    The signature is checked before the body is parsed. Bolt parses the body first, and assumes that any timestamp is a
    number.
    """

    def __init__(self, app: AsyncApp, *, secret: str, clock: Callable[[], float] = time.time) -> None:
        self._app = app
        self._verifier = SignatureVerifier(secret)
        self._clock = clock
        self.path = PATH
        self.unsigned = UnsignedRequests()

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Return Bolt's response, or 401 if the signature is missing, wrong or too old."""
        body = _text(await request.read())
        if body is None or not self._is_signed(body, request):
            self.unsigned.add(PATH)
            return web.json_response({"error": "invalid request"}, status=HTTPStatus.UNAUTHORIZED)
        with sending() as context:
            asked = _bolt_request(request, body, context)
            response: web.StreamResponse = await to_aiohttp_response(await self._app.async_dispatch(asked))
            await response.prepare(request)
            await response.write_eof()
        return response

    def _is_signed(self, body: str, request: web.Request) -> bool:
        timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signature = request.headers.get("X-Slack-Signature", "")
        if not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(signature):
            return False
        is_fresh = abs(self._clock() - int(timestamp)) <= _TOLERANCE
        return is_fresh and self._verifier.is_valid(body, timestamp, signature)


def _text(body: bytes) -> str | None:
    """Return the body as text, as Slack writes it, or None if it is not UTF-8."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _bolt_request(request: web.Request, text: str, context: dict[str, Any]) -> AsyncBoltRequest:
    """Return a signed request in Bolt's type, with its body in one of the shapes that listeners know."""
    found = AsyncBoltRequest(body="", query=request.query_string, headers=dict(request.headers))
    try:
        payload = parse_body(text, found.content_type)
    except (ValueError, RecursionError):
        payload = {}
    found.raw_body, found.body = text, normalize(payload)
    found.context = build_async_context(AsyncBoltContext(context), found.body)
    return found
