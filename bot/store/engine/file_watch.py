"""Notice that another process wrote to a SQLite file, such as `evaluator-bot team apply` beside a running bot."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from bot.errors import StoreError

log = structlog.get_logger()

_POLL_INTERVAL_S: Final = 1.0


class FileWatch:
    """Looks at the version of the data once a second.

    `version` returns a number that changes as others commit, and `note` is called when it did.
    """

    def __init__(self, version: Callable[[], Awaitable[int]], note: Callable[[], None]) -> None:
        self.works = False
        """Whether what others write is noticed at present."""
        self._version = version
        self._note = note
        self._known: int | None = None

    async def run(self) -> None:
        """Watch until this task is cancelled."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(_POLL_INTERVAL_S)
        finally:
            self.works = False

    async def _look(self) -> None:
        try:
            version = await self._version()
        except StoreError as exc:
            log.info("file_not_watched", reason=str(exc))
            self.works = False
            return
        if version != self._known or not self.works:
            self._note()
        self._known, self.works = version, True
