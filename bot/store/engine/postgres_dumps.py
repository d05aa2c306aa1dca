"""A PostgreSQL database as a dump: write one, inspect it, load it. PostgreSQL's own programs do the work."""

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final

from sqlalchemy import inspect, text
from sqlalchemy.engine import URL

from bot.errors import StoreError
from bot.security.keyring import Keyring
from bot.store.engine.backup_file import (
    CHANGED,
    FOREIGN,
    FileReport,
    is_dump_intact,
    newer_version,
    sign_dump,
)
from bot.store.engine.database import Database
from bot.store.engine.migrate import newest
from bot.store.engine.new_file import new_file
from bot.store.engine.sqlite_files import COUNTED, MOMENTS, SEALED, TABLES, sealed_problem

_MAGIC: Final = b"PGDMP"
_COPY: Final = re.compile(rb"COPY (?:\S+\.)?(\S+) \((.+)\) FROM stdin;\n")
_PLACES: Final = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs of each version."""
_OTHERS: Final = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'evaluator-bot' "
    "AND pid <> pg_backend_pid()"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """The database that a backup is to replace."""

    version: str = ""
    """Of its schema; empty if it has no tables of the bot."""
    generation: int = 0
    tables: Sequence[str] = ()
    others: int = 0
    """How many other connections of the bot there are."""


@dataclass(slots=True)
class _Dump:
    """What is found while a dump is read, row by row."""

    tables: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    moments: list[bytes] = field(default_factory=list)
    version: str = ""
    generation: int = 0


def is_dump(path: Path) -> bool:
    """Return whether a file is a dump of PostgreSQL, in its custom format."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def dump_database(url: URL, target: Path) -> None:
    """Write a complete dump that nobody else on the machine can read, or none at all. The bot may run.

    Raises StoreError, which says what to do, if the database cannot be read or the file not be written.
    """
    program = _program("pg_dump")
    with new_file(target) as part, TemporaryFile() as said:
        command = [program, "--format=custom", "--no-owner", "--no-acl", f"--file={part}"]
        done = subprocess.run(command, env=_environment(url), stderr=said, check=False)  # noqa: S603  our own words
        if done.returncode:
            raise StoreError(f"The database cannot be copied to {target} ({_reason(said)}).")
        sign_dump(part)


def inspect_dump(path: Path, keys: Keyring) -> FileReport:
    """Read every row of a dump, and check whether this version and these keys can use it. No server is needed."""
    if not is_dump_intact(path):
        return FileReport(problems=[CHANGED])
    found = _Dump()
    try:
        problem = sealed_problem(_read(path, found), keys)
    except StoreError as exc:
        return FileReport(problems=[f"It cannot be read as a dump ({exc}). Take another backup."])
    if not found.tables >= TABLES:
        problem = FOREIGN
    elif found.version > newest():
        problem = newer_version(found.version)
    moments = [datetime.fromisoformat(each.decode()).astimezone(UTC) for each in found.moments]
    return FileReport(
        problems=[] if problem is None else [problem],
        version=found.version,
        latest=max(moments, default=None),
        counts={name: found.counts[table] for name, table in COUNTED.items()},
        generation=found.generation,
    )


async def present(database: Database) -> Present:
    """Return what is at DATABASE_URL now. Raises StoreError if the server does not answer."""
    async with database.read() as connection:
        tables = await connection.run_sync(lambda c: inspect(c).get_table_names())
        others = await connection.scalar(_OTHERS) or 0
        version, generation = "", 0
        if "alembic_version" in tables:
            version = str(await connection.scalar(text("SELECT version_num FROM alembic_version")) or "")
        if "installation" in tables:
            generation = int(await connection.scalar(text("SELECT generation FROM installation")) or 0)
    return Present(version=version, generation=generation, tables=tables, others=others)


