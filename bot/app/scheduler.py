"""Which service runs when."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from bot.errors import BotError

log = structlog.get_logger()

_RESTART_DELAY_S: Final = 5.0
"""Seconds before a worker that broke is started again."""
_WATCH_S: Final = 30.0
"""How often the scheduler's clock is compared with one that nobody sets."""
_CLOCK_SET: Final = 5.0
"""Seconds by which the two must drift apart before the jobs are scheduled again; time services correct less."""
_PARTING_S: Final = 1.0

Run = Callable[[], Awaitable[object]]


class Scheduler:
    """Jobs that never overlap with themselves, run late rather than not at all, and catch up once.

    APScheduler plans by the clock of the machine. If that clock is set, the jobs are planned again: otherwise a clock
    set back by a day would silence the polls for a day. Nothing runs before `ready` has returned.
    """

    def __init__(
        self,
        *,
        ready: Run | None = None,
        now: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        self._ready = ready
        self._now = now
        self._elapsed = elapsed
        self._offset = now() - elapsed()
        self._starting: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[object]] = set()

    def start(self) -> None:
        """Run the jobs from now on, once `ready` has returned."""
        self._starting = asyncio.create_task(self._start())

    def pause(self) -> None:
        """Start no job any more; those that run go on."""
        if self._starting is not None:
            self._starting.cancel()
        if self._scheduler.running:
            self._scheduler.pause()

    async def shutdown(self) -> None:
        """Cancel the jobs that run, and wait a moment for their end."""
        self.pause()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=_PARTING_S)

    def every(self, interval: timedelta, name: str, run: Run) -> None:
        """Run now, then every `interval`. Errors are logged and do not stop the schedule."""
        self._add(name, run, IntervalTrigger(seconds=interval.total_seconds(), timezone=UTC), at=datetime.now(UTC))

    def at_midnight(self, zone: ZoneInfo, name: str, run: Run) -> None:
        """Run one minute after midnight in the zone, when it is the new day by every clock."""
        trigger = CronTrigger(hour=0, minute=1, timezone=zone)
        self._add(name, run, trigger, at=trigger.get_next_fire_time(None, datetime.now(UTC)))

    def look(self) -> None:
        """Plan every job again if the clock was set since the last look."""
        offset = self._now() - self._elapsed()
        if abs(offset - self._offset) < _CLOCK_SET:
            return
        self._offset = offset
        for job in self._scheduler.get_jobs():
            is_interval = isinstance(job.trigger, IntervalTrigger)
            now = datetime.now(UTC)
            job.modify(next_run_time=now if is_interval else job.trigger.get_next_fire_time(None, now))

    async def _start(self) -> None:
        if self._ready is not None:
            await self._ready()
        self._scheduler.start()
        while True:
            await asyncio.sleep(_WATCH_S)
            self.look()

    def _add(self, name: str, run: Run, trigger: BaseTrigger, *, at: datetime | None) -> None:
        job = log_errors(name, run)

        async def tracked() -> None:
            task = asyncio.current_task()
            if task is not None:
                self._running.add(task)
                task.add_done_callback(self._running.discard)
            with suppress(asyncio.CancelledError):  # only `shutdown` cancels a job, and APScheduler logs it as an error
                await job()

        self._scheduler.add_job(tracked, trigger, id=name, next_run_time=at)


def log_errors(name: str, run: Run) -> Callable[[], Awaitable[bool]]:
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


def cancel_on_signals(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None] | None) -> None:
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


async def cancel_and_wait(task: asyncio.Task[None], *, again: float = 1.0) -> None:
    """Cancel a task, and wait until it is gone; cancel it again after so many seconds in which it went on.

    Before Python 3.12 `wait_for`, with which a library may wait for its server, swallows a cancellation that comes
    together with what it waits for.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=again)
    await asyncio.gather(task, return_exceptions=True)


async def supervise(name: str, run: Run) -> None:
    """A worker that is started again whenever it breaks; ends by being cancelled."""
    job = log_errors(name, run)
    while True:
        await job()
        await asyncio.sleep(_RESTART_DELAY_S)
