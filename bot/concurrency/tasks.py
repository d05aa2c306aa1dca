"""Cancel tasks and wait for their end."""

import asyncio
import signal

import structlog

log = structlog.get_logger()


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
