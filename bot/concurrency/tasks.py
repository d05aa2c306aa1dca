"""Cancel tasks and wait for their end."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import structlog

log = structlog.get_logger()

T = TypeVar("T")

_ending: Final[set[asyncio.Task[Any]]] = set()
"""Tasks that somebody may no longer wait for. The loop itself keeps no reference."""


def cancel_on_signals(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None] | None) -> None:
    """Cancel the task at SIGTERM or SIGINT, wherever it is: during startup it may wait for hours.

    A second signal ends the process by default.
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
    """Cancel a task and wait until it has ended; cancel it again every `again` seconds while it continues.

    Before Python 3.12, `wait_for`, which a library may use to wait for its server, swallows a cancellation that arrives
    together with its result.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=again)
    await asyncio.gather(task, return_exceptions=True)


async def answer_within(seconds: float, work: Coroutine[None, None, T]) -> T:
    """Return what `work` returns. Raises TimeoutError after so many seconds, even if `work` takes its time to end."""
    task = asyncio.create_task(work)
    _ending.add(task)
    task.add_done_callback(_ending.discard)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be left to ask for it
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    finally:
        task.cancel()  # nothing happens if it is done
    if not done:
        raise TimeoutError
    return task.result()


class BackgroundTasks:
    """Tasks that nobody waits for. An error of one is logged and ends only that one."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, name: str, work: Coroutine[None, None, None]) -> None:
        """Start a task."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._end)

    async def cancel(self) -> None:
        """Cancel all tasks and wait for their end."""
        for task in list(self._tasks):
            await cancel_and_wait(task)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background_task_failed", task=task.get_name(), exc_info=error)
