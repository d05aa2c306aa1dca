"""Verify requests of the vendor's own systems and of Forge. Every door for them uses this."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, NoReturn, Protocol

import structlog
from aiohttp import web

from bot.errors import ForgeKeysUnavailable, ForgeTokenRefused
from bot.metrics.catalog import INBOUND
from bot.metrics.labels import InboundResult, InboundSource
from bot.metrics.meter import OFF, Meter
from bot.security.forge_token import ForgeClaims, read_key_id, verify_token
from bot.security.webhook_signature import is_signed, signing_key
from bot.services.inbound.forge_keys import ForgeKeys
from bot.web.inbound.unsigned_requests import UnsignedRequests

log = structlog.get_logger()

LARGEST: Final = 16 * 1024
"""Bytes of a body."""
_RETRY_S: Final = 5
_BEARER: Final = "bearer "


class Door(Protocol):
    """An endpoint for POST, for systems that prove who they are."""

    path: str
    unsigned: UnsignedRequests

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""


async def read_body(request: web.Request) -> bytes:
    """Return the body. Raises HTTPRequestEntityTooLarge over 16 KiB."""
    body = await request.read()
    if len(body) > LARGEST:
        raise web.HTTPRequestEntityTooLarge(LARGEST, len(body), text="The body may have 16 KiB.\n")
    return body


def parse_json(request: web.Request, body: bytes) -> object:
    """Return the JSON value in a body. Raises HTTPUnsupportedMediaType or HTTPBadRequest."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="The content type should be application/json.\n")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(text="The body should be JSON.\n") from None


def try_later(sentence: str) -> NoReturn:
    """Raise HTTPServiceUnavailable, which asks to come again in a few seconds."""
    raise web.HTTPServiceUnavailable(text=f"{sentence}\n", headers={"Retry-After": str(_RETRY_S)})


class SignedRequests:
    """Requests that are signed with a shared secret, by the scheme of Standard Webhooks."""

    def __init__(
        self,
        secret: str,
        *,
        path: str,
        source: InboundSource,
        help_at: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`help_at` is the page that explains the signature."""
        self.path = path
        self.unsigned = UnsignedRequests()
        self.meter: Meter = OFF
        self.source = source
        self._key = signing_key(secret)
        self._help_at = help_at
        self._clock = clock

    def verify(self, request: web.Request, body: bytes) -> str:
        """Return the id of a signed request, which is the same when it is repeated. Raises HTTPUnauthorized."""
        if is_signed(self._key, request.headers, body, now=self._clock()):
            return request.headers["webhook-id"]
        self.unsigned.add(self.path)
        self.meter.count(INBOUND, self.source, InboundResult.REFUSED)
        raise web.HTTPUnauthorized(
            text=f"The webhook signature is missing, wrong or too old: see {self._help_at}.\n",
            headers={"WWW-Authenticate": "Signature"},
        )


class ForgeRequests:
    """Requests that Forge sends for one of the vendor's apps. Nothing of their headers is kept or logged."""

    def __init__(
        self,
        keys: ForgeKeys,
        *,
        apps: Mapping[str, str],
        environments: frozenset[str],
        path: str,
        source: InboundSource,
        clock: Callable[[], datetime],
    ) -> None:
        """`apps` are the keys of the report by the ARI of each app."""
        self.path = path
        self.unsigned = UnsignedRequests()
        self.meter: Meter = OFF
        self.source = source
        self._keys = keys
        self._apps = apps
        self._environments = environments
        self._clock = clock

    async def verify(self, request: web.Request) -> ForgeClaims:
        """Return what the token of a request says. Raises HTTPUnauthorized, HTTPServiceUnavailable while Atlassian's
        keys cannot be had, and HTTPNoContent for an environment that does not count.
        """
        try:
            claims = await self._claims(request.headers.get("authorization", ""))
        except ForgeTokenRefused as exc:
            self.unsigned.add(self.path)
            self.meter.count(INBOUND, self.source, InboundResult.REFUSED)
            raise web.HTTPUnauthorized(text=f"{exc}\n", headers={"WWW-Authenticate": "Bearer"}) from None
        except ForgeKeysUnavailable:
            try_later("Atlassian's keys cannot be fetched now.")
        if claims.environment not in self._environments:
            raise web.HTTPNoContent
        return claims

    async def _claims(self, authorization: str) -> ForgeClaims:
        token = authorization[len(_BEARER) :].strip()
        if authorization[: len(_BEARER)].lower() != _BEARER:
            raise ForgeTokenRefused
        key = await self._keys.find(read_key_id(token))
        if key is None:
            raise ForgeTokenRefused
        return verify_token(token, key, apps=self._apps, now=self._clock())
