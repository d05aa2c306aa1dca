"""A line to a server that can be cut as a broken network cuts it: nothing comes through, and neither end is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Line:
    """Passes bytes on to a port on this machine."""

    to: int
    port: int = 0
    is_cut: bool = False
    _ways: set[asyncio.Task[None]] = field(default_factory=set)

    def cut(self) -> None:
        """Let nothing through. Connections stay open, and new ones are accepted."""
        self.is_cut = True

    def restore(self) -> None:
        """Let new connections through; those of before stay dead."""
        for way in self._ways:
            way.cancel()
        self.is_cut = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on."""
        if self.is_cut:
            await self._hold(writer)
            return
        try:
            there, to_there = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            writer.close()
            return
        ways = {asyncio.create_task(self._pass_on(reader, to_there)), asyncio.create_task(self._pass_on(there, writer))}
        self._ways |= ways
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        if self._was_cut(ways):
            await self._hold(writer, to_there)
        for way in ways:
            way.cancel()
        self._ways -= ways
        writer.close()
        to_there.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while some := await reader.read(65_536):
                if self.is_cut:
                    return
                writer.write(some)
                await writer.drain()

    def _was_cut(self, ways: set[asyncio.Task[None]]) -> bool:
        return self.is_cut or any(way.cancelled() for way in ways)

    async def _hold(self, *writers: asyncio.StreamWriter) -> None:
        """Keep connections open until the test is over."""
        try:
            await asyncio.Event().wait()
        finally:
            for each in writers:
                each.close()


@asynccontextmanager
async def running_line(to: int) -> AsyncIterator[Line]:
    """Serve a line to a port."""
    line, under_way = Line(to), set[asyncio.Task[None]]()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(line.serve(reader, writer))
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    try:
        line.port = server.sockets[0].getsockname()[1]
        yield line
    finally:
        server.close()
        for task in list(under_way):
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
