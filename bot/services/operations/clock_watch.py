"""Detect that the clock of this machine was set, and remember it for a day."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.domain.clock_skew import is_future
from bot.domain.incidents import Incident, IncidentSource, OpenIncident
from bot.store import Store

log = structlog.get_logger()

_WORTH_TELLING: Final = timedelta(minutes=1)
"""Time services correct by seconds; a change of more than this corrects a wrong clock or breaks a good one."""
_KEPT_FOR: Final = timedelta(days=1)
_CLOSE_EVERY_S: Final = 60.0
"""Seconds between looks for incidents that are over. The database need not be asked more often while the clock goes on
as it should.
"""


def since_boot() -> float:
    """Return the seconds of a clock that nobody sets. It also counts while the machine sleeps, if the system has such a
    clock.
    """
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class ClockWatch:
    """Compares the clock that dates everything with one that nobody sets."""

    def __init__(
        self, store: Store, *, clock: Callable[[], datetime], elapsed: Callable[[], float] = since_boot
    ) -> None:
        self._store = store
        self._clock = clock
        self._elapsed = elapsed
        self._last: tuple[datetime, float] | None = None
        self._close_at = elapsed()

    async def look(self) -> None:
        """Compare the clocks. Call it every few seconds."""
        now, seconds = self._clock(), self._elapsed()
        moved = await self._since_last_start(now) if self._last is None else self._moved(now, seconds)
        self._last = now, seconds
        has_moved = abs(moved) >= _WORTH_TELLING
        if has_moved or seconds >= self._close_at:
            self._close_at = seconds + _CLOSE_EVERY_S
            await self._close_old(now)
        if has_moved:
            log.warning("clock_moved", seconds=round(moved.total_seconds()))
            found = Incident(source=IncidentSource.CLOCK, code="set", seconds=round(moved.total_seconds()))
            await self._store.incidents.open(found, "", to=(), at=now)

    async def is_steady(self) -> bool:
        """Return whether the clock was not set forward during the last day. If it was, what looks old may not be."""
        await self.look()
        moved = moved_by(await self._store.incidents.list_open())
        return moved is None or moved <= timedelta(0)

    async def _close_old(self, now: datetime) -> None:
        for each in await self._store.incidents.list_open():
            is_over = now - each.since >= _KEPT_FOR or is_future(each.since, now)
            if each.incident.source is IncidentSource.CLOCK and is_over:
                await self._store.incidents.close([each.incident], "", to=(), at=now)

    def _moved(self, now: datetime, seconds: float) -> timedelta:
        if self._last is None:
            return timedelta(0)
        then, before = self._last
        return now - then - timedelta(seconds=seconds - before)

    async def _since_last_start(self, now: datetime) -> timedelta:
        """Return how far, at least, the clock has gone back since the last recorded poll: zero or negative."""
        last = await self._store.polls.last()
        return timedelta(0) if last is None else min(now - last.started_at, timedelta(0))


def moved_by(open_incidents: Iterable[OpenIncident]) -> timedelta | None:
    """Return by how much the clock was last set, or None if it was not set recently. The incidents are oldest first."""
    moves = [each.incident.seconds for each in open_incidents if each.incident.source is IncidentSource.CLOCK]
    return timedelta(seconds=moves[-1]) if moves else None
