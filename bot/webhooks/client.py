"""Send one signed request to an address, and say what came of it in a sentence that does not name the address."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Final

import aiohttp
from yarl import URL

from bot.domain.webhook_address import why_not_called
from bot.domain.webhook_events import WebhookResponse
from bot.security.webhook_signature import sign
from bot.webhooks.resolver import AddressNotPublic, PublicResolver, leads_to_private

_TIMEOUT_S: Final = 10.0
_LONGEST_ANSWER: Final = 64 * 1024
_HEADERS: Final = {"Content-Type": "application/json", "User-Agent": f"evaluator-bot/{version('evaluator-bot')}"}
_SENTENCES: Final[Sequence[tuple[tuple[type[BaseException], ...], str]]] = (
    ((AddressNotPublic,), "Its name leads to a private address. Set WEBHOOK_PRIVATE=true if that is meant."),
    ((TimeoutError,), "It did not answer in time."),
    ((socket.gaierror, aiohttp.ClientConnectorDNSError), "Its name is not known in the DNS."),
    ((ssl.SSLError, aiohttp.ClientSSLError), "Its certificate cannot be trusted, or it does not speak TLS."),
    (
        (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, ConnectionResetError),
        "It closed the connection too early.",
    ),
)
"""What each kind of error means; the first that fits."""


class WebhookClient:
    """Sends events. Redirects are not followed, and certificates are verified."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        keys: Sequence[bytes],
        is_private_allowed: bool,
        proxy_for: Callable[[str], str | None],
        trust: ssl.SSLContext | None,
    ) -> None:
        """Each of the `keys` signs, so that receivers can change to the new one in their own time."""
        self._session = session
        self._keys = keys
        self._is_private_allowed = is_private_allowed
        self._proxy_for = proxy_for
        self._trust = trust

    async def post(self, url: str, body: bytes, *, message_id: str, at: datetime) -> WebhookResponse:
        """Send an event. Only a complete response with a status of 2xx counts as taken."""
        if problem := await self._why_not_called(url):
            return WebhookResponse(error=problem)
        sent_at = int(at.timestamp())
        signatures = " ".join(sign(key, message_id, sent_at, body) for key in self._keys)
        headers = {"webhook-id": message_id, "webhook-timestamp": str(sent_at), "webhook-signature": signatures}
        try:
            async with self._session.post(
                URL(url),
                data=body,
                headers=_HEADERS | headers,
                allow_redirects=False,
                proxy=self._proxy_for(url),
                ssl=self._trust or True,
            ) as response:
                await _read_a_little(response)
                return WebhookResponse(
                    status=response.status,
                    error=_describe(response.status),
                    retry_after=_retry_after(response.headers, at),
                )
        except (aiohttp.ClientError, OSError, TimeoutError) as exc:
            return WebhookResponse(error=_explain(exc))

    async def try_connection(self, url: str) -> str:
        """Connect as far as the certificate, and send nothing. Return why that failed; empty if it worked, or if a
        proxy stands between.
        """
        if (problem := await self._why_not_called(url)) or self._proxy_for(url) is not None:
            return problem
        target = URL(url)
        trust = (self._trust or ssl.create_default_context()) if target.scheme == "https" else None
        resolver = aiohttp.ThreadedResolver() if self._is_private_allowed else PublicResolver()
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                found = await resolver.resolve(target.host or "", target.port or 0, socket.AF_UNSPEC)
                _, writer = await asyncio.open_connection(
                    found[0]["host"], target.port, ssl=trust, server_hostname=target.host if trust else None
                )
                writer.close()
        except (OSError, TimeoutError) as exc:
            return _explain(exc)
        return ""

    async def _why_not_called(self, url: str) -> str:
        """Return why an address may not be called, as a sentence; empty if it may.

        A proxy looks the name up itself, so it is looked up here before. A direct connection is checked as it is made.
        """
        if (problem := why_not_called(url, is_private_allowed=self._is_private_allowed)) is not None:
            return f"The address {problem}."
        is_checked_later = self._is_private_allowed or self._proxy_for(url) is None
        if not is_checked_later and await leads_to_private(URL(url).host or ""):
            return _explain(AddressNotPublic())
        return ""


@asynccontextmanager
async def open_webhook_client(
    keys: Sequence[bytes],
    *,
    is_private_allowed: bool,
    proxy_for: Callable[[str], str | None],
    trust: ssl.SSLContext | None,
    timeout: float = _TIMEOUT_S,  # noqa: ASYNC109  for each request
) -> AsyncIterator[WebhookClient]:
    """Open a client. Each event gets a connection of its own: a kept one may be closed just when it is used."""
    resolver = None if is_private_allowed else PublicResolver()
    connector = aiohttp.TCPConnector(resolver=resolver, force_close=True, limit=0)
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=timeout),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    ) as session:
        yield WebhookClient(session, keys=keys, is_private_allowed=is_private_allowed, proxy_for=proxy_for, trust=trust)


async def _read_a_little(response: aiohttp.ClientResponse) -> None:
    """Read the answer, which nobody looks at, to its end or as far as its length is sensible."""
    left = _LONGEST_ANSWER
    while left > 0 and (some := await response.content.read(left)):
        left -= len(some)


def _describe(status: int) -> str:
    if 200 <= status < 300:  # noqa: PLR2004  RFC 9110
        return ""
    if 300 <= status < 400:  # noqa: PLR2004  RFC 9110
        return f"It answered {status}, and redirects are not followed. Set the address that it leads to."
    return f"It answered {status}."


def _retry_after(headers: Mapping[str, str], now: datetime) -> timedelta:
    """Return how long the receiver asks to wait: seconds, or a date of RFC 9110."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return timedelta(seconds=min(int(text[:9]), 10**8))
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return timedelta(0)
    return max((until if until.tzinfo else until.replace(tzinfo=UTC)) - now, timedelta(0))


def _explain(error: Exception) -> str:
    """Return what went wrong. The text of an error may hold the address, so it is not used."""
    inner = getattr(error, "os_error", error)
    for kinds, sentence in _SENTENCES:
        if isinstance(inner, kinds) or isinstance(error, kinds):
            return sentence
    return f"It cannot be reached ({type(inner).__name__})."
