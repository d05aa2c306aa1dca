"""Jobs that are idle until something is written, a moment comes that they named, or a minute begins."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from bot.concurrency.supervisor import log_errors
from bot.store.engine.database import Database

Look = Callable[[], Awaitable[datetime | None]]
"""Does what is due. Returns when something will be due next, or None if the next full minute is soon enough."""

_MINUTE: Final = timedelta(minutes=1)


class Looks:
    """The looks of one job. What the team sets begins with a full minute: working hours, days, digests."""

    def __init__(self, name: str, look: Look, *, database: Database, clock: Callable[[], datetime]) -> None:
        self._try_to_look = log_errors(name, self.look)
        self._look = look
        self._database = database
        self._clock = clock
        self._writes = database.writes
        self._looked_at = self._due = clock()

    async def keep_on(self, *, pause: float) -> None:
        """Look until this task is cancelled, with `pause` seconds at least between two looks. Errors are logged."""
        while True:
            await self._try_to_look()
            await asyncio.sleep(pause)
            while self.is_idle:
                await self._database.written(self._writes, seconds=pause)

    async def look(self) -> None:
        """Look once."""
        self._writes, self._looked_at = self._database.writes, self._clock()
        self._due = self._looked_at  # of the next look, if this one fails
        due = await self._look()
        next_minute = self._looked_at.replace(second=0, microsecond=0) + _MINUTE
        self._due = min(due or next_minute, next_minute)

    @property
    def is_idle(self) -> bool:
        """Whether nothing was written since the last look, and nothing is due. If the clock was set, look again."""
        is_unchanged = self._database.hears_others and self._database.writes == self._writes
        return is_unchanged and self._looked_at <= self._clock() < self._due
