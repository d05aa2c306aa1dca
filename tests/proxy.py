"""A small HTTP proxy on loopback, and a front that puts TLS before a server."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Proxy:
    """Where it listens, and the first line of every connection that came by."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)


@asynccontextmanager
async def running_proxy() -> AsyncIterator[Proxy]:
    """Serve CONNECT, and requests with a whole URL, which servers take as they are."""
    proxy = Proxy()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            line, *headers = head.decode("latin-1").split("\r\n")
            method, target, _ = line.split(" ")
            proxy.asked.append(f"{method} {target}")
            proxy.logins += [each for each in headers if each.lower().startswith("proxy-authorization")]
            if method == "CONNECT":
                host, _, port = target.rpartition(":")
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await _tunnel(reader, writer, host, int(port), b"")
            else:
                where = urlsplit(target)
                await _tunnel(reader, writer, str(where.hostname), where.port or 80, head)
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
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int, first: bytes
) -> None:
    with suppress(OSError):
        there, to_there = await asyncio.open_connection(host, port)
        to_there.write(first)
        ways = [asyncio.ensure_future(_pass_on(reader, to_there)), asyncio.ensure_future(_pass_on(there, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            to_there.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while some := await reader.read(65_536):
            writer.write(some)
            await writer.drain()
