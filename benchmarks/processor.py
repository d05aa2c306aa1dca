"""Processor time of the bot and, if there is one, of its PostgreSQL server with all its processes."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
_PARENT, _OWN, _ENDED_CHILDREN = 1, slice(11, 13), slice(13, 15)
"""Fields of `/proc/PID/stat` behind the name, per proc(5)."""


class ProcessorWatch:
    """Counts from now on, for this process and the server whose first process this is. Its own work does not count."""

    def __init__(self, server: int | None) -> None:
        self._server = server
        self._server_before = _server_seconds(server)
        self._before = time.process_time()

    def seconds(self) -> float:
        """Return the seconds of processor time since this watch was made."""
        used = time.process_time() - self._before
        return used + _server_seconds(self._server) - self._server_before


def _server_seconds(server: int | None) -> float:
    if server is None:
        return 0.0
    ticks = 0
    for process, fields in _processes():
        if process == str(server):
            ticks += sum(map(int, fields[_OWN])) + sum(map(int, fields[_ENDED_CHILDREN]))
        elif fields[_PARENT] == str(server):
            ticks += sum(map(int, fields[_OWN]))
    return ticks / _TICKS_A_SECOND


def _processes() -> Iterator[tuple[str, list[str]]]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            line = stat.read_text()
        except OSError:  # it has ended
            continue
        yield stat.parent.name, line.rpartition(")")[2].split()
