"""Detect at once that the process which held a SQLite file has ended, for whatever reason.

The kernel releases a file lock when its process ends. A process id is less reliable: it may be reused, or belong to
another container. The lock is not valid across machines, so the file names the kernel on which it was taken.
"""

import fcntl
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


class ProcessLock:
    """A lock beside the database file that a holder keeps for as long as its process lives."""

    def __init__(self, database: Path | None) -> None:
        self._path = None if database is None else database.with_name(f"{database.name}.lock")
        self._file: int | None = None

    def died(self, holder: str) -> bool:
        """Return whether this holder ran on this machine and has ended; False if that is unknown."""
        return self._look(holder) is False

    def is_alive(self, holder: str) -> bool:
        """Return whether this holder runs on this machine; False if that is unknown."""
        return self._look(holder) is True

    def keep(self, holder: str) -> None:
        """Take the lock for this holder, unless another process still has it."""
        if self._path is None or self._file is not None:
            return
        with suppress(OSError):  # a folder where nothing can be made, say: then a death is known some seconds later
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.ftruncate(file, 0)
                os.pwrite(file, _line(holder), 0)
            except OSError:
                os.close(file)
                raise
            self._file = file

    def release(self) -> None:
        """Release the lock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _look(self, holder: str) -> bool | None:
        """Return whether this holder's lock is still held; None if the last holder was another one or is unknown."""
        if self._path is None:
            return None
        try:
            file = os.open(self._path, os.O_RDONLY)
        except OSError:
            return None
        try:
            if os.pread(file, 1000, 0) != _line(holder):
                return None
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return None
        finally:
            os.close(file)
        return False


def _line(holder: str) -> bytes:
    """Return the holder and the id of the running kernel. Containers on one machine share that id, and each boot
    changes it.
    """
    try:
        kernel = _BOOT.read_text().strip()
    except OSError:
        kernel = socket.gethostname()
    return f"{holder} {kernel}\n".encode()
