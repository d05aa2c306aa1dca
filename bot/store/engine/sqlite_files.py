"""A SQLite database as a file: copy it while it is in use, inspect it, put it in the place of another."""

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bot.errors import StoreError
from bot.security.keyring import Keyring
from bot.store.engine.backup_file import (
    CHANGED,
    FOREIGN,
    PARTLY_SEALED,
    WRONG_KEY,
    FileReport,
    is_sqlite_intact,
    newer_version,
    sign_sqlite,
)
from bot.store.engine.migrate import newest
from bot.store.engine.new_file import new_file, sync

_BESIDE: Final = ("-wal", "-shm", "-journal")
"""The suffixes of the files that SQLite keeps beside a database."""
TABLES: Final = {"alembic_version", "license", "evaluation", "mail", "delivery", "do_not_contact"}
SEALED: Final = (
    ("key_check", "sealed"),
    ("do_not_contact", "target"),
    ("do_not_contact", "subject"),
    ("do_not_contact", "note"),
    ("do_not_contact", "lifted_note"),
    ("license", "contacts"),
    ("mail", "content"),
    ("draft", "content"),
    ("note", "content"),
    ("reply", "content"),
    ("feedback", "content"),
    ("departure", "content"),
    ("team_member", "email"),
)
"""Encrypted columns by their names in this version and in earlier ones. Those that a file does not have are skipped."""
MOMENTS: Final = (("poll", "started_at"), ("delivery", "at"), ("history", "at"), ("mail", "at"))
COUNTED: Final = {"evaluation": "evaluation", "email": "mail", "do-not-contact entry": "do_not_contact"}


def copy_database(source: Path, target: Path) -> None:
    """Write a complete copy that nobody else on the machine can read, or none at all. `source` may be in use.

    Raises StoreError, which says what to do, if a file cannot be read or written, or if `target` exists.
    """
    if not source.is_file():
        raise StoreError(f"There is no database at {source}.")
    with new_file(target) as part:
        try:
            with closing(_read_only(source)) as original, closing(sqlite3.connect(part)) as copy:
                original.backup(copy)
                copy.execute("PRAGMA journal_mode=DELETE")  # one file, that can be read where nothing can be written
        except sqlite3.Error as exc:
            _remove(part)
            raise StoreError(f"{source} cannot be copied to {target} ({exc}).") from exc
        sign_sqlite(part)


def inspect_database(path: Path, keys: Keyring) -> FileReport:
    """Check every page of a database that no bot uses, and whether this version and these keys can use it."""
    if not path.is_file():
        return FileReport(problems=[f"There is no file {path}."])
    try:
        with _untouched(path) as connection:
            found = _inspect(connection, keys)
        return found if found.problems or is_sqlite_intact(path) else FileReport(problems=[CHANGED])
    except (sqlite3.Error, OSError) as exc:
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
        sync(target.parent)
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
            connection.execute("PRAGMA user_version=0")  # its checksum, if it is a backup that was put back
        sync(path)
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
    if not tables >= TABLES:
        return FileReport(problems=[FOREIGN])
    [version] = connection.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
    if version > newest():
        return FileReport(problems=[newer_version(version)], version=version)
    problem = sealed_problem(_sealed(connection), keys)
    has_generation = "installation" in tables
    generation = connection.execute("SELECT generation FROM installation").fetchone() if has_generation else None
    return FileReport(
        problems=[] if problem is None else [problem],
        version=version,
        latest=_latest(connection),
        counts={name: _one(connection, f"SELECT count(*) FROM {table}") for name, table in COUNTED.items()},  # noqa: S608
        generation=generation[0] if generation else 0,
    )


def _dangling(connection: sqlite3.Connection) -> Iterator[tuple[str, ...]]:
    yield from connection.execute("PRAGMA foreign_key_check")


def sealed_problem(values: Iterable[bytes], keys: Keyring) -> str | None:
    """Return what is wrong if the keys do not decrypt all of these values."""
    opened = failed = 0
    for sealed in values:
        try:
            keys.decrypt(sealed)
        except StoreError:
            failed += 1
        else:
            opened += 1
    if not failed:
        return None
    return PARTLY_SEALED if opened else WRONG_KEY


def _sealed(connection: sqlite3.Connection) -> Iterator[bytes]:
    for table, column in SEALED:
        names = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        if column in names:  # otherwise it is of another version
            found = connection.execute(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL")  # noqa: S608
            yield from (row[0] for row in found)


def _latest(connection: sqlite3.Connection) -> datetime | None:
    found = [_one(connection, f"SELECT max({column}) FROM {table}") for table, column in MOMENTS]  # noqa: S608
    moments = [datetime.fromisoformat(str(each)).replace(tzinfo=UTC) for each in found if each]
    return max(moments, default=None)


def _one(connection: sqlite3.Connection, query: str) -> int:
    [value] = connection.execute(query).fetchone()
    return value  # type: ignore[no-any-return]  # SQLite's


@contextmanager
def _untouched(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database without leaving a trace in its folder, where SQLite would add its log even to read."""
    log, index = (Path(f"{path}{suffix}") for suffix in ("-wal", "-shm"))
    if index.exists():  # a bot may be using it
        with closing(_read_only(path)) as connection:
            yield connection
    elif not log.exists():
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)) as connection:
            yield connection
    else:  # copied with its log
        with TemporaryDirectory() as folder:
            for each in (path, log):
                shutil.copy(each, folder)
            with closing(_read_only(Path(folder) / path.name)) as connection:
                yield connection


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
