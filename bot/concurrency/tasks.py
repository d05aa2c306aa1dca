"""Cancel tasks and wait for their end."""

import asyncio
import signal
from collections.abc import Coroutine

import structlog

log = structlog.get_logger()


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
