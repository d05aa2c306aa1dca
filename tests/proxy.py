"""A small HTTP proxy on loopback, and a front that puts TLS before a server."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_REQUEST = re.compile(rb"[A-Z]+ https?://\S+ HTTP/1\.1\r\n")


@dataclass
class Proxy:
    """Where it listens, and the first line of every request that came by, as far as it can be read."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    def note(self, head: bytes) -> None:
        """Write a request down that begins here."""
        line, *headers = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        method, target, _ = line.split(" ")
        self.asked.append(f"{method} {target}")
        self.logins += [each for each in headers if each.lower().startswith("proxy-authorization")]

    def look(self, some: bytes) -> None:
        """Write down what follows on a connection that is kept."""
        if _REQUEST.match(some):
            self.note(some)


@asynccontextmanager
async def running_proxy() -> AsyncIterator[Proxy]:
    """Serve CONNECT, and requests with a whole URL, which servers take as they are."""
    proxy = Proxy()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            proxy.note(head)
            method, target, _ = head.decode("latin-1").split("\r\n")[0].split(" ")
            if method == "CONNECT":
                host, _, port = target.rpartition(":")
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await _tunnel(reader, writer, host, int(port), b"")
            else:
                where = urlsplit(target)
                await _tunnel(reader, writer, str(where.hostname), where.port or 80, head, look=proxy.look)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield proxy


@asynccontextmanager
async def tls_before(url: str, context: ssl.SSLContext) -> AsyncIterator[str]:
    """Serve what stands at a URL over TLS; gives the same URL with https."""
    where = urlsplit(url)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _tunnel(reader, writer, str(where.hostname), where.port or 80, b"")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}{where.path}"


async def _tunnel(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    host: str,
    port: int,
    first: bytes,
    *,
    look: Callable[[bytes], None] = lambda _: None,
) -> None:
    with suppress(OSError):
        there, to_there = await asyncio.open_connection(host, port)
        to_there.write(first)
        ways = [asyncio.ensure_future(_pass_on(reader, to_there, look)), asyncio.ensure_future(_pass_on(there, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            to_there.close()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, look: Callable[[bytes], None] = lambda _: None
) -> None:
    with suppress(OSError):
        while some := await reader.read(65_536):
            look(some)
            writer.write(some)
            await writer.drain()
