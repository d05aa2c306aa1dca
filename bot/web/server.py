"""The HTTP endpoints, all of them."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Final

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

from bot.errors import SettingsWrong
from bot.services.health import Health
from bot.web import inbound, unsubscribe
from bot.web.inbound import Bounces
from bot.web.unsubscribe import Unsubscribe

_LARGEST: Final = 1_000_000
"""Bytes of a request; a larger one is answered with 413."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def endpoints(
    health: Health, *, slack: AsyncApp | None, unsubscribing: Unsubscribe | None = None, bounces: Bounces | None = None
) -> web.Application:
    """`/health` for whoever watches; the others where they have somebody to come to them.

    `/slack/events` is for signed requests of Slack, instead of a socket; `/u/…` for the links in our mails; `/bounces`
    for what comes back from them.
    """
    app = web.Application(client_max_size=_LARGEST)
    app.router.add_get("/health", _health(health))
    if slack is not None:
        app.router.add_post("/slack/events", _slack(slack))
    if unsubscribing is not None:
        app.router.add_get(unsubscribe.PATH, unsubscribing.show)
        app.router.add_post(unsubscribe.PATH, unsubscribing.act)
    if bounces is not None:
        app.router.add_post(inbound.PATH, bounces.take)
    return app


@contextmanager
def listening(*, host: str, port: int) -> Iterator[Sequence[socket.socket]]:
    """Take the port, a free one for 0; who comes early waits for `serve`. SettingsWrong when it cannot be had."""
    with ExitStack() as stack:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            places = dict.fromkeys((family, address) for family, _, _, _, address in found)
            sockets = [
                stack.enter_context(socket.create_server(address[:2], family=family)) for family, address in places
            ]
        except OSError as exc:
            raise SettingsWrong(
                [f"HTTP_PORT {port} cannot be had at {host} ({exc.strerror}). Set HTTP_PORT to a free one."]
            ) from exc
        yield sockets


@asynccontextmanager
async def serve(app: web.Application, sockets: Sequence[socket.socket]) -> AsyncIterator[int]:
    """Answer who comes to sockets that listen; their port."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
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


def _slack(app: AsyncApp) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        response: web.StreamResponse = await to_aiohttp_response(
            await app.async_dispatch(await to_bolt_request(request))
        )
        return response

    return answer
