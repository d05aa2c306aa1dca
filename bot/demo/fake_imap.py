"""An IMAP server on loopback with one mailbox, which lives as long as the process: pymap, in memory."""

import asyncio
import logging
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Final

from proxyprotocol.sock import SocketInfoLocal
from pymap.backend.dict import Config, DictBackend, Login
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.user import Passwords, UserMetadata

# It would log every line that it gets.
logging.getLogger("pymap").setLevel(logging.CRITICAL)

USERNAME: Final = "replies@vendor.example"
PASSWORD: Final = "opens the mailbox of replies"  # noqa: S105  it protects nothing


class ReplyMailbox:
    """The mailbox that replies arrive in. Each one begins empty, with numbers of its own."""

    def __init__(self) -> None:
        args = Namespace(proxy_protocol=None, passlib_cfg=None)
        self._config = Config(
            args,
            host="127.0.0.1",
            port=0,
            tls_enabled=False,
            secure_auth=False,
            invalid_user_sleep=0.0,
            demo_data=False,
            demo_user=USERNAME,
            demo_password=PASSWORD,
        )
        self._backend = DictBackend(Login(self._config), self._config)
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._is_open = False

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[int]:
        """Listen on 127.0.0.1. Yields the port; the system chooses one for 0."""
        hashed = await Passwords(self._config).hash_password(PASSWORD)
        user = UserMetadata(self._config, USERNAME, password=hashed)
        await self._backend.login.demo_user_identity.set(user)
        server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        self._is_open = True
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            self._is_open = False
            server.close()
            self.drop()
            # One that is still at work when the loop ends would be logged as an error.
            await asyncio.gather(*self._connections)
            await server.wait_closed()

    async def deliver(self, content: bytes, *, at: datetime | None = None) -> None:
        """Put a message into the inbox."""
        message = AppendMessage(content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), at or datetime.now(UTC))
        async with self._backend.login.demo_user_identity.new_session() as session:
            await session.append_messages("INBOX", [message])

    def drop(self) -> None:
        """Break every connection."""
        for writer in self._connections.values():
            writer.transport.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_open:  # it was on its way when the server closed
            writer.transport.abort()
            return
        task = asyncio.create_task(self._talk(reader, writer))
        self._connections[task] = writer
        task.add_done_callback(self._connections.__delitem__)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await IMAPServer(self._backend.login, self._config)(reader, writer, SocketInfoLocal(writer))
