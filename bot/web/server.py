"""All HTTP endpoints."""

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Final, Protocol

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from bot.errors import SettingsWrong
from bot.services.operations.health import Health
from bot.services.operations.probes import Probes
from bot.web import metrics as metrics_endpoint
from bot.web.feedback.endpoints import FeedbackEndpoints
from bot.web.inbound.doors import Door
from bot.web.inbound.unsigned_requests import UnsignedRequests
from bot.web.metrics import MetricsEndpoint
from bot.web.probes import LIVE, READY, ProbeEndpoints

_MAX_BYTES: Final = 1_000_000
"""Bytes of a request; a larger one gets 413."""
_LARGEST_FIELD: Final = 32 * 1024
"""The limit for a header field or the request line, in bytes. Proxies add cookies and certificates."""
_HEAD_TIMEOUT_S: Final = 75.0
"""Seconds until a request head must be complete, from its first byte or from the previous request. This is longer than
proxies keep an idle connection for reuse (60 seconds), or they would use one that is just being closed.
"""
_BODY_TIMEOUT_S: Final = 10.0
"""Seconds until a request body must be complete. Slack waits for three."""
_LINGERING_S: Final = 2.0

_HTTP_LOG: Final = logging.getLogger("aiohttp.server")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LinkedPage(Protocol):
    """The page behind a link in an email: GET changes nothing."""

    path: str

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Answer GET and HEAD."""

    async def act(self, request: web.Request) -> web.StreamResponse:
        """Answer POST."""


def endpoints(
    health: Health,
    probes: Probes,
    *,
    metrics: MetricsEndpoint | None = None,
    pages: Iterable[LinkedPage] = (),
    feedback: FeedbackEndpoints | None = None,
    doors: Iterable[Door] = (),
) -> web.Application:
    """Return the application: `/health`, `/livez`, `/readyz`, and the other endpoints if they are set up.

    `/metrics` shows figures for Prometheus; `pages` serve the links in our emails; `feedback` is for the vendor's apps;
    `doors` take what Slack, mail servers and apps send.
    """
    app = web.Application(client_max_size=_MAX_BYTES, middlewares=[_with_body])
    app.router.add_get("/health", _health(health))
    probe = ProbeEndpoints(probes)
    app.router.add_get(LIVE, probe.live)
    app.router.add_get(READY, probe.ready)
    if metrics is not None:
        app.router.add_get(metrics_endpoint.PATH, metrics.show)
    for page in pages:
        app.router.add_get(page.path, page.show)
        app.router.add_post(page.path, page.act)
    if feedback is not None:
        app.router.add_routes(feedback.routes())
        for requests in feedback.verified:
            app.on_cleanup.append(_finishing(requests.unsigned, requests.path))
    for door in doors:
        app.router.add_post(door.path, door.take)
        app.on_cleanup.append(_finishing(door.unsigned, door.path))
    return app


@contextmanager
def listening(*, host: str, port: int, setting: str = "HTTP_PORT") -> Iterator[Sequence[socket.socket]]:
    """Open the port, or a free one for 0. Early connections wait for `serve`. Raises SettingsWrong, which names the
    setting, if it cannot be opened.
    """
    with ExitStack() as stack:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            places = dict.fromkeys((family, address) for family, _, _, _, address in found)
            sockets = [
                stack.enter_context(socket.create_server(address[:2], family=family)) for family, address in places
            ]
        except OSError as exc:
            raise SettingsWrong([_why_not(host, port, setting, exc)]) from exc
        yield sockets


def _why_not(host: str, port: int, setting: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is already in use. Set {setting} to another one."
    if error.errno == errno.EACCES:
        return f"This user may not open port {port}. Set {setting} to one above 1023."
    return f"HTTP_HOST {host} isn't an address of this machine. Set it to 127.0.0.1 or 0.0.0.0."


@asynccontextmanager
async def serve(
    app: web.Application, sockets: Sequence[socket.socket], *, head_timeout: float = _HEAD_TIMEOUT_S
) -> AsyncIterator[int]:
    """Answer requests on listening sockets, and yield their port.

    A connection is closed after `head_timeout` seconds without a complete request.
    """
    _HTTP_LOG.addFilter(_without_request)
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=1,
        keepalive_timeout=head_timeout,
        lingering_time=_LINGERING_S,
        max_line_size=_LARGEST_FIELD,
        max_field_size=_LARGEST_FIELD,
    )
    await runner.setup()
    try:
        for each in sockets:
            await web.SockSite(runner, each).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _health(health: Health) -> Handler:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response(await health.figures())

    return answer


@web.middleware
async def _with_body(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Read the body before calling the handler, so that a slow body cannot hold a request open."""
    try:
        async with asyncio.timeout(_BODY_TIMEOUT_S):
            await request.read()
    except TimeoutError:
        return web.Response(status=HTTPStatus.REQUEST_TIMEOUT)
    except (web.RequestPayloadError, ConnectionError):  # it is broken, or they hung up
        return web.Response(status=HTTPStatus.BAD_REQUEST)
    return await handler(request)


def _finishing(unsigned: UnsignedRequests, path: str) -> Callable[[web.Application], Awaitable[None]]:
    async def finish(_app: web.Application) -> None:
        unsigned.finish(path)

    return finish


def _without_request(record: logging.LogRecord) -> bool:
    """Remove the error from the log record of an unreadable request, because it quotes the invalid line."""
    if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
        record.exc_info, record.levelno, record.levelname = None, logging.WARNING, "WARNING"
    return True
