"""Run jobs on a schedule."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobSubmissionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from bot.concurrency.heartbeats import Beat
from bot.concurrency.supervisor import log_errors

log = structlog.get_logger()

_WATCH_S: Final = 30.0
"""How often, in seconds, the wall clock is compared with the monotonic clock."""
_CLOCK_SET: Final = 5.0
"""Seconds by which the two clocks must drift apart before the jobs are scheduled again; time services correct less."""
_SHUTDOWN_TIMEOUT_S: Final = 1.0

Run = Callable[[], Awaitable[object]]


class Scheduler:
    """Runs jobs that never overlap with themselves, run late rather than not at all, and catch up only once.

    APScheduler uses the machine's clock. If that clock is set, the jobs are scheduled again; otherwise a clock set back
    by a day would stop the polls for a day.
    """

    def __init__(
        self,
        *,
        beat: Beat = lambda: None,
        now: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        self._scheduler.add_listener(_log_skipped, EVENT_JOB_MAX_INSTANCES)
        self._beat = beat
        self._now = now
        self._elapsed = elapsed
        self._offset = now() - elapsed()
        self._watching: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[object]] = set()

    def start(self) -> None:
        """Start the schedule."""
        self._scheduler.start()
        self._watching = asyncio.create_task(self._watch())

    def pause(self) -> None:
        """Start no more jobs; running jobs continue."""
        if self._watching is not None:
            self._watching.cancel()
        if self._scheduler.running:
            self._scheduler.pause()

    async def shutdown(self) -> None:
        """Cancel the running jobs, and wait up to a second for them to end."""
        self.pause()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=_SHUTDOWN_TIMEOUT_S)

    def every(self, interval: timedelta, name: str, run: Run) -> None:
        """Run now, then every `interval`. Errors are logged and do not stop the schedule."""
        self._add(name, run, IntervalTrigger(seconds=interval.total_seconds(), timezone=UTC), at=datetime.now(UTC))

    def at_midnight(self, zone: ZoneInfo, name: str, run: Run) -> None:
        """Run one minute after midnight in the zone, when it is the new day by every clock."""
        trigger = CronTrigger(hour=0, minute=1, timezone=zone)
        self._add(name, run, trigger, at=trigger.get_next_fire_time(None, datetime.now(UTC)))

    def look(self) -> None:
        """Schedule every job again if the clock was set since the last comparison."""
        offset = self._now() - self._elapsed()
        if abs(offset - self._offset) < _CLOCK_SET:
            return
        self._offset = offset
        for job in self._scheduler.get_jobs():
            is_interval = isinstance(job.trigger, IntervalTrigger)
            now = datetime.now(UTC)
            job.modify(next_run_time=now if is_interval else job.trigger.get_next_fire_time(None, now))

    async def _watch(self) -> None:
        while True:
            self._beat()
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


def _log_skipped(event: JobSubmissionEvent) -> None:
    log.warning("job_skipped", job=event.job_id, reason="its last run is still going on")
