"""Tell a monitoring service after each poll that the bot reads the report (`HEARTBEAT_URL`)."""

from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar
from urllib.parse import urlsplit, urlunsplit

import structlog

from bot.errors import BotError, HeartbeatFailed

log = structlog.get_logger()

T = TypeVar("T")

_FAILURES_BEFORE_NOTICE: Final = 3
"""Polls that fail in a row before the service is told. Fewer are a matter of minutes."""


class PollHeartbeat(Generic[T]):
    """Calls the service's address after each good poll, and the address with `/fail` after the third bad one in a row.

    Healthchecks.io, Cronitor and Uptime Kuma take such calls. The address is a secret, so no log names it.
    """

    def __init__(self, poll: Callable[[], Awaitable[T]], *, url: str, call: Callable[[str], Awaitable[None]]) -> None:
        """`call` requests an address. It raises HeartbeatFailed if the service does not take it."""
        self._poll = poll
        self._url = url
        self._call = call
        self._failed = 0
        self._was_told = False

    async def poll(self) -> T:
        """Poll, and tell the service. Raises what the poll raises."""
        try:
            found = await self._poll()
        except BotError:
            self._failed += 1
            if self._failed >= _FAILURES_BEFORE_NOTICE and not self._was_told:
                self._was_told = await self._tell(failing(self._url))
            raise
        self._failed, self._was_told = 0, False
        await self._tell(self._url)
        return found

    async def _tell(self, url: str) -> bool:
        try:
            await self._call(url)
        except HeartbeatFailed as exc:
            log.warning("heartbeat_failed", reason=str(exc))
            return False
        return True


def failing(url: str) -> str:
    """Return the address that reports a failure: `/fail` is appended to the path."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/fail"))
