"""A job that is idle until something is written, a moment comes that it named, or a minute begins."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from bot.concurrency.supervisor import log_errors
from bot.store.engine.database import Database

Work = Callable[[], Awaitable[datetime | None]]
"""Does what is due. Returns when something will be due next, or None if the next full minute is soon enough."""

_MINUTE: Final = timedelta(minutes=1)


class IdleJob:
    """One job. What the team sets begins with a full minute: working hours, days, digests."""

    def __init__(self, name: str, work: Work, *, database: Database, clock: Callable[[], datetime]) -> None:
        self._try_to_run = log_errors(name, self.run_once)
        self._work = work
        self._database = database
        self._clock = clock
        self._writes = database.writes
        self._ran_at = self._due = clock()

    async def run(self, *, pause: float) -> None:
        """Run until this task is cancelled, with at least `pause` seconds between two runs. Errors are logged."""
        while True:
            await self._try_to_run()
            await asyncio.sleep(pause)
            while self.is_idle:
                await self._database.written(self._writes, seconds=pause)

    async def run_once(self) -> None:
        """Do what is due."""
        self._writes, self._ran_at = self._database.writes, self._clock()
        self._due = self._ran_at  # of the next run, if this one fails
        due = await self._work()
        next_minute = self._ran_at.replace(second=0, microsecond=0) + _MINUTE
        self._due = min(due or next_minute, next_minute)

    @property
    def is_idle(self) -> bool:
        """Whether nothing was written since the last run, and nothing is due. If the clock was set, the job runs."""
        is_unchanged = self._database.hears_others and self._database.writes == self._writes
        return is_unchanged and self._ran_at <= self._clock() < self._due
