"""How workers end."""

import asyncio

import pytest

from bot.jobs import ended


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
    await ended(task, again=0.01)
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
    await ended(task)
    assert task.done()
