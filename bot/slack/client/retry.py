"""Repeat a request until Slack answers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from bot.concurrency.backoff import Backoff
from bot.errors import SlackOutcomeUnknown, SlackUnavailable

T = TypeVar("T")

log = structlog.get_logger()

_BACKOFF: Final = Backoff(base=1.0, maximum=60.0)


async def retry_until_answered(ask: Callable[[], Awaitable[T]], *, backoff: Backoff = _BACKOFF) -> T:
    """Return Slack's answer, however long that takes. Raises SlackRefused if Slack refuses."""
    failures = 0
    while True:
        try:
            return await ask()
        except (SlackUnavailable, SlackOutcomeUnknown) as exc:
            log.warning("slack_unavailable", reason=str(exc))
            failures += 1
            at_least = exc.retry_after if isinstance(exc, SlackUnavailable) else 0.0
            await asyncio.sleep(backoff.after(failures, at_least=at_least))
