"""A server of OAuth tokens, and an IMAP server that takes nothing else, as Exchange Online does."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.demo.fake_imap import PASSWORD, USERNAME
from bot.mail.inbound.oauth_token import OAuthClient

SECRET = "the secret of the application"
Answer = Callable[[], Awaitable[web.StreamResponse]]


class TokenServer:
    """Gives tokens to one application. Each token is valid until the next one, or until it expires."""

    def __init__(self) -> None:
        self.given = 0
        self.valid = ""
        self.fault: Answer | None = None
        """What the next request gets instead of a token."""

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Listen on 127.0.0.1. Yields the address of the server."""
        app = web.Application()
        app.add_routes([web.post("/token", self._give), web.post("/introspect", self._introspect)])
        async with TestServer(app, host="127.0.0.1") as server:
            yield str(server.make_url("")).rstrip("/")

    def expire(self) -> None:
        """Let the present token be valid no more."""
        self.valid = ""

    async def _give(self, request: web.Request) -> web.StreamResponse:
        if (fault := self.fault) is not None:
            self.fault = None
            return await fault()
        form = await request.post()
        asked = {"grant_type": "client_credentials", "client_id": "app", "client_secret": SECRET, "scope": "mail"}
        if dict(form) != asked:
            return web.json_response({"error": "invalid_client", "error_description": SECRET}, status=401)
        self.given += 1
        self.valid = f"token-{self.given}"
        return web.json_response({"token_type": "Bearer", "expires_in": 3599, "access_token": self.valid})

    async def _introspect(self, request: web.Request) -> web.Response:
        token = (await request.post()).get("token")
        return web.json_response({"active": bool(token) and token == self.valid, "username": USERNAME})


def application(url: str, *, secret: str = SECRET) -> OAuthClient:
    """The application whose tokens open the mailbox."""
    return OAuthClient(token_url=f"{url}/token", client_id="app", client_secret=secret, scope="mail")


@asynccontextmanager
async def only_tokens(imap_port: int, tokens: TokenServer, *, hangs_up: bool = False) -> AsyncIterator[int]:
    """Stand before an IMAP server: take XOAUTH2 with the valid token, log in with the password, and pass on the rest.

    It may hang up instead of taking a token. Yields the port.
    """

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", imap_port)
            try:
                await server_reader.readline()
                writer.write(b"* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 IDLE] ready\r\n")
                if await _authenticated(reader, writer, None if hangs_up else tokens):
                    server_writer.write(f'a LOGIN "{USERNAME}" "{PASSWORD}"\r\n'.encode())
                    await server_reader.readline()
                    await asyncio.gather(_pass_on(reader, server_writer), _pass_on(server_reader, writer))
            finally:
                server_writer.close()
                writer.close()

    talks = set[asyncio.Task[None]]()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(talk(reader, writer))
        talks.add(task)
        task.add_done_callback(talks.discard)

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        for task in list(talks):
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def _authenticated(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tokens: TokenServer | None
) -> bool:
    """Answer until somebody is logged in, or has gone."""
    while line := (await reader.readline()).decode():
        tag, command, *_ = [*line.split(), "", ""]
        if command == "CAPABILITY":
            writer.write(f"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2 IDLE\r\n{tag} OK done\r\n".encode())
        elif command == "AUTHENTICATE" and tokens is None:
            return False
        elif command == "AUTHENTICATE" and tokens is not None:
            writer.write(b"+ \r\n")
            given = base64.b64decode(await reader.readline()).decode()
            found = re.fullmatch(r"user=(.*)\x01auth=Bearer (.*)\x01\x01", given)
            if found and found.groups() == (USERNAME, tokens.valid) and tokens.valid:
                writer.write(f"{tag} OK AUTHENTICATE completed.\r\n".encode())
                return True
            writer.write(f"{tag} NO AUTHENTICATE failed.\r\n".encode())
        elif command == "LOGOUT":
            writer.write(f"* BYE\r\n{tag} OK done\r\n".encode())
        else:
            writer.write(f"{tag} NO LOGIN failed.\r\n".encode())
    return False


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while found := await reader.read(65_536):
        writer.write(found)
        await writer.drain()
    writer.close()
