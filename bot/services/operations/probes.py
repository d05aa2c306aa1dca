"""Answer whether this copy of the bot should be restarted, and whether it can take requests.

Slack, the Marketplace and the mail server may be down for any length of time: a restart does not bring them back, and
it would lose presses.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from bot.concurrency.heartbeats import Heartbeats
from bot.concurrency.tasks import answer_within
from bot.errors import StoreError
from bot.store import Store

_TIMEOUT_S: Final = 2.0
_CACHED_S: Final = 5.0
"""How long an answer of the database is reused, so that probes put no load on it."""


class Probes:
    """The answers to `/livez` and `/readyz`."""

    def __init__(self, store: Store, heartbeats: Heartbeats, *, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._heartbeats = heartbeats
        self._elapsed = elapsed
        self._turn = asyncio.Lock()
        self._asked_at: float | None = None
        self._answer = ""

    def why_not_live(self) -> str:
        """Return which workers stand still, so that only a restart helps; empty if none does."""
        still = self._heartbeats.still()
        return f"A worker stands still: {', '.join(still)}." if still else ""

    async def why_not_ready(self) -> str:
        """Return why presses and requests cannot be handled; empty if they can. A standby copy handles them, too."""
        async with self._turn:
            if self._asked_at is None or self._elapsed() - self._asked_at >= _CACHED_S:
                self._answer = await self._ask_database()
                self._asked_at = self._elapsed()
            return self._answer

    async def _ask_database(self) -> str:
        try:
            await answer_within(_TIMEOUT_S, self._store.leases.status())
        except TimeoutError:
            return f"The database did not answer within {_TIMEOUT_S:.0f} seconds."
        except StoreError as exc:
            return str(exc)
        return ""
