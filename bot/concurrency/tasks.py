"""Cancel tasks and wait for their end."""

import asyncio
import signal

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
