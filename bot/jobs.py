"""Which service runs when."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from bot.errors import BotError

log = structlog.get_logger()

_BREATH: Final = 5.0
"""Seconds before a worker that broke is started again."""
_LOOK_S: Final = 30.0
"""How often it is looked whether a new day has begun."""
_PARTING_S: Final = 1.0
_NEW_BY_EVERY_CLOCK: Final = timedelta(minutes=1)

Run = Callable[[], Awaitable[object]]


class Jobs:
    """Jobs that never overlap with themselves, run late rather than not at all, and catch up once.

    Intervals are measured by a clock that only goes forward: a wall clock that is set back would put the next run off
    by as much. Nothing runs before `ready` has come to its end.
    """

    def __init__(self, *, ready: Run | None = None, look_every: float = _LOOK_S) -> None:
        self._ready = ready
        self._look_every = look_every
        self._loops: list[Run] = []
        self._tasks: list[asyncio.Task[object]] = []
        self._is_started = self._is_paused = False

    def start(self) -> None:
        """Run them from now on."""
        self._is_started = True
        for loop in self._loops:
            self._begin(loop)

    def pause(self) -> None:
        """Begin none any more; those that run go on."""
        self._is_paused = True

    async def shutdown(self) -> None:
        """Cancel those that run, and wait a moment until they are gone."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_PARTING_S)

    def every(self, interval: timedelta, name: str, run: Run) -> None:
        """Run something now and then every so often; errors are logged and do not stop the schedule."""
        job, seconds = logged(name, run), interval.total_seconds()

        async def loop() -> None:
            due = time.monotonic()
            while not self._is_paused:
                await job()
                due = max(due + seconds, time.monotonic())
                await asyncio.sleep(due - time.monotonic())

        self._add(loop)

    def at_midnight(self, zone: ZoneInfo, name: str, run: Run, *, clock: Callable[[], datetime]) -> None:
        """Run something when a day begins in the zone; a minute later, so that it is the new day by every clock."""
        job = logged(name, run)

        async def loop() -> None:
            def today() -> object:
                return (clock() - _NEW_BY_EVERY_CLOCK).astimezone(zone).date()

            day = today()
            while not self._is_paused:
                if (now := today()) != day:  # also after the clock was set back
                    day = now
                    await job()
                await asyncio.sleep(self._look_every)

        self._add(loop)

    def _add(self, loop: Run) -> None:
        self._loops.append(loop)
        if self._is_started:
            self._begin(loop)

    def _begin(self, loop: Run) -> None:
        async def begin() -> None:
            if self._ready is not None:
                await self._ready()
            await loop()

        self._tasks.append(asyncio.create_task(begin()))


def logged(name: str, run: Run) -> Callable[[], Awaitable[bool]]:
    """`run` with the outermost `try` around it; whether it came to its end."""

    async def job() -> bool:
        try:
            await run()
        except BotError as exc:
            log.warning("job_failed", job=name, reason=str(exc))
            return False
        except Exception:
            log.exception("job_broke", job=name)
            return False
        return True

    return job


def ended_by_signals(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None] | None) -> None:
    """Cancel the task at SIGTERM or SIGINT, wherever it is: at its start it may be waiting for hours.

    A second signal ends the process as it would any other.
    """

    def end() -> None:
        log.info("stopping")
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)
        if task is not None:
            task.cancel()

    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, end)


async def ended(task: asyncio.Task[None], *, again: float = 1.0) -> None:
    """Cancel a task, and wait until it is gone; cancel it again after so many seconds in which it went on.

    Before Python 3.12 `wait_for`, with which a library may wait for its server, swallows a cancellation that comes
    together with what it waits for.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=again)
    await asyncio.gather(task, return_exceptions=True)


async def forever(name: str, run: Run) -> None:
    """A worker that is started again whenever it breaks; ends by being cancelled."""
    job = logged(name, run)
    while True:
        await job()
        await asyncio.sleep(_BREATH)
