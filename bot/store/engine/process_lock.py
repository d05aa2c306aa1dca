"""Know at once that the process which held a SQLite file is gone, however it ended.

The kernel releases a file lock when its process ends. A process number would say less: it may be used again, or belong
to another container. The lock says nothing across machines, so the file names the kernel it was taken on.
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
        """Whether this holder ran on this machine and is gone; False when nobody can say."""
        return self._look(holder) is False

    def is_alive(self, holder: str) -> bool:
        """Whether this holder runs on this machine; False when nobody can say."""
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
        """Let go of the lock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _look(self, holder: str) -> bool | None:
        """Whether the lock of this holder is kept; None when the last one who had it was another."""
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
    """The holder and the running kernel: containers of one machine share it, and after a boot it is another one."""
    try:
        kernel = _BOOT.read_text().strip()
    except OSError:
        kernel = socket.gethostname()
    return f"{holder} {kernel}\n".encode()
