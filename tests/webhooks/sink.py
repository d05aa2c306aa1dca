"""A receiver of webhooks over loopback that answers as a test says, also as no library would."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

HANG = b""
"""An answer that does not come."""

TLS = b"\x16"
"""How a handshake begins, which it does not know."""


def answer(status: int, *lines: str, body: bytes = b"") -> bytes:
    """A complete answer."""
    head = "\r\n".join([f"HTTP/1.1 {status} Some", *lines, f"Content-Length: {len(body)}", "Connection: close"])
    return f"{head}\r\n\r\n".encode() + body


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as it came."""

    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401  a body
        """What the body says."""
        return json.loads(self.body)


@dataclass(kw_only=True)
class Sink:
    """What came in. It answers 200 unless other answers are left."""

    requests: list[Request] = field(default_factory=list)
    answers: deque[bytes] = field(default_factory=deque)
    port: int = 0
    most_at_once: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    """Set it, and those who hang are let go."""
    _now: int = 0

    @property
    def url(self) -> str:
        """Where it is, with a path that nobody may read."""
        return f"http://127.0.0.1:{self.port}/hooks/very-private"

    @property
    def ids(self) -> list[str]:
        """The id of each request."""
        return [each.headers["webhook-id"] for each in self.requests]

    @property
    def types(self) -> list[str]:
        """The type of each request."""
        return [each.json["type"] for each in self.requests]

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Serve inside the block."""
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self.url
        finally:
            self.released.set()
            server.close()
            await server.wait_closed()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            first = await reader.readexactly(1)
            if first == TLS:
                return
            head = (first + await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers["content-length"]))
            self.requests.append(Request(target=head[0].split()[1], headers=headers, body=body))
            reply = self.answers.popleft() if self.answers else answer(200)
            self.came.set()
            if reply == HANG:
                await self.released.wait()
            writer.write(reply)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client is gone
        finally:
            self._now -= 1
            writer.close()
