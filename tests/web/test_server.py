"""The server itself, met by strangers: slow ones, broken ones, and proxies that add a lot."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from bot.concurrency.heartbeats import Heartbeats
from bot.errors import SettingsWrong
from bot.services.operations.health import Health
from bot.services.operations.probes import Probes
from bot.store import open_store
from bot.web import server
from bot.web.server import endpoints, listening, serve
from tests.builders import NOON
from tests.machine import limit
from tests.web.conftest import SECRET, Site

MARK = "somebody-private"


@asynccontextmanager
async def serving(folder: Path, *, head_timeout: float = 75) -> AsyncIterator[int]:
    async with open_store(f"sqlite+aiosqlite:///{folder}/web.db", secret_keys=[SECRET]) as store:
        health = Health(store, poll_every=timedelta(minutes=10), clock=lambda: NOON)
        app = endpoints(health, Probes(store, Heartbeats()))
        with listening(host="127.0.0.1", port=0) as sockets:
            async with serve(app, sockets, head_timeout=head_timeout) as port:
                yield port


async def talk(port: int, sent: bytes) -> bytes:
    """What comes back until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(limit(20)):
        answer = await reader.read()
    writer.close()
    return answer


async def test_a_header_field_and_a_request_line_may_have_32_kib(page: Site, logged: Callable[[], str]) -> None:
    for size, status in ((32 * 1024 - 100, 404), (64 * 1024, 400)):
        async with page.session.get(page.url("/nothing"), headers={"Cookie": MARK + "x" * size}) as answer:
            assert answer.status == status
    async with page.session.get(page.url(f"/nothing?{MARK}" + "x" * (31 * 1024))) as answer:
        assert answer.status == 404
    assert MARK not in logged()


@pytest.mark.parametrize(
    "request_",
    [
        f"{MARK}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\n{MARK} : \x01\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\nX: {MARK}\x00\r\n\r\n",
        f"GET / HTTP/9.9\r\nHost: {MARK}\r\n\r\n",
        f"GET /{MARK} HTTP/1.1\r\nHost: x\r\nContent-Length: {MARK}\r\n\r\n",
        f"POST /u/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{MARK}\r\n",
        f"GET / HTTP/1.1\r\nX: {MARK + 'x' * 70_000}\r\n\r\n",
    ],
)
async def test_a_request_that_cannot_be_read_leaves_one_short_line_at_most(
    tmp_path: Path, logged: Callable[[], str], request_: str
) -> None:
    async with serving(tmp_path) as port:
        answer = await talk(port, request_.encode("latin-1"))
    assert answer.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
    assert MARK not in logged()
    assert len(logged().splitlines()) <= 1
    assert len(logged()) < 200


async def test_a_flood_of_them_leaves_one_line_a_minute(tmp_path: Path, logged: Callable[[], str]) -> None:
    async with serving(tmp_path) as port:
        for _ in range(20):
            await talk(port, b"nonsense\x00\r\n\r\n")
    assert len(logged().splitlines()) <= 1


@pytest.mark.parametrize(
    "head", [b"", b"GET /health HTTP/1.1\r\nX: ", b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\nGET /health HTTP/1.1\r\n"]
)
async def test_a_head_that_is_not_complete_in_time_is_hung_up_on(tmp_path: Path, head: bytes) -> None:
    async with serving(tmp_path, head_timeout=0.3) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)

        async def dribble() -> None:
            while True:
                await asyncio.sleep(0.02)
                writer.write(b"x")

        dribbling = asyncio.create_task(dribble()) if head else None
        async with asyncio.timeout(limit(10)):
            with suppress(ConnectionError):  # it does not matter which end was quicker
                await reader.read()
        if dribbling is not None:
            dribbling.cancel()
            await asyncio.gather(dribbling, return_exceptions=True)
        writer.close()


async def test_a_body_that_does_not_come_in_time_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_BODY_TIMEOUT_S", 0.2)
    monkeypatch.setattr(server, "_LINGERING_S", 0.1)
    async with serving(tmp_path) as port:
        answer = await talk(port, b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx")
    assert answer.startswith(b"HTTP/1.1 408")


async def test_who_hangs_up_within_a_body_leaves_no_line(tmp_path: Path, logged: Callable[[], str]) -> None:
    async with serving(tmp_path) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx")
        await writer.drain()
        writer.close()
        assert (await talk(port, b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))[9:12] == b"404"
    assert logged() == ""


async def test_that_no_connection_can_be_accepted_is_logged_once_a_minute(logged: Callable[[], str]) -> None:
    loop = asyncio.get_running_loop()
    for _ in range(300):
        loop.call_exception_handler(
            {
                "message": "socket.accept() out of system resource",
                "exception": OSError(24, "Too many open files"),
                "socket": None,
            }
        )
    lines = [line for line in logged().splitlines() if "socket.accept()" in line]
    assert len(lines) == 1
    assert logged().count("Too many open files") == 1


def test_a_port_that_is_taken_is_said_in_one_line() -> None:
    with listening(host="127.0.0.1", port=0) as (taken, *_):
        port = taken.getsockname()[1]
        sentence = rf"^Port {port} on 127\.0\.0\.1 is already in use\. Set HTTP_PORT to another one\.$"
        with pytest.raises(SettingsWrong, match=sentence), listening(host="127.0.0.1", port=port):
            pass
