"""What becomes of a call that gets no answer of Slack's, against real servers on loopback."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import SlackError, SlackOutcomeUnknown, SlackUnavailable
from bot.slack.client.socket_hello import app_of_hello
from bot.slack.client.web_api import BoundedResponse
from bot.slack.client.web_client import SlackClient
from tests.mail.conftest import Tls


@asynccontextmanager
async def _server(reply: bytes, *, encrypted: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that answers everything with these bytes; gives its port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0, ssl=encrypted) as server:
        yield server.sockets[0].getsockname()[1]


async def _failure(url: str, *, patience: float = 5, **options: Any) -> SlackError:  # noqa: ANN401  of the client
    limit = aiohttp.ClientTimeout(total=patience)
    async with aiohttp.ClientSession(timeout=limit, response_class=BoundedResponse) as session:
        client = AsyncWebClient(token="xoxb-1", base_url=url, session=session, retry_handlers=[], **options)
        with pytest.raises(SlackError) as caught:
            await SlackClient(client).identity()
    return caught.value


async def test_a_certificate_that_is_not_trusted_is_named_with_its_host(tls: Tls) -> None:
    async with _server(b"", encrypted=tls.server) as port:
        error = await _failure(f"https://127.0.0.1:{port}/api/")
    assert isinstance(error, SlackUnavailable)
    assert str(error).startswith("The certificate of 127.0.0.1 is not trusted. If a proxy looks into the traffic")


async def test_a_proxy_that_is_not_there_is_named_and_not_slack() -> None:
    async with _server(b"") as port:
        pass
    error = await _failure("https://slack.test/api/", proxy=f"http://127.0.0.1:{port}")
    assert isinstance(error, SlackUnavailable)
    assert str(error).startswith(f"Cannot reach the proxy 127.0.0.1:{port}. Check HTTPS_PROXY")


@pytest.mark.parametrize("url", ["https://slack.test/api/", "http://slack.test/api/"])
async def test_a_proxy_that_wants_a_login_is_named_and_not_slack(url: str) -> None:
    reply = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    async with _server(reply) as port:
        error = await _failure(url, proxy=f"http://127.0.0.1:{port}")
    assert isinstance(error, SlackUnavailable)
    assert str(error).startswith("The proxy refuses the connection to Slack (407). Check HTTPS_PROXY")


async def test_silence_is_later_and_may_have_been_taken() -> None:
    release = asyncio.Event()

    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        error = await _failure(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", patience=0.2)
        release.set()
    assert isinstance(error, SlackOutcomeUnknown)
    assert str(error).startswith("Slack did not answer in time. Try again later")


@pytest.mark.parametrize(
    ("frame", "app_id"),
    [
        ('{"type": "hello", "connection_info": {"app_id": "A0DEMO"}}', "A0DEMO"),
        ('{"type": "hello"}', None),
        ('{"type": "hello", "connection_info": null}', None),
        ('{"type": "hello", "connection_info": {"app_id": 7}}', None),
        ("[]", None),
        ("hello", None),
        ("[" * 100_000, None),
        (b"hello", None),
        (None, None),
    ],
)
def test_the_app_is_read_from_hello_or_not_at_all(frame: object, app_id: str | None) -> None:
    assert app_of_hello(frame) == app_id
