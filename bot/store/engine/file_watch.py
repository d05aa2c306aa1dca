"""Notice that another process wrote to a SQLite file, such as `evaluator-bot team apply` beside a running bot."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import structlog

from bot.errors import StoreError

log = structlog.get_logger()

_POLL_INTERVAL_S: Final = 1.0


class FileWatch:
    """Looks at the log of the file once a second, and at the version of the data if the log was written to.

    `version` returns a number that changes as others commit, and `note` is called when it did. Two writes within a few
    milliseconds may leave the log with one time. What is missed so is seen with the next write: the leader renews its
    lease every five seconds.
    """

    def __init__(self, version: Callable[[], Awaitable[int]], note: Callable[[], None], *, log_file: Path) -> None:
        self.works = False
        """Whether what others write is noticed at present."""
        self._version = version
        self._note = note
        self._log_file = log_file
        self._stamp: tuple[int, int] | None = None
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
        before, self._stamp = self._stamp, self._log_stamp()
        if self.works and self._stamp is not None and self._stamp == before:
            return
        try:
            version = await self._version()
        except StoreError as exc:
            log.info("file_not_watched", reason=str(exc))
            self.works = False
            return
        if version != self._known or not self.works:
            self._note()
        self._known, self.works = version, True

    def _log_stamp(self) -> tuple[int, int] | None:
        """Return what changes as the log is written; None if there is no log."""
        try:
            found = self._log_file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
