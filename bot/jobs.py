"""Which service runs when."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.errors import BotError

log = structlog.get_logger()

_BREATH: Final = 5.0
"""Seconds before a worker that broke is started again."""


def scheduler() -> AsyncIOScheduler:
    """A scheduler whose jobs never overlap with themselves, run late rather than not at all, and catch up once."""
    return AsyncIOScheduler(
        timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    )


def every(jobs: AsyncIOScheduler, interval: timedelta, name: str, run: Callable[[], Awaitable[object]]) -> None:
    """Run something now and then every so often; what goes wrong is logged, and the next time comes all the same."""
    jobs.add_job(
        logged(name, run),
        "interval",
        seconds=interval.total_seconds(),
        id=name,
        next_run_time=datetime.now(UTC),
    )


def at_midnight(jobs: AsyncIOScheduler, zone: ZoneInfo, name: str, run: Callable[[], Awaitable[object]]) -> None:
    """Run something when a day begins in the zone; a minute later, so that it is the new day by every clock."""
    jobs.add_job(logged(name, run), "cron", hour=0, minute=1, timezone=zone, id=name)


def logged(name: str, run: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[bool]]:
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


async def forever(name: str, run: Callable[[], Awaitable[object]]) -> None:
    """A worker that is started again whenever it breaks; ends by being cancelled."""
    job = logged(name, run)
    while True:
        await job()
        await asyncio.sleep(_BREATH)
