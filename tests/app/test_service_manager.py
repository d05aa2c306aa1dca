"""What systemd hears, at a socket like its own."""

import asyncio
import os
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app.service_manager import ready
from bot.concurrency.heartbeats import Heartbeats
from bot.config.service_manager import ServiceManager, read_service_manager
from tests.machine import limit

OFTEN = timedelta(milliseconds=20)


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """Systemd's end, and the address as it gives it to a service."""
    path = f"{tmp_path}/notify" if request.param == "path" else f"@evaluator-bot-{os.getpid()}-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(path.replace("@", "\0", 1) if path[0] == "@" else path)
        server.settimeout(0)
        yield server, path


async def _next(server: socket.socket) -> str:
    async with asyncio.timeout(limit(5)):
        return (await asyncio.get_running_loop().sock_recv(server, 100)).decode()


def _rest(server: socket.socket) -> list[str]:
    """Return everything that was sent and not read yet."""
    found = []
    while True:
        try:
            found.append(server.recv(100).decode())
        except BlockingIOError:
            return found


async def test_systemd_hears_ready_then_signs_of_life_then_stopping(manager: tuple[socket.socket, str]) -> None:
    server, address = manager
    async with ready(ServiceManager(address=address, watchdog=OFTEN), Heartbeats()):
        assert [await _next(server) for _ in range(3)] == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]
    assert _rest(server)[-1] == "STOPPING=1"


async def test_the_watchdog_hears_nothing_while_a_worker_stands_still(manager: tuple[socket.socket, str]) -> None:
    server, address = manager
    looks, seen = iter(range(1, 100)), asyncio.Event()

    def elapsed() -> float:
        """Each look is an hour after the one before, and the only turn was at the first."""
        if (look := next(looks)) == 4:
            seen.set()
        return look * 3600.0

    heartbeats = Heartbeats(elapsed=elapsed)
    heartbeats.register("mail", within=timedelta(minutes=15))()
    async with ready(ServiceManager(address=address, watchdog=OFTEN), heartbeats), asyncio.timeout(limit(5)):
        await seen.wait()
    assert _rest(server) == ["READY=1", "STOPPING=1"]


async def test_without_a_watchdog_systemd_hears_of_start_and_stop_alone(manager: tuple[socket.socket, str]) -> None:
    server, address = manager
    async with ready(ServiceManager(address=address), Heartbeats()):
        pass
    assert _rest(server) == ["READY=1", "STOPPING=1"]


@pytest.mark.parametrize("address", ["", "/nowhere/notify"])
async def test_the_bot_runs_on_if_systemd_is_not_there(address: str) -> None:
    async with ready(ServiceManager(address=address, watchdog=OFTEN), Heartbeats()):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ServiceManager()),
        ({"NOTIFY_SOCKET": "/run/notify"}, ServiceManager(address="/run/notify")),
        ({"NOTIFY_SOCKET": "vsock:2:1234", "WATCHDOG_USEC": "soon"}, ServiceManager()),
        (
            {"NOTIFY_SOCKET": "@notify", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())},
            ServiceManager(address="@notify", watchdog=timedelta(minutes=1)),
        ),
        (
            {"NOTIFY_SOCKET": "@notify", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"},
            ServiceManager(address="@notify"),
        ),
        ({"NOTIFY_SOCKET": "@notify", "WATCHDOG_USEC": "0"}, ServiceManager(address="@notify")),
    ],
)
def test_what_systemd_asks_for_is_read_from_the_environment(
    environment: dict[str, str], expected: ServiceManager
) -> None:
    assert read_service_manager(environment) == expected
