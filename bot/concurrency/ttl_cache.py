"""A cache with a time to live, filled by one call even if many callers ask at once."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_MAX_ENTRIES: Final = 1_000


class TTLCache(Generic[T]):
    """Caches values by key, each fetched once and kept for `ttl`. Past 1,000 entries it drops the oldest one."""

    def __init__(self, fetch: Callable[[str], Awaitable[T]], *, ttl: timedelta, clock: Callable[[], datetime]) -> None:
        self._fetch = fetch
        self._ttl = ttl
        self._clock = clock
        self._entries: OrderedDict[str, tuple[datetime, T]] = OrderedDict()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __call__(self, key: str) -> T:
        """Return the value for `key`. An error of `fetch` is not cached: it is raised, and the next waiting caller
        fetches again.
        """
        lock = self._locks[key]
        try:
            async with lock:
                entry = self._entries.get(key)
                if entry is None or not timedelta(0) <= self._clock() - entry[0] < self._ttl:
                    entry = (self._clock(), await self._fetch(key))
                    self._keep(key, entry)
                return entry[1]
        finally:
            if not lock.locked():
                self._locks.pop(key, None)

    def _keep(self, key: str, entry: tuple[datetime, T]) -> None:
        self._entries[key] = entry
        self._entries.move_to_end(key)
        if len(self._entries) > _MAX_ENTRIES:
            self._entries.popitem(last=False)
