"""The HTTP endpoints, all of them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.request.async_internals import build_async_context
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.request.internals import parse_body

from bot.errors import SettingsWrong
from bot.services.health import Health
from bot.slack.payload import tidy
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


@asynccontextmanager
async def serve(app: web.Application, *, host: str, port: int) -> AsyncIterator[int]:
    """Listen; the port, which is a free one for 0. SettingsWrong when the port cannot be had."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as exc:
            raise SettingsWrong(
                [f"HTTP_PORT {port} cannot be had at {host} ({exc.strerror}). Set HTTP_PORT to a free one."]
            ) from exc
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _health(health: Health) -> Handler:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response(await health.figures())

    return answer


def _slack(app: AsyncApp) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        response: web.StreamResponse = await to_aiohttp_response(await app.async_dispatch(await _bolt_request(request)))
        return response

    return answer


async def _bolt_request(request: web.Request) -> AsyncBoltRequest:
    """Return a request as Bolt takes it. Its signature is still to be checked: the body may be anything."""
    text = (await request.read()).decode("utf-8", "replace")
    found = AsyncBoltRequest(body="", query=request.query_string, headers=dict(request.headers))
    try:
        payload = parse_body(text, found.content_type)
    except (ValueError, RecursionError):
        payload = {}
    found.raw_body, found.body = text, tidy(payload)
    found.context = build_async_context(AsyncBoltContext({}), found.body)
    return found
