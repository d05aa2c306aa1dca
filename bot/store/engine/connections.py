"""Connections: the address of a database, what each new connection is told, and how a transaction begins."""

import re
import sqlite3
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import orjson
import structlog
from sqlalchemy import event, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.errors import DatabaseUrlWrong, StoreError
from bot.store.engine import sqlite_driver

log = structlog.get_logger()

_STEP_S: Final = 1
"""Seconds of each step of the wait for a lock: a driver that waits cannot be interrupted, and SIGTERM leaves ten
seconds for everything.
"""
SERVER_LIMITS: Final = {
    "lock_timeout": "2s",
    "statement_timeout": "30s",
    # A copy that is stopped in the middle of a transaction holds the single writer's lock.
    "idle_in_transaction_session_timeout": "15s",
}
_SERVER_SETTINGS: Final = {
    "application_name": "evaluator-bot",
    **SERVER_LIMITS,
    # The server notices within half a minute that a copy's machine is gone.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
_CONNECT_TIMEOUT_S: Final = 8.0
_COMMAND_TIMEOUT_S: Final = 60.0
_SWITCHES: Final = 20
_SYNCHRONOUS: Final = "FULL"
"""With NORMAL, SQLite may lose the last commits when the power fails: an email would go twice."""
_LOCK: Final = 7_341_022
"""An arbitrary number of our own for the advisory lock."""
WAITS_TO_WRITE: Final = text(
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
    "AND classid = 0 AND objid = :lock "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
).bindparams(lock=_LOCK)
"""Whether a writer waits for its turn on the server, of whichever copy."""
_BEGIN: Final = {
    ("sqlite", "read"): "BEGIN",
    ("sqlite", "write"): "BEGIN IMMEDIATE",
    # One writer at a time, as on SQLite: two copies neither claim the same delivery nor migrate at once.
    ("postgresql", "write"): f"SELECT pg_advisory_xact_lock({_LOCK})",
    # Runs beside the writers, so that none of them can keep the leader from renewing its lease.
    ("sqlite", "lease"): "BEGIN IMMEDIATE",
}
"""The first statement of a transaction. On a server, the driver begins it."""
NO_TABLES: Final = (
    "There is no database at DATABASE_URL yet. Start the bot, or run `evaluator-bot db upgrade`, and see that both use "
    "the same settings."
)
_NETWORK: Final = frozenset({"afs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "nfs", "nfs4", "smb3", "smbfs"})
_NO_URL: Final = (
    "DATABASE_URL isn't the address of a database. It should look like sqlite+aiosqlite:///evaluators.db or "
    "postgresql+asyncpg://user:password@host:5432/name; write @ : / in the password as %40 %3A %2F."
)


def files_of(url: str) -> tuple[Path, ...]:
    """Return the files that a SQLite database may consist of, or none for another database. Raises DatabaseUrlWrong."""
    file = sqlite_file(parsed_url(url))
    return () if file is None else tuple(Path(f"{file}{suffix}") for suffix in ("", "-wal", "-shm"))


def parsed_url(url: str) -> URL:
    """Parse DATABASE_URL. Raises DatabaseUrlWrong, without quoting the URL, which may hold a password."""
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise DatabaseUrlWrong(_NO_URL) from None


def verify_url(url: str) -> None:
    """Raise DatabaseUrlWrong unless DATABASE_URL names a database that may exist. Nothing is opened."""
    parsed = parsed_url(url)
    file = sqlite_file(parsed)
    if parsed.drivername == "postgresql+asyncpg" and find_spec("asyncpg") is None:
        raise DatabaseUrlWrong(
            "DATABASE_URL needs a driver. From the checkout, run: pip install -c constraints.txt '.[postgres]'"
        )
    if file is not None and not str(file).startswith("file:") and not file.parent.is_dir():
        raise DatabaseUrlWrong(f"DATABASE_URL cannot be used. There is no folder {file.parent}.")


def sqlite_file(url: URL) -> Path | None:
    """Return the file of a SQLite database, or None for a server or a database in memory."""
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return Path(str(url.database)) if is_file else None


def open_engine(url: str, *, create: bool, at_most: int | None = None, is_patient: bool = False) -> AsyncEngine:
    """Return an engine, on a server with at most so many connections. Raises StoreError if there cannot be one.

    Without `create`, a SQLite file must exist. A patient engine waits for each statement as long as it takes.
    """
    try:
        parsed = parsed_url(url)
        path = sqlite_file(parsed)
        if path is not None:
            _verify_local(path)
            if create:
                _private(path)
            elif not path.exists() or path.stat().st_size == 0:
                raise StoreError(NO_TABLES)
        limit = {} if at_most is None else {"pool_size": at_most, "max_overflow": 0}
        # Stored values must not appear in the text of an error, nor in a log.
        limits = _connect_args(parsed.drivername)
        if is_patient:
            limits.pop("command_timeout", None)
        engine = create_async_engine(parsed, hide_parameters=True, json_serializer=_json, connect_args=limits, **limit)
    except (ArgumentError, InvalidRequestError, ImportError, OSError) as exc:
        raise DatabaseUrlWrong(
            f"DATABASE_URL cannot be used ({type(exc).__name__}). It should look like "
            "sqlite+aiosqlite:///evaluators.db, in a folder that exists and that this user may write to."
        ) from exc
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "do_connect", _by_our_driver)
        event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _connect_args(driver_name: str) -> dict[str, Any]:
    """Return limits for calls that may hang. The server's own timeouts are PostgreSQL settings."""
    if driver_name != "postgresql+asyncpg":
        return {}
    return {
        "timeout": _CONNECT_TIMEOUT_S,
        "command_timeout": _COMMAND_TIMEOUT_S,
        "server_settings": dict(_SERVER_SETTINGS),
    }


def _by_our_driver(_dialect: object, _record: object, _args: object, options: dict[str, Any]) -> None:
    options["async_creator_fn"] = sqlite_driver.connect


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _verify_local(path: Path) -> None:
    """Raise DatabaseUrlWrong if the file is on a network file system, where write-ahead logging does not work
    (sqlite.org/wal.html): its processes share memory.
    """
    if (kind := file_system(path.absolute().parent)) in _NETWORK:
        raise DatabaseUrlWrong(
            f"DATABASE_URL is on a network file system ({kind}), where SQLite damages its file. Name a folder on a "
            "disk of this machine, or use PostgreSQL."
        )


def file_system(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """Return the type of the file system that a folder is on, as Linux names it; empty elsewhere."""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return ""
    found = {
        Path(re.sub(r"\\(\d{3})", lambda it: chr(int(it[1], 8)), line.split()[1])): line.split()[2] for line in lines
    }
    real = folder.resolve()
    return next((found[each] for each in (real, *real.parents) if each in found), "")


def _private(path: Path) -> None:
    """Create the file if it is missing, so that nobody else on the machine can read it."""
    if not path.exists():
        path.touch(mode=0o600)
        # Without this message, a command run in another folder would use an empty database unnoticed.
        log.info("database_created", path=str(path.absolute()))


def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401  the driver's own, differs by driver
    # The driver must not begin transactions on its own: we send BEGIN IMMEDIATE.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_STEP_S * 1000}")
    _write_ahead(cursor)
    cursor.execute(f"PRAGMA synchronous={_SYNCHRONOUS}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA secure_delete=ON")  # what is overwritten or deleted leaves no trace in free space
    cursor.close()


def _write_ahead(cursor: Any) -> None:  # noqa: ANN401  as above
    """Switch the file to write-ahead logging if necessary.

    When two connections switch a new file at once, SQLite refuses one of them without waiting. The other gets through,
    and the next attempt finds it done.
    """
    for _ in range(_SWITCHES - 1):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            continue
        return
    cursor.execute("PRAGMA journal_mode=WAL")


def _begin(connection: Connection) -> None:
    door = connection.get_execution_options().get("door", "read")
    if (first := _BEGIN.get((connection.dialect.name, door))) is not None:
        connection.exec_driver_sql(first)