def load_dump(url: URL, file: Path, *, instead_of: Sequence[str]) -> None:
    """Replace these tables by those of a dump, in one transaction. Raises StoreError; then nothing was changed."""
    psql, restore = _program("psql"), _program("pg_restore")
    into_server = [psql, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"]
    from_file = [restore, "--no-owner", "--no-acl", "--file=-", str(file)]
    with TemporaryFile() as said, TemporaryFile() as said_first:
        options: dict[str, Any] = {"env": _environment(url), "stdout": subprocess.DEVNULL, "stderr": said}
        with subprocess.Popen(into_server, stdin=subprocess.PIPE, **options) as server:  # noqa: S603  our own words
            assert server.stdin is not None  # noqa: S101  it is a pipe
            is_read = False
            with suppress(BrokenPipeError):  # then psql says why it ended
                server.stdin.write(f"BEGIN; SET LOCAL lock_timeout = '10s';\n{_dropped(instead_of)}".encode())
                server.stdin.flush()
                read = subprocess.run(from_file, stdout=server.stdin, stderr=said_first, check=False)  # noqa: S603  as above
                is_read = read.returncode == 0
                if is_read:
                    server.stdin.write(b"COMMIT;\n")  # without it, the server undoes everything
            with suppress(BrokenPipeError):
                server.stdin.close()
        if server.returncode or not is_read:
            reason = _reason(said if server.returncode else said_first)
            raise StoreError(f"{file} cannot be restored ({reason}). Nothing was changed.")


def _dropped(tables: Sequence[str]) -> str:
    names = ", ".join(f'"{each}"' for each in tables)
    return f"DROP TABLE {names} CASCADE;\n" if names else ""


def _read(path: Path, found: _Dump) -> Iterator[bytes]:
    """Yield the encrypted values of a dump, and note everything else that is looked for."""
    with TemporaryFile() as said:
        command = [_program("pg_restore"), "--data-only", "--file=-", str(path)]
        with subprocess.Popen(command, env=_environment(None), stdout=subprocess.PIPE, stderr=said) as process:  # noqa: S603
            assert process.stdout is not None  # noqa: S101  it is a pipe
            yield from _values(process.stdout, found)
        if process.returncode:
            raise StoreError(_reason(said))


def _values(lines: IO[bytes], found: _Dump) -> Iterator[bytes]:
    for line in lines:
        head = _COPY.fullmatch(line)
        if head is None:
            continue
        table = head[1].decode()
        columns = [name.strip(' "') for name in head[2].decode().split(",")]
        found.tables.add(table)
        sealed = [columns.index(name) for where, name in SEALED if where == table and name in columns]
        moments = [columns.index(name) for where, name in MOMENTS if where == table and name in columns]
        latest = [b""] * len(moments)
        for row in iter(lines.readline, b"\\.\n"):
            cells = row.rstrip(b"\n").split(b"\t")
            found.counts[table] += 1
            yield from (bytes.fromhex(cells[n][3:].decode()) for n in sealed if cells[n] != rb"\N")
            latest = [max(was, cells[n].replace(rb"\N", b"")) for was, n in zip(latest, moments, strict=True)]
            if table == "alembic_version":
                found.version = cells[columns.index("version_num")].decode()
            elif table == "installation":
                found.generation = int(cells[columns.index("generation")])
        found.moments += [each for each in latest if each]


def _reason(said: IO[bytes]) -> str:
    """Return the first line of what a program said, without its own name."""
    said.seek(0)
    lines = [line for line in said.read(10_000).decode(errors="replace").splitlines() if line.strip()]
    wanted = next((line for line in lines if "error:" in line.lower()), lines[0] if lines else "it does not say why")
    return re.sub(r"^.*?error: +", "", wanted, flags=re.IGNORECASE).rstrip(".")


def _program(name: str) -> str:
    versions = sorted(_PLACES.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    found = str(versions[-1]) if versions else shutil.which(name)
    if found is None:
        raise StoreError(
            f"{name} is not installed. Install PostgreSQL's client programs (postgresql-client on Debian), at least of "
            "the server's version; or call pg_dump and pg_restore on the server."
        )
    return found


def _environment(url: URL | None) -> dict[str, str]:
    """Return the environment that tells PostgreSQL's programs where the server is. Others cannot read it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
    if url is None:
        return kept
    asked = {name: value for name, value in url.query.items() if isinstance(value, str)}
    known = {
        "PGHOST": url.host or asked.get("host"),
        "PGPORT": str(url.port) if url.port else asked.get("port"),
        "PGUSER": url.username or asked.get("user"),
        "PGPASSWORD": url.password or asked.get("password"),
        "PGDATABASE": url.database,
        "PGSSLMODE": asked.get("ssl") or asked.get("sslmode"),
        "PGAPPNAME": "evaluator-bot-backup",
        "PGCONNECT_TIMEOUT": "8",
    }
    return kept | {name: value for name, value in known.items() if value}
