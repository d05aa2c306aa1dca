"""A SQLite database as a file: copy it while it is in use, inspect it, put it in the place of another."""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bot.errors import StoreError
from bot.security.keyring import Keyring
from bot.store.engine.migrate import newest

_BESIDE: Final = ("-wal", "-shm", "-journal")
"""The suffixes of the files that SQLite keeps beside a database."""
_TABLES: Final = {"alembic_version", "license", "evaluation", "mail", "delivery", "do_not_contact"}
_SEALED: Final = (
    ("key_check", "sealed"),
    ("do_not_contact", "target"),
    ("do_not_contact", "subject"),
    ("license", "contacts"),
    ("mail", "content"),
)
"""Encrypted columns by their names in this version and in earlier ones. Those that a file does not have are skipped."""
_TRIED_WHOLE: Final = {"key_check", "do_not_contact"}
_MOMENTS: Final = (("poll", "started_at"), ("delivery", "at"), ("history", "at"), ("mail", "at"))
_COUNTED: Final = {"evaluations": "evaluation", "emails": "mail", "do-not-contact entries": "do_not_contact"}


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


def copy_database(source: Path, target: Path) -> None:
    """Write a complete copy that nobody else on the machine can read, or none at all. `source` may be in use.

    Raises StoreError, which says what to do, if a file cannot be read or written, or if `target` exists.
    """
    verify_absent(target)
    if not source.is_file():
        raise StoreError(f"There is no database at {source}.")
    part = target.with_name(f"{target.name}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as exc:
        raise StoreError(
            f"{target} cannot be written: {exc.strerror}. Name a file in a folder that exists and that this user may "
            "write to."
        ) from exc
    try:
        with closing(_read_only(source)) as original, closing(sqlite3.connect(part)) as copy:
            original.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, that can be read where nothing can be written
        _sync(part)
        part.rename(target)
        _sync(target.parent)
    except (sqlite3.Error, OSError) as exc:
        _remove(part)
        raise StoreError(f"{source} cannot be copied to {target} ({exc}).") from exc


def verify_absent(path: Path | None) -> None:
    """Raise StoreError if the file to be written exists."""
    if path is not None and path.exists():
        raise StoreError(f"{path} exists. Name a file that does not.")


def inspect_database(path: Path, keys: Keyring) -> FileReport:
    """Check every page of a database that no bot uses, and whether this version and these keys can use it."""
    if not path.is_file():
        return FileReport(problems=[f"There is no file {path}."])
    try:
        with closing(_read_only(path)) as connection:
            return _inspect(connection, keys)
    except sqlite3.Error as exc:
        return FileReport(problems=[f"It cannot be read as a database ({exc}). Take another backup."])


def is_in_use(path: Path) -> bool:
    """Return whether another program, such as a running bot, has the database open."""
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
            # With write-ahead logging, an open connection keeps a shared lock until it is closed.
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as exc:
        return "locked" in str(exc)
    except sqlite3.DatabaseError:
        return False  # it is damaged, which may be why a backup is put back
    return False


def put_in_place(new: Path, target: Path, *, at: datetime) -> Path | None:
    """Replace the database at `target` with `new`. Return where the former one is kept, or None. Raises StoreError."""
    aside = target.with_name(f"{target.name}.before-{at:%Y%m%d-%H%M%S}")
    has_one = target.exists()
    if has_one:
        with suppress(StoreError):  # it may be damaged
            merge_log(target)
    try:
        # Move the files of the former database first: SQLite would use its log for the new one.
        for suffix in _BESIDE:
            _set_aside(Path(f"{target}{suffix}"), Path(f"{aside}{suffix}"))
        _set_aside(target, aside)
        new.rename(target)
        _sync(target.parent)
    except OSError as exc:
        raise StoreError(
            f"{new} cannot take the place of {target}: {exc.strerror}. The old one is at {aside}."
        ) from exc
    return aside if has_one else None


@contextmanager
def scratch(source: Path, path: Path) -> Iterator[Path]:
    """Copy a database to `path` to work on it. The copy is removed at the end, unless it was moved."""
    _remove(path)
    copy_database(source, path)
    try:
        yield path
    finally:
        _remove(path)


def merge_log(path: Path) -> None:
    """Merge the log into a database file that nobody has open."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
        _sync(path)
    except (sqlite3.Error, OSError) as exc:
        raise StoreError(f"{path} cannot be written ({exc}).") from exc


def write_private(path: Path, text: str) -> None:
    """Write a new file that nobody else on the machine can read. Raises StoreError if it exists or cannot
    be written.
    """
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as exc:
        raise StoreError(f"{path} exists. Name a file that does not.") from exc
    except OSError as exc:
        raise StoreError(f"{path} cannot be written: {exc.strerror}.") from exc


def _inspect(connection: sqlite3.Connection, keys: Keyring) -> FileReport:
    damage = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(1)") if row[0] != "ok"]
    damage = damage or [f"a row of {row[0]} is missing what it points to" for row in _dangling(connection)][:1]
    if damage:
        return FileReport(problems=[f"It is damaged ({damage[0]}). Take another backup."])
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if not tables >= _TABLES:
        return FileReport(problems=["It isn't a database of Evaluator Bot."])
    [version] = connection.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
    if version > newest():
        problem = f"It was written by a newer version of Evaluator Bot (schema {version}). Install that version first."
        return FileReport(problems=[problem], version=version)
    problems = [] if _opens(connection, keys) else ["SECRET_KEY does not open it. Set the one it was written with."]
    has_generation = "installation" in tables
    generation = connection.execute("SELECT generation FROM installation").fetchone() if has_generation else None
    return FileReport(
        problems=problems,
        version=version,
        latest=_latest(connection),
        counts={name: _one(connection, f"SELECT count(*) FROM {table}") for name, table in _COUNTED.items()},  # noqa: S608
        generation=generation[0] if generation else 0,
    )


def _dangling(connection: sqlite3.Connection) -> Iterator[tuple[str, ...]]:
    yield from connection.execute("PRAGMA foreign_key_check")


def _opens(connection: sqlite3.Connection, keys: Keyring) -> bool:
    """Return whether the keys decrypt the oldest and newest encrypted values, and every key check and do-not-contact
    entry.
    """
    for table, column in _SEALED:
        names = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        if column not in names:  # of another version
            continue
        ends = f"(SELECT min(id) FROM {table}), (SELECT max(id) FROM {table})"  # noqa: S608  our own names
        these = "" if table in _TRIED_WHOLE else f" WHERE id IN ({ends})"
        try:
            for (sealed,) in connection.execute(f"SELECT {column} FROM {table}{these}"):  # noqa: S608
                keys.decrypt(sealed)
        except StoreError:
            return False
    return True


def _latest(connection: sqlite3.Connection) -> datetime | None:
    found = [_one(connection, f"SELECT max({column}) FROM {table}") for table, column in _MOMENTS]  # noqa: S608
    moments = [datetime.fromisoformat(str(each)).replace(tzinfo=UTC) for each in found if each]
    return max(moments, default=None)


def _one(connection: sqlite3.Connection, query: str) -> int:
    [value] = connection.execute(query).fetchone()
    return value  # type: ignore[no-any-return]  # SQLite's


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=15)


def _set_aside(path: Path, aside: Path) -> None:
    if path.exists():
        path.rename(aside)
        aside.chmod(0o600)


def _remove(path: Path) -> None:
    for suffix in ("", *_BESIDE):
        with suppress(OSError):
            Path(f"{path}{suffix}").unlink()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
