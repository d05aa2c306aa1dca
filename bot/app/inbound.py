"""Build what takes requests from the vendor's apps, and check it."""

import asyncio
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from bot.config.network import Network
from bot.config.settings import Settings
from bot.errors import ForgeKeysUnavailable
from bot.services.inbound.forge_keys import FetchedKeys, ForgeKeys
from bot.services.operations.signal_check import describe_keys

_TIMEOUT_S: Final = 3.0
"""For the whole answer. Forge waits five seconds for ours."""
_MAX_BYTES: Final = 100_000
_CHECK: Final = "Check the address, the network and its proxy."
_MAX_AGE: Final = re.compile(r"max-age=(\d{1,9})", re.ASCII)


def build_forge_keys(settings: Settings) -> ForgeKeys:
    """Build the cache of the keys behind Forge Invocation Tokens."""

    async def fetch() -> FetchedKeys:
        return await fetch_forge_keys(settings.forge_jwks_url, settings.network)

    return ForgeKeys(fetch, elapsed=time.monotonic)


async def fetch_forge_keys(url: str, network: Network) -> FetchedKeys:
    """Return the JSON Web Keys at an address. Raises ForgeKeysUnavailable with the reason."""
    body = bytearray()
    try:
        async with (
            asyncio.timeout(_TIMEOUT_S),
            httpx.AsyncClient(
                timeout=_TIMEOUT_S,
                trust_env=False,  # the variables are read once, for all clients alike
                proxy=network.proxy_for(url),
                verify=network.trust or True,
            ) as client,
            client.stream("GET", url) as answer,
        ):
            if not answer.is_success:
                raise ForgeKeysUnavailable(f"FORGE_JWKS_URL answered {answer.status_code}. {_CHECK}")
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > _MAX_BYTES:
                    raise ForgeKeysUnavailable(f"The answer of FORGE_JWKS_URL is far too long. {_CHECK}")
        keys = _read_keys(httpx.Response(200, content=bytes(body)).json())
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as exc:
        raise ForgeKeysUnavailable(f"FORGE_JWKS_URL did not answer ({type(exc).__name__}). {_CHECK}") from exc
    except (ValueError, RecursionError) as exc:
        raise ForgeKeysUnavailable(f"The answer of FORGE_JWKS_URL is no set of keys. {_CHECK}") from exc
    said = _MAX_AGE.search(answer.headers.get("cache-control", ""))
    return FetchedKeys(keys=keys, max_age=float(said[1]) if said else None, at=_sent_at(answer.headers))


async def check_signals(settings: Settings) -> str:
    """Return whether requests of apps can be verified. Raises BotError with what to do if they cannot."""
    if settings.forge_apps:
        found = await fetch_forge_keys(settings.forge_jwks_url, settings.network)
        return describe_keys(found, now=datetime.now(UTC))
    if settings.signals_secret is not None:
        return "taken if signed with SIGNALS_SECRET; set FORGE_APPS to take those of Forge Remote, too"
    return "not set: set SIGNALS_SECRET or FORGE_APPS, and your apps can say that they were installed"


def _sent_at(headers: httpx.Headers) -> datetime | None:
    """Return the time of the server. A cache in between says how old its copy is (RFC 9111)."""
    try:
        sent = parsedate_to_datetime(headers.get("date", "")).replace(tzinfo=UTC)
        return sent + timedelta(seconds=int(headers.get("age", "0")))
    except (ValueError, OverflowError):
        return None


def _read_keys(found: object) -> Mapping[str, Mapping[str, Any]]:
    listed = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(listed, list):
        raise ValueError("no keys")  # noqa: TRY004  it is the value that is wrong
    return {key["kid"]: key for key in listed if isinstance(key, dict) and isinstance(key.get("kid"), str)}
