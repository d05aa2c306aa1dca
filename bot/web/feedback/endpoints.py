"""`/feedback`, `/feedback/forge`, `/feedback/conversations/…`: an app sends feedback, and reads the team's answers."""

import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from http import HTTPStatus
from importlib import resources
from typing import Any, Final

import structlog
from aiohttp import web

from bot.concurrency.rate_limit import Rate, TokenBucket
from bot.domain.feedback import FeedbackMessage, FeedbackRefused, FeedbackSource
from bot.domain.feedback_reader import read_feedback
from bot.domain.place_reader import RequestInvalid
from bot.errors import StoreError
from bot.services.inbound.feedback import FeedbackDesk
from bot.web.inbound.doors import ForgeRequests, SignedRequests, parse_json, read_body, try_later

log = structlog.get_logger()

PATH: Final = "/feedback"
FORGE_PATH: Final = "/feedback/forge"
CONVERSATION_PATH: Final = "/feedback/conversations/{token}"
WIDGET_PATH: Final = "/feedback/widget.js"
MESSAGES: Final = Rate(interval=1.0, burst=60)
"""Of all apps together: 60 a minute."""
_LOOKS: Final = Rate(interval=0.02, burst=500)
_LONGEST_KEY: Final = 256
_WIDGET: Final = resources.files("bot.web.feedback").joinpath("widget.js").read_bytes()
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "content-type, idempotency-key",
    "Access-Control-Max-Age": "600",
}


class FeedbackEndpoints:
    """Takes feedback that is signed, comes from Forge, or from a page whose origin is listed."""

    def __init__(
        self,
        desk: FeedbackDesk,
        *,
        signed: SignedRequests | None,
        forge: ForgeRequests | None,
        origins: frozenset[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` counts seconds, for the limits of all requests together."""
        self.verified = [each for each in (signed, forge) if each is not None]
        self.signed = signed
        self.forge = forge
        self._desk = desk
        self._origins = origins
        self._messages = TokenBucket(MESSAGES, clock=clock)
        self._looks = TokenBucket(_LOOKS, clock=clock)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of what is set up."""
        routes = []
        if self.signed is not None or self._origins:
            routes += [web.post(PATH, self.take), web.options(PATH, self.preflight), web.get(WIDGET_PATH, self.widget)]
        if self.forge is not None:
            routes.append(web.post(FORGE_PATH, self.take_from_forge))
        return [*routes, web.get(CONVERSATION_PATH, self.read)] if routes else []

    async def take(self, request: web.Request) -> web.Response:
        """Answer 202 with the token of the conversation, and 204 to a repeated `webhook-id`."""
        body = await read_body(request)
        key: str | None
        if self.signed is not None and ("webhook-signature" in request.headers or "Origin" not in request.headers):
            key, source = f"webhook:{self.signed.verify(request, body)}", FeedbackSource.BACKEND
        elif "Origin" in request.headers:
            given, source = request.headers.get("Idempotency-Key", ""), FeedbackSource.BROWSER
            key = _key(given, body) if 0 < len(given) <= _LONGEST_KEY else None
            self._require_origin(request)
        else:
            raise web.HTTPUnauthorized(text="The request should be signed: see docs/feedback.md.\n")
        try:
            answer = await self._take(request, body, key, {"source": source})
        except web.HTTPException as exc:  # the page should learn why
            exc.headers.update(self._cors(request))
            raise
        answer.headers.update(self._cors(request))
        return answer

    async def take_from_forge(self, request: web.Request) -> web.Response:
        """Answer the same to an app's resolver, which Forge lets call us."""
        if self.forge is None:
            raise web.HTTPNotFound
        body = await read_body(request)
        claims = await self.forge.verify(request)
        key = None if claims.token_id is None else f"forge:{claims.token_id}"
        about = {"source": FeedbackSource.FORGE, "app_key": claims.app_key, "cloud_id": claims.cloud_id}
        return await self._take(request, body, key, about)

    async def preflight(self, request: web.Request) -> web.Response:
        """Tell a browser that a page with a listed origin may send feedback."""
        self._require_origin(request)
        return web.Response(status=HTTPStatus.NO_CONTENT, headers={**self._cors(request), **_PREFLIGHT})

    async def read(self, request: web.Request) -> web.Response:
        """Answer with the messages of a conversation, or 404."""
        if "Origin" in request.headers:
            self._require_origin(request)
        _consume(self._looks)
        try:
            messages = await self._desk.messages(request.match_info["token"])
        except StoreError:
            try_later("The database cannot be read now.")
        headers = {**self._cors(request), "Cache-Control": "no-store"}
        if not messages:
            return web.json_response({"error": "no such conversation"}, status=HTTPStatus.NOT_FOUND, headers=headers)
        return web.json_response({"messages": [_shown(each) for each in messages if each.content]}, headers=headers)

    async def widget(self, _request: web.Request) -> web.Response:
        """Answer with the script that shows the window."""
        headers = {
            "Cache-Control": "public, max-age=3600",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "X-Content-Type-Options": "nosniff",
        }
        return web.Response(body=_WIDGET, content_type="text/javascript", charset="utf-8", headers=headers)

    async def _take(self, request: web.Request, body: bytes, key: str | None, about: Mapping[str, Any]) -> web.Response:
        _consume(self._messages)
        found = parse_json(request, body)
        try:
            new = read_feedback(found, key=key, **about)
            conversation = found.get("conversation") if isinstance(found, dict) else None
            taken = await self._desk.take(new, conversation=conversation)
        except RequestInvalid as exc:
            raise web.HTTPBadRequest(text=f"{exc}\n") from None
        except StoreError:
            try_later("The database cannot be written now.")
        match taken:
            case FeedbackRefused.NO_CONVERSATION:
                raise web.HTTPNotFound(text="/conversation is not on record. Leave it out to begin another one.\n")
            case FeedbackRefused.TOO_MANY:
                raise web.HTTPTooManyRequests(text="This site sent enough for now.\n", headers={"Retry-After": "3600"})
        if taken.is_repeated and about["source"] is not FeedbackSource.BROWSER:
            return web.Response(status=HTTPStatus.NO_CONTENT)
        if not taken.is_repeated:
            log.info("feedback_received", source=about["source"])
        answer = {"conversation": self._desk.token(taken.conversation)}
        return web.json_response(answer, status=HTTPStatus.ACCEPTED)

    def _require_origin(self, request: web.Request) -> None:
        if request.headers.get("Origin") not in self._origins:
            raise web.HTTPForbidden(text="This page is not listed in FEEDBACK_ORIGINS.\n", headers={"Vary": "Origin"})

    def _cors(self, request: web.Request) -> dict[str, str]:
        origin = request.headers.get("Origin")
        allowed = {"Access-Control-Allow-Origin": origin} if origin in self._origins and origin else {}
        return {"Vary": "Origin", **allowed}


def _key(given: str, body: bytes) -> str:
    """Return the key of a request from a browser. The same key with other content is another request, so that two pages
    with the same key do not share a conversation.
    """
    return f"browser:{hashlib.sha256(given.encode() + bytes(1) + body).hexdigest()}"


def _consume(bucket: TokenBucket) -> None:
    wait = bucket.wait()
    if wait > 0:
        raise web.HTTPTooManyRequests(text="Too many requests.\n", headers={"Retry-After": str(int(wait) + 1)})
    bucket.consume()


def _shown(message: FeedbackMessage) -> dict[str, str]:
    text = "" if message.content is None else message.content.text
    return {"from": message.speaker.value, "text": text, "at": message.at.astimezone(UTC).isoformat()}
