"""Find where a name leads, and refuse private addresses. The connection goes to the address that was checked."""

import asyncio
import socket
from typing import Final

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.domain.webhook_address import are_public

_TIMEOUT_S: Final = 3.0


class AddressNotPublic(OSError):
    """A name leads to an address that is not public. As an OSError, aiohttp passes it on as the reason."""


class PublicResolver(AbstractResolver):
    """The machine's own resolver, for public addresses alone."""

    def __init__(self) -> None:
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return where a host leads. Raises AddressNotPublic if one of the addresses is not public."""
        found = await self._inner.resolve(host, port, family)
        if not are_public([each["host"] for each in found]):
            raise AddressNotPublic
        return found

    async def close(self) -> None:
        """Close the resolver."""
        await self._inner.close()


async def leads_to_private(host: str) -> bool:
    """Return whether a name leads to an address that is not public. False if the DNS does not say so at once."""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            await PublicResolver().resolve(host, 0, socket.AF_UNSPEC)
    except AddressNotPublic:
        return True
    except OSError:
        return False
    return False
