"""A real PostgreSQL server, made for a session of tests and gone after it; each test has a database of its own."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from bot.security.keyring import Keyring
from bot.store.engine.database import Database
from bot.store.engine.migrate import upgrade

FOUND: Final = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
needs_a_server: Final = pytest.mark.skipif(not FOUND and not os.environ.get("CI"), reason="needs PostgreSQL; CI has it")
_KEYS: Final = Keyring(["a key for tests that is long enough"])
_NUMBERS: Final = count(1)
_COPIES_THROUGH_LOG: Final = 15


@dataclass(frozen=True)
class Server:
    """A server on this machine that trusts everybody."""

    port: int
    folder: Path
    _control: Callable[..., None]

    def process(self) -> int:
        """The id of its first process."""
        return int((self.folder / "data/postmaster.pid").read_text().split()[0])

    def restart(self, mode: str = "fast") -> None:
        """Stop it, in the words of `pg_ctl`, and start it again."""
        self._control("restart", "-m", mode)

    def analyze(self) -> None:
        """Count what is in the tables of all databases, for the planner, as the server does each minute."""
        _run("vacuumdb", self.port, "--all", "--analyze-only", "--quiet")

    def create(self, name: str, *options: str) -> str:
        """Make a database; its address."""
        _create(self.port, name, *options)
        return _url(self.port, name)


@contextmanager
def running_server(*, fsync: str = "off") -> Iterator[Server]:
    """A server of one's own, which may be restarted."""
    # The server refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    folder = tempfile.mkdtemp(prefix="postgres-")
    if user is not None:
        shutil.chown(folder, user)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync={fsync}"
    control = [FOUND[-1].with_name("pg_ctl"), "-D", f"{folder}/data", "-l", f"{folder}/log", "-w"]

    def run(*command: object) -> None:
        subprocess.run([str(part) for part in command], user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603

    run(FOUND[-1], "-D", f"{folder}/data", "-A", "trust", "-U", "bot")
    run(*control, "-o", options, "start")
    try:
        yield Server(port, Path(folder), partial(run, *control))
    finally:
        run(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_port() -> Iterator[int]:
    """The port of a server that all tests share."""
    with running_server() as server:
        yield server.port


@pytest.fixture(scope="session")
def postgres_template(postgres_port: int) -> str:
    """The name of a database with the tables of this version and no rows."""
    name = "template_tables"
    _create(postgres_port, name)

    async def migrate() -> None:
        database = Database(_url(postgres_port, name))
        try:
            await upgrade(database, keyring=_KEYS, generation=lambda: 0)
        finally:
            await database.close()
            await asyncio.sleep(0)  # the transport is closed with the next turn of the loop

    with ThreadPoolExecutor() as pool:  # a loop of its own
        pool.submit(asyncio.run, migrate()).result()
    return name


@pytest.fixture
def postgres(postgres_port: int, request: pytest.FixtureRequest) -> str:
    """The address of a database with the tables of this version; in a test marked `migrations`, of an empty one."""
    name = f"test_{next(_NUMBERS)}"
    if request.node.get_closest_marker("migrations") is None:
        _create(postgres_port, name, "--template", request.getfixturevalue("postgres_template"))
    else:
        _create(postgres_port, name)
    return _url(postgres_port, name)


def _create(port: int, name: str, *options: str) -> None:
    # Copied as files: page by page through the log, as is the default since version 15, takes twice as long.
    how = ("--strategy=file_copy",) if int(FOUND[-1].parents[1].name) >= _COPIES_THROUGH_LOG else ()
    _run("createdb", port, *how, *options, name)


def _run(program: str, port: int, *options: str) -> None:
    address = ("-h", "127.0.0.1", "-p", str(port), "-U", "bot")
    subprocess.run([str(FOUND[-1].with_name(program)), *address, *options], check=True)  # noqa: S603  our own words


def _url(port: int, name: str) -> str:
    return f"postgresql+asyncpg://bot@127.0.0.1:{port}/{name}"
