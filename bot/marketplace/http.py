"""HTTP requests to the Marketplace with one account, retried while that can help."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from ssl import SSLContext
from typing import Any, Literal

import httpx
import stamina
import structlog
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from bot.errors import AnswerUnreadable
from bot.marketplace.responses import RetryLater, StreamCut, error_for, parse_response, unanswered

log = structlog.get_logger()

Query = Sequence[tuple[str, str]]

INSIGHTS: Query = (("withDataInsights", "true"),)
"""Documented only for windows that begin after July 2018. If it is refused, a report without it beats none."""

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
"""Seconds; while reading, they count from each chunk."""
ATTEMPTS = 5
LONGEST_WAIT = 60.0
"""Seconds; a longer Retry-After is left to the next poll."""
PATIENCE = 180.0
"""Seconds after which no further attempt begins."""
LARGEST = 32 * 1024 * 1024
"""Bytes of a response that is read as a whole; a page of the report has on the order of a hundred thousand."""
CHUNK = 64 * 1024
"""Bytes of a long answer that are passed on at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The route to the API: the address of a proxy, and the trusted certificate authorities if they are not httpx's."""

    proxy: str | None = None
    trust: SSLContext | None = None


DIRECT = Route()


def retry_delay(error: Exception) -> bool | float:
    """Return the delay before a retry: what the Marketplace asks for, or True for stamina's own back-off; False to give
    up.
    """
    if not isinstance(error, RetryLater):
        return False
    if error.retry_after is None:
        return True
    return error.retry_after <= LONGEST_WAIT and max(error.retry_after, 1.0)


_RETRYING = stamina.AsyncRetryingCaller(
    attempts=ATTEMPTS, timeout=PATIENCE, wait_initial=1.0, wait_max=LONGEST_WAIT
).on(retry_delay)


def _log_retry(details: RetryDetails) -> None:
    log.warning("marketplace_retried", reason=str(details.caused_by), wait_s=round(details.wait_for, 1))


set_on_retry_hooks([_log_retry])  # nothing else here uses stamina, whose own line shows a function and its arguments


@cache
def _default_trust() -> SSLContext:
    """Return httpx's certificate authorities, read once: that takes a tenth of a second."""
    return httpx.create_ssl_context(trust_env=False)


class MarketplaceHttp:
    """Sends requests below `api_url` and nowhere else: redirects are refused, and paths never come from an answer."""

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
            verify=route.trust or _default_trust(),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def get(self, path: str, query: Query = (), *, retry: bool = True) -> dict[str, Any]:
        """Return the JSON object at a path. Without `retry`, the first failure is raised."""
        if not retry:
            return await self._answer("GET", path, query)
        return await _RETRYING(self._answer, "GET", path, query)

    async def post(self, path: str, query: Query) -> dict[str, Any]:
        """Return the JSON object that answers an empty POST. After a retry, an earlier attempt may have
        been accepted.
        """
        return await _RETRYING(self._answer, "POST", path, query)

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Yield a long answer chunk by chunk. Once it has begun, `StreamCut` is left to the caller."""
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
        """Send a request and return the response after its headers; the caller reads the rest and closes it."""
        # Other clients of the export send an empty object, so this is known to be accepted.
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
