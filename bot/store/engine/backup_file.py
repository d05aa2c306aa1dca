"""What both kinds of backups have in common: what is found in one, and a checksum that shows any damage.

SQLite and PostgreSQL keep no checksum over all of a file, so a changed letter in a company's name would pass for
sound. A SQLite file has its checksum in the `user_version` of its header, which is the application's to use. A dump of
PostgreSQL has it behind its end, where `pg_restore` does not read.
"""

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

_CHUNK: Final = 1 << 20
_VERSION: Final = slice(60, 64)
"""Where `user_version` is; sqlite.org/fileformat2.html, "The Database Header"."""
_JOURNAL: Final = slice(18, 20)
_WRITE_AHEAD: Final = b"\x02\x02"
_MARK: Final = b"\nevaluator-bot"
_BEGIN: Final = _MARK + b" backup, crc32 "
_END: Final = b" end of backup\n"
_TRAILER: Final = re.compile(re.escape(_BEGIN) + rb"([0-9a-f]{8})" + re.escape(_END))
_TRAILER_SIZE: Final = len(_BEGIN) + 8 + len(_END)

CHANGED: Final = "It is damaged: it is not what `evaluator-bot db backup` wrote. Take another backup."
WRONG_KEY: Final = "SECRET_KEY does not open it. Set the one it was written with."
PARTLY_SEALED: Final = (
    "SECRET_KEY opens only a part of it: it is damaged, or a former key is missing. Take another backup, or set "
    "SECRET_KEY=new,old."
)
FOREIGN: Final = "It isn't a database of Evaluator Bot."


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """The findings about a database file. `problems` are sentences; if there are any, the other fields may
    be missing.
    """

    problems: Sequence[str] = ()
    version: str = ""
    latest: datetime | None = None
    """The latest moment recorded in the database. The file was made then, or a little later."""
    counts: Mapping[str, int] = field(default_factory=dict)
    generation: int = 0


def newer_version(version: str) -> str:
    """Return the problem with a backup of a schema that this version does not know."""
    return f"It was written by a newer version of Evaluator Bot (schema {version}). Install that version first."


def sign_sqlite(path: Path) -> None:
    """Write the checksum of a SQLite file, which nobody has open, into its header."""
    with path.open("r+b") as file:
        file.seek(_VERSION.start)
        file.write(_sqlite_checksum(path))


def is_sqlite_intact(path: Path) -> bool:
    """Return whether a SQLite file is as `sign_sqlite` left it, or was in use since, or never had a checksum."""
    with path.open("rb") as file:
        head = file.read(_VERSION.stop)
    if not any(head[_VERSION]) or head[_JOURNAL] == _WRITE_AHEAD:
        return True
    return head[_VERSION] == _sqlite_checksum(path)


def sign_dump(path: Path) -> None:
    """Append its checksum to a dump of PostgreSQL."""
    checksum = _crc(path, path.stat().st_size)
    with path.open("ab") as file:
        file.write(_BEGIN + f"{checksum:08x}".encode() + _END)


def is_dump_intact(path: Path) -> bool:
    """Return whether a dump is as `sign_dump` left it, or never had a checksum."""
    size = path.stat().st_size - _TRAILER_SIZE
    with path.open("rb") as file:
        file.seek(max(0, size - _TRAILER_SIZE))
        tail = file.read()
    if _MARK not in tail and _END not in tail:
        return True
    found = _TRAILER.fullmatch(tail[-_TRAILER_SIZE:])
    return found is not None and int(found[1], 16) == _crc(path, size)


def _sqlite_checksum(path: Path) -> bytes:
    found = _crc(path, path.stat().st_size, without=_VERSION) or 1
    return found.to_bytes(4, "big")


def _crc(path: Path, size: int, *, without: slice | None = None) -> int:
    """Return the CRC-32 of the first bytes of a file. The four bytes in `without` count as zero."""
    found = 0
    with path.open("rb") as file:
        while chunk := file.read(min(_CHUNK, size - file.tell())):
            is_first = file.tell() == len(chunk)
            if without is not None and is_first:
                found = zlib.crc32(chunk[: without.start] + bytes(4) + chunk[without.stop :])
            else:
                found = zlib.crc32(chunk, found)
    return found
