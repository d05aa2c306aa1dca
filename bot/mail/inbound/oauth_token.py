"""Ask an OAuth server for an access token to the mailbox, in the bot's own name (client credentials)."""

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Final

import httpx

from bot.errors import MailboxRefused, MailboxUnavailable

_TIMEOUT_S: Final = 20.0
_SERVER_ERRORS: Final = 500
_TOO_MANY: Final = 429
_MAX_BYTES: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    """The application that may read the mailbox, and where its tokens come from."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str
    proxy: str | None = None
    trust: ssl.SSLContext | None = field(default=None, repr=False)


async def fetch_token(client: OAuthClient) -> str:
    """Return a fresh access token. Raises MailboxRefused or MailboxUnavailable."""
    asked = {
        "grant_type": "client_credentials",
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "scope": client.scope,
    }
    verify = client.trust if client.trust is not None else True
    try:
        async with (
            asyncio.timeout(_TIMEOUT_S),
            httpx.AsyncClient(
                timeout=_TIMEOUT_S, proxy=client.proxy, verify=verify, trust_env=False, follow_redirects=False
            ) as http,
        ):
            answer = await http.post(client.token_url, data=asked)
    except (httpx.HTTPError, TimeoutError) as exc:
        raise MailboxUnavailable("The OAuth server cannot be reached. Check IMAP_TOKEN_URL.") from exc
    if answer.status_code >= _SERVER_ERRORS or answer.status_code == _TOO_MANY:
        raise MailboxUnavailable("The OAuth server gives no token now.")
    token = _token(answer)
    if not answer.is_success or token is None:
        raise MailboxRefused(
            "The OAuth server gives no token. Check IMAP_TOKEN_URL, IMAP_CLIENT_ID, IMAP_CLIENT_SECRET and IMAP_SCOPE."
        )
    return token


def _token(answer: httpx.Response) -> str | None:
    try:
        found = answer.json() if len(answer.content) <= _MAX_BYTES else None
    except ValueError:
        return None
    token = found.get("access_token") if isinstance(found, dict) else None
    return token if isinstance(token, str) and token.isascii() and token.isprintable() else None
