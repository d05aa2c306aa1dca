"""Requests to the Marketplace with one account, tried again while that may help."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any, Literal

import httpx
import stamina

from bot.errors import AnswerUnreadable
from bot.marketplace.responses import RetryLater, StreamCut, error_for, parse_response, unanswered

Query = Sequence[tuple[str, str]]

INSIGHTS: Query = (("withDataInsights", "true"),)
"""Documented for windows that begin after July 2018 alone; where it is refused, a report without beats none."""

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
"""Seconds; for reading they count anew with every piece of an answer."""
ATTEMPTS = 5
LONGEST_WAIT = 60.0
"""Seconds; who is asked to wait longer leaves it to the next poll."""
PATIENCE = 180.0
"""Seconds after which no further attempt at one request begins."""
LARGEST = 32 * 1024 * 1024
"""Bytes of an answer that is read as a whole; a page of the report has some hundred thousand."""
CHUNK = 64 * 1024
"""Bytes of a long answer that are given on at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The way to the API: the address of a proxy, and the certificate authorities that are trusted, if not httpx's."""

    proxy: str | None = None
    trust: SSLContext | None = None


DIRECT = Route()


def retry_delay(error: Exception) -> bool | float:
    """Whether to try again: after the time the Marketplace asks for, or else after stamina's growing pauses."""
    if not isinstance(error, RetryLater):
        return False
    if error.retry_after is None:
        return True
    return error.retry_after <= LONGEST_WAIT and max(error.retry_after, 1.0)


_RETRYING = stamina.AsyncRetryingCaller(
    attempts=ATTEMPTS, timeout=PATIENCE, wait_initial=1.0, wait_max=LONGEST_WAIT
).on(retry_delay)


class MarketplaceHttp:
    """Asks under `api_url` and nowhere else: redirects are refused, and paths are the caller's, never an answer's."""

    def __init__(
        self, *, api_url: str, user: str, token: str, timeout: httpx.Timeout = TIMEOUT, route: Route = DIRECT
    ) -> None:
        self._base = f"{api_url.rstrip('/')}/rest/3"
        self._http = httpx.AsyncClient(
            auth=httpx.BasicAuth(user, token),
            headers={"Accept": "application/json", "User-Agent": "evaluator-bot (Marketplace licenses to Slack)"},
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,  # the variables are read once, for all clients alike
            proxy=route.proxy,
            verify=route.trust or True,
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def get(self, path: str, query: Query = (), *, retry: bool = True) -> dict[str, Any]:
        """The JSON object at a path; without `retry` the first failure is the answer."""
        if not retry:
            return await self._answer("GET", path, query)
        return await _RETRYING(self._answer, "GET", path, query)

    async def post(self, path: str, query: Query) -> dict[str, Any]:
        """The JSON object that answers an empty one; what is tried again may have been taken before."""
        return await _RETRYING(self._answer, "POST", path, query)

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """A long answer, piece by piece; once it has begun, `BrokenOff` is left to the caller."""
        response = await _RETRYING(self._opened, path)
        try:
            yield _pieces(response)
        finally:
            await response.aclose()

    async def _answer(self, method: Literal["GET", "POST"], path: str, query: Query) -> dict[str, Any]:
        response = await self._send(method, path, query)
        try:
            return parse_response(response, await _body(response) if response.is_success else b"")
        finally:
            await response.aclose()

    async def _opened(self, path: str) -> httpx.Response:
        response = await self._send("GET", path, ())
        if not response.is_success:
            await response.aclose()
            raise error_for(response)
        return response

    async def _send(self, method: Literal["GET", "POST"], path: str, query: Query) -> httpx.Response:
        """The answer from its head on; the caller reads the rest and closes it."""
        # Other clients of the export send an empty object, so this much is known to be taken.
        body: dict[str, str] | None = {} if method == "POST" else None
        request = self._http.build_request(method, f"{self._base}/{path}", params=list(query), json=body)
        try:
            return await self._http.send(request, stream=True)
        except httpx.RequestError as exc:
            raise unanswered(exc) from exc


async def _body(response: httpx.Response) -> bytes:
    body = bytearray()
    try:
        async for piece in response.aiter_bytes(CHUNK):
            body += piece
            if len(body) > LARGEST:
                raise AnswerUnreadable(
                    "The Marketplace's answer is far longer than a page of the report. Check MARKETPLACE_API_URL, and "
                    "that no proxy or sign-in page stands in between."
                )
    except httpx.RequestError as exc:
        raise unanswered(exc) from exc
    return bytes(body)


async def _pieces(response: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in response.aiter_bytes(CHUNK):
            yield piece
    except httpx.RequestError as exc:
        raise StreamCut(
            f"The Marketplace broke off in the middle of the report ({type(exc).__name__}). If this lasts, check the "
            "network and the proxy."
        ) from exc
