"""A real PostgreSQL server, made for a session of tests and gone after it; each test has a database of its own."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

import pytest

FOUND: Final = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
needs_a_server: Final = pytest.mark.skipif(not FOUND and not os.environ.get("CI"), reason="needs PostgreSQL; CI has it")
_NUMBERS: Final = count(1)


@pytest.fixture(scope="session")
def postgres_port() -> Iterator[int]:
    """The port of a server on this machine that trusts everybody."""
    # The server refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    folder = tempfile.mkdtemp(prefix="postgres-")
    if user is not None:
        shutil.chown(folder, user)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    control = [FOUND[-1].with_name("pg_ctl"), "-D", f"{folder}/data", "-l", f"{folder}/log", "-w"]

    def run(*command: object) -> None:
        subprocess.run([str(part) for part in command], user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603

    run(FOUND[-1], "-D", f"{folder}/data", "-A", "trust", "-U", "bot")
    run(*control, "-o", options, "start")
    try:
        yield port
    finally:
        run(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture
def postgres(postgres_port: int) -> str:
    """The address of an empty database."""
    name = f"test_{next(_NUMBERS)}"
    created = [FOUND[-1].with_name("createdb"), "-h", "127.0.0.1", "-p", postgres_port, "-U", "bot", name]
    subprocess.run([str(part) for part in created], check=True)  # noqa: S603  our own words
    return f"postgresql+asyncpg://bot@127.0.0.1:{postgres_port}/{name}"
