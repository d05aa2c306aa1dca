"""Find the other processes that hold a lock in a SQLite file, as reported by Linux; none are found elsewhere."""

import os
from pathlib import Path
from typing import Final

_LOCKS: Final = Path("/proc/locks")
_WRITING: Final = 120
"""The byte of the `-shm` file that a writer locks; sqlite.org/walformat.html, "WAL Locks"."""
_READING: Final = range(123, 128)
"""The bytes that readers lock while they need an unchanged snapshot of the database."""


def writers(database: Path) -> list[str]:
    """Return the processes that keep others from writing, with their names."""
    return _users(database, range(_WRITING, _WRITING + 1))


def readers(database: Path) -> list[str]:
    """Return the processes that are reading or writing, with their names."""
    return sorted({*_users(database, _READING), *writers(database)})


def _users(database: Path, bytes_: range) -> list[str]:
    try:
        inode = database.with_name(f"{database.name}-shm").stat().st_ino
        lines = _LOCKS.read_text().splitlines()
    except OSError:
        return []
    found = set[int]()
    for line in lines:
        # 1: POSIX ADVISORY WRITE 1234 fd:01:5243 120 120
        fields = line.split()
        if len(fields) != 8 or fields[1] != "POSIX" or fields[5].rpartition(":")[2] != str(inode):  # noqa: PLR2004
            continue
        pid, first, last = fields[4], fields[6], fields[7]
        is_read = pid.isdecimal() and first.isdecimal() and last.isdecimal()
        if is_read and any(int(first) <= each <= int(last) for each in bytes_):
            found.add(int(pid))
    return [_named(pid) for pid in sorted(found - {os.getpid(), 0})]


def _named(pid: int) -> str:
    try:
        name = Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
    except OSError:
        name = "a program"
    return f"{name} (process {pid})"
