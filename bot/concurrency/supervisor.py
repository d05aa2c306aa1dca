"""Keep a worker running: log what stops it, then restart it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from bot.errors import BotError

log = structlog.get_logger()

_RESTART_DELAY_S: Final = 5.0


def log_errors(name: str, run: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[bool]]:
    """Wrap `run` in the outermost `try`. The job returns whether `run` finished; errors are logged, never raised."""

    async def job() -> bool:
        try:
            await run()
        except BotError as exc:
            log.warning("job_failed", job=name, reason=str(exc))
            return False
        except Exception:
            log.exception("job_crashed", job=name)
            return False
        return True

    return job


async def supervise(name: str, run: Callable[[], Awaitable[object]]) -> None:
    """Run a worker until this task is cancelled; restart it whenever it stops."""
    job = log_errors(name, run)
    while True:
        await job()
        await asyncio.sleep(_RESTART_DELAY_S)
