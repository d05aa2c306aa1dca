"""A call runs to its end, and only then is the cancellation raised."""

import asyncio

import pytest

from bot.concurrency.shield import shielded


@shielded
class Writer:
    """Writes in two steps, and stops between them when told."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.go_on = asyncio.Event()

    async def write(self) -> str:
        """Both steps."""
        self.steps.append("begin")
        await self.go_on.wait()
        self.steps.append("commit")
        return "written"

    async def fail(self) -> None:
        """One step, then an error."""
        await self.go_on.wait()
        raise ValueError("too late to be told")


async def test_without_a_cancellation_nothing_is_different() -> None:
    writer = Writer()
    writer.go_on.set()
    assert await writer.write() == "written"
    with pytest.raises(ValueError, match="too late"):
        await writer.fail()


async def test_cancelled_twice_in_the_middle_it_still_commits_before_the_cancellation_is_raised() -> None:
    writer = Writer()
    task = asyncio.ensure_future(writer.write())
    for _ in range(2):
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    writer.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert writer.steps == ["begin", "commit"]


async def test_an_error_after_the_cancellation_is_not_a_warning() -> None:
    writer = Writer()
    task = asyncio.ensure_future(writer.fail())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    writer.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
