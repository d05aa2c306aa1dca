"""When jobs run, and how workers end."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.app.scheduler import Scheduler
from bot.concurrency.tasks import cancel_and_wait
from tests.machine import limit


@pytest.mark.parametrize("deaf", [0, 1, 3], ids=["at once", "at the second time", "late"])
async def test_a_task_that_swallows_a_cancellation_ends_all_the_same(deaf: int) -> None:
    swallowed = 0

    async def work() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if swallowed == deaf:
                    raise
                swallowed += 1

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await cancel_and_wait(task, again=0.01)
    assert task.cancelled()
    assert swallowed == deaf


async def test_a_task_that_breaks_while_it_ends_is_gone_too() -> None:
    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await cancel_and_wait(task)
    assert task.done()


async def test_a_job_runs_at_once_and_then_at_its_interval_however_long_it_takes() -> None:
    ran = list[str]()
    done = asyncio.Event()

    async def run() -> None:
        ran.append("began")
        await asyncio.sleep(0.01)
        ran.append("ended")
        if len(ran) == 8:
            done.set()

    jobs = Scheduler()
    jobs.every(timedelta(milliseconds=1), "test", run)
    jobs.start()
    await asyncio.wait_for(done.wait(), timeout=10)
    await jobs.shutdown()
    assert ran[:8] == ["began", "ended"] * 4


async def test_a_job_that_breaks_comes_again_and_none_begins_once_they_are_paused() -> None:
    ran = 0
    twice = asyncio.Event()

    async def run() -> None:
        nonlocal ran
        ran += 1
        if ran == 2:
            twice.set()
        raise OSError

    jobs = Scheduler()
    jobs.start()
    jobs.every(timedelta(milliseconds=1), "test", run)
    await asyncio.wait_for(twice.wait(), timeout=10)
    jobs.pause()
    before = ran
    await asyncio.sleep(0.02)
    assert ran <= before + 1
    await jobs.shutdown()


async def test_a_clock_that_is_set_back_does_not_silence_a_job() -> None:
    wall, ran = 1_000_000.0, asyncio.Semaphore(0)

    async def run() -> None:
        ran.release()

    jobs = Scheduler(now=lambda: wall, elapsed=lambda: 0.0)
    jobs.every(timedelta(hours=1), "test", run)
    jobs.start()
    async with asyncio.timeout(10):
        await ran.acquire()
    jobs.look()
    await asyncio.sleep(0.01)
    assert ran.locked()  # nothing has happened to the clock

    wall -= 86_400
    jobs.look()
    async with asyncio.timeout(10):
        await ran.acquire()
    await jobs.shutdown()


async def test_a_day_begins_a_minute_after_midnight_in_the_zone_also_once_the_clock_was_set_back() -> None:
    wall, zone = 1_000_000.0, ZoneInfo("Europe/Berlin")

    async def run() -> None:
        pytest.fail("It is not midnight.")

    jobs = Scheduler(now=lambda: wall, elapsed=lambda: 0.0)
    jobs.at_midnight(zone, "test", run)
    jobs.start()
    await asyncio.sleep(0)
    [job] = jobs._scheduler.get_jobs()  # noqa: SLF001  nobody sees a plan otherwise
    job.modify(next_run_time=datetime(2030, 1, 1, tzinfo=UTC))  # planned while the clock was ahead

    wall -= 86_400
    jobs.look()
    [job] = jobs._scheduler.get_jobs()  # noqa: SLF001  as above
    planned = job.next_run_time.astimezone(zone)
    assert (planned.hour, planned.minute) == (0, 1)
    assert planned - datetime.now(UTC) <= timedelta(hours=25)
    await jobs.shutdown()


async def test_a_job_whose_last_run_still_goes_on_is_skipped_in_words_of_our_own(logged: Callable[[], str]) -> None:
    jobs = Scheduler()
    jobs.every(timedelta(milliseconds=1), "poll", asyncio.Event().wait)
    jobs.start()
    async with asyncio.timeout(limit(10)):
        while not logged():  # noqa: ASYNC110  nothing tells that a line was logged
            await asyncio.sleep(0)
    await jobs.shutdown()
    for line in logged().splitlines():
        assert "job_skipped" in line
        assert "job=poll" in line
