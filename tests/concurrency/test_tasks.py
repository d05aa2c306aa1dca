"""Tasks that nobody waits for."""

import asyncio

import pytest
from structlog.testing import capture_logs

from bot.concurrency.tasks import BackgroundTasks, answer_within


async def test_a_task_that_fails_is_logged_and_the_others_go_on() -> None:
    background, went_on = BackgroundTasks(), asyncio.Event()

    async def fail() -> None:
        raise ValueError

    async def go_on() -> None:
        await asyncio.sleep(0)
        went_on.set()

    with capture_logs() as logs:
        background.start("one", fail())
        background.start("two", go_on())
        await went_on.wait()
        await asyncio.sleep(0)
    assert [(entry["event"], entry["task"]) for entry in logs] == [("background_task_failed", "one")]


async def test_tasks_end_with_the_bot() -> None:
    background, ended = BackgroundTasks(), asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    background.start("wait", wait())
    await asyncio.sleep(0)
    await background.cancel()
    assert ended.is_set()


async def test_nobody_waits_for_work_that_takes_its_time_to_end() -> None:
    ended = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.set()

    with pytest.raises(TimeoutError):
        await answer_within(0, hang())
    assert not ended.is_set()
    await ended.wait()


async def test_an_answer_or_an_error_in_time_arrives() -> None:
    async def answer() -> int:
        return 1

    async def fail() -> None:
        raise LookupError

    assert await answer_within(1, answer()) == 1
    with pytest.raises(LookupError):
        await answer_within(1, fail())
