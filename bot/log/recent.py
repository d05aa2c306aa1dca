"""The last log lines in a file of limited size, so that a bug report has them when the bot is stopped."""

import logging
import os
from collections import deque
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

MAX_LINES: Final = 500
_MAX_BYTES: Final = 256 * 1024
"""The size of each of two files, of which one is filled. It holds some thousand lines."""


class RecentLines(RotatingFileHandler):
    """Keeps the last lines. Nobody else on the machine can read the file, and a full disk stops nothing."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=_MAX_BYTES, backupCount=1, encoding="utf-8", delay=True)

    def _open(self) -> TextIOWrapper:
        file = os.open(self.baseFilename, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        return os.fdopen(file, "a", encoding=self.encoding)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's own name
        """Give the line up: it is on standard error."""


def read_recent(path: Path | None) -> list[str]:
    """Return the last lines of a log and of the part before it. Empty if there is none."""
    lines = deque[str](maxlen=MAX_LINES)
    for each in () if path is None else (path.with_name(f"{path.name}.1"), path):
        with suppress(FileNotFoundError), each.open(encoding="utf-8", errors="replace") as file:
            lines.extend(line.rstrip("\n") for line in file)
    return list(lines)
