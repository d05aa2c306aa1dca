"""Errors of a database driver, as sentences that say what to do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.errors import DatabaseBusy, StoreError, StoreUnavailable

_LOCKED: Final = "database is locked|due to lock timeout"
_CONNECTION_ENDED: Final = "(terminating|closed|lost|reset).* connection|connection (is|was) closed|idle-in-transaction"
_MENDABLE: Final = {
    _LOCKED: "it has been locked too long. If the bot is running, try again in a minute; if not, stop the program that "
    "has it open.",
    "readonly": "it may not be written. Give the bot's user the right to write the file and its folder.",
    "unable to open": "it cannot be opened. Check the folder in DATABASE_URL and its rights.",
    "disk is full": "the disk is full. Make room.",
    "disk I/O error": "its file cannot be read or written. Look at the disk, its free space and its quota.",
    "malformed": "the file is damaged. Put back a backup.",
    "not a database": "the file is not a database. Check DATABASE_URL.",
    '(no such table|^relation ".*" does not exist)': "it has no tables yet. Run `evaluator-bot db upgrade`.",
    '^(database|role) ".*" does not exist': "the server does not know it, or the user. Check DATABASE_URL.",
    "too many (clients|connections)": "its server takes no more connections now. Try again later.",
    "due to statement timeout": "the server took longer than 30 seconds. Look at its load and its locks.",
    _CONNECTION_ENDED: ("the server ended the connection. Make sure that it runs; unfinished work is tried again."),
    'prepared statement ".*" (does not exist|already exists)': (
        "a pooler mixes up prepared statements. In PgBouncer 1.21 or newer set max_prepared_statements = 200, or set "
        "pool_mode = session, or connect to the server directly."
    ),
    "unsupported startup parameter": (
        "a pooler refuses the bot's limits. In PgBouncer set ignore_startup_parameters = lock_timeout, "
        "statement_timeout, idle_in_transaction_session_timeout, tcp_keepalives_idle, tcp_keepalives_interval, "
        "tcp_keepalives_count, or connect to the server directly."
    ),
    "password authentication failed": "the server refused the user or the password. Check DATABASE_URL.",
}

_PASSING: Final = {"disk is full", "too many (clients|connections)", "due to statement timeout", _CONNECTION_ENDED}
"""The keys of `_MENDABLE` for errors that a retry may overcome."""
_PASSING_STATES: Final = ("08", "40", "53", "55P03", "57")
"""SQLSTATE prefixes for a broken connection or a server that is busy, full, or restarting (PostgreSQL, appendix A)."""


def is_lock(error: DBAPIError) -> bool:
    """Return whether the database refused because another program holds a lock."""
    return re.search(_LOCKED, str(error.orig)) is not None


@contextmanager
def named_errors() -> Iterator[None]:
    """Translate errors that the operator can fix into StoreError; programming errors pass through."""
    try:
        yield
    except DBAPIError as exc:
        reason = str(exc.orig)
        for sign, advice in _MENDABLE.items():
            if re.search(sign, reason):
                kind = DatabaseBusy if sign == _LOCKED else StoreUnavailable if sign in _PASSING else StoreError
                raise kind(f"The database cannot be used: {advice}") from exc
        if exc.connection_invalidated or str(getattr(exc.orig, "sqlstate", "")).startswith(_PASSING_STATES):
            raise StoreUnavailable("The database cannot be used now: its server is busy or restarts.") from exc
        raise
    except PoolTimeout as exc:
        raise StoreUnavailable("The database cannot be used now: it takes too long. Look at its load.") from exc
    except OSError as exc:
        raise StoreUnavailable("The database cannot be reached. Check DATABASE_URL, and that its server runs.") from exc
