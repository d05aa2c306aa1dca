"""The keys with which Atlassian signs Forge Invocation Tokens."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog

from bot.errors import ForgeKeysUnavailable

log = structlog.get_logger()

_SHORTEST_S: Final = 300.0
_LONGEST_S: Final = 24 * 3600.0
_USUAL_S: Final = 3600.0
_RETRY_S: Final = 60.0
"""Seconds until an unknown key may lead to another request."""
_AFTER_FAILURE_S: Final = 5.0
"""Seconds until another request after a failure. Forge sends an event five times, and waits for seconds in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedKeys:
    """JSON Web Keys by their id, and for how many seconds they may be kept, if that was said."""

    keys: Mapping[str, Mapping[str, Any]]
    max_age: float | None = None
    at: datetime | None = None
    """When they were sent, by the clock of Atlassian's server, if that was said."""


class ForgeKeys:
    """Fetches the keys when they are needed, and keeps them as long as Atlassian says, within reason."""

    def __init__(self, fetch: Callable[[], Awaitable[FetchedKeys]], *, elapsed: Callable[[], float]) -> None:
        """`fetch` raises ForgeKeysUnavailable. `elapsed` returns the seconds of a clock that nobody sets."""
        self._fetch = fetch
        self._elapsed = elapsed
        self._keys: Mapping[str, Mapping[str, Any]] = {}
        self._fresh_until = float("-inf")
        self._usable_until = float("-inf")
        self._ask_from = float("-inf")
        self._is_failing = False
        self._turn = asyncio.Lock()

    async def find(self, key_id: str) -> Mapping[str, Any] | None:
        """Return a key, or None if Atlassian has none with this id. Raises ForgeKeysUnavailable if that is not known.

        A key that is known goes on working for a day if Atlassian's server does not answer, and as long as it is fresh,
        it waits for no request.
        """
        if key_id in self._keys and self._elapsed() < self._fresh_until:
            return self._keys[key_id]
        async with self._turn:
            now = self._elapsed()
            if (key_id not in self._keys or now >= self._fresh_until) and now >= self._ask_from:
                await self._refresh(now)
            if now >= self._usable_until:
                raise ForgeKeysUnavailable("No keys of Forge are available.")
            return self._keys.get(key_id)

    async def _refresh(self, now: float) -> None:
        try:
            found = await self._fetch()
        except ForgeKeysUnavailable as exc:
            self._ask_from = self._elapsed() + _AFTER_FAILURE_S
            if not self._is_failing:
                log.warning("forge_keys_unavailable", reason=str(exc))
            self._is_failing = True
            return
        kept = min(max(_USUAL_S if found.max_age is None else found.max_age, _SHORTEST_S), _LONGEST_S)
        self._keys, self._fresh_until, self._usable_until = found.keys, now + kept, now + _LONGEST_S
        self._ask_from, self._is_failing = now + _RETRY_S, False
