"""Ways in which a call can go wrong on purpose."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web

Act = Callable[[], Awaitable[web.Response]]
Fault = Callable[[web.Request, Act], Awaitable[web.StreamResponse]]
"""Gets the request and the act itself, so it decides whether Slack acts and what the app learns."""


class Faults:
    """The faults for the next calls of each method."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._always: Fault | None = None

    def add(self, method: str, fault: Fault, *, times: int = 1) -> None:
        """Let the next `times` calls of the method go wrong; "response_url" is a method here too."""
        self._waiting[method].extend([fault] * times)

    def always(self, fault: Fault) -> None:
        """Let every call of every method go wrong, until all is cleared."""
        self._always = fault

    def clear(self) -> None:
        """Let everything go right again."""
        self._waiting.clear()
        self._always = None

    async def around(self, method: str, request: web.Request, act: Act) -> web.StreamResponse:
        """Do the act, with the next fault of the method around it."""
        waiting = self._waiting[method]
        fault = waiting.popleft() if waiting else self._always
        return await (act() if fault is None else fault(request, act))


def cut_before() -> Fault:
    """Break the connection; nothing was done."""

    async def fault(request: web.Request, _act: Act) -> web.Response:
        return _cut(request)

    return fault


def cut_after() -> Fault:
    """Do it, then break the connection."""

    async def fault(request: web.Request, act: Act) -> web.Response:
        await act()
        return _cut(request)

    return fault


def late(wait: Callable[[], Awaitable[object]]) -> Fault:
    """Break the connection, and do it all the same after something of the test's choice."""
    under_way: set[asyncio.Task[None]] = set()

    async def later(act: Act) -> None:
        await wait()
        await act()

    async def fault(request: web.Request, act: Act) -> web.Response:
        task = asyncio.create_task(later(act))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        return _cut(request)

    return fault


def hang_after() -> Fault:
    """Do it, then never answer: the app runs into its own timeout."""

    async def fault(_request: web.Request, act: Act) -> web.Response:
        response = await act()
        await asyncio.Event().wait()  # until the app hangs up, which cancels this handler
        return response

    return fault


def slow(wait: Callable[[], Awaitable[object]]) -> Fault:
    """Wait for the given function, then act."""

    async def fault(_request: web.Request, act: Act) -> web.Response:
        await wait()
        return await act()

    return fault


def hang() -> Fault:
    """Do nothing and never answer."""

    async def fault(_request: web.Request, _act: Act) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    return fault


def refuse(error: str, **details: object) -> Fault:
    """Answer `ok: false` with this error, and what else there is beside it, such as `needed`."""
    return _instead(lambda: web.json_response({"ok": False, "error": error, **details}))


def rate_limited(retry_after: int | str | None = 1) -> Fault:
    """Answer 429 with Retry-After, which may make no sense; None leaves it out."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return _instead(lambda: web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers))


def server_error(status: int = 500) -> Fault:
    """Answer with a 5xx and Slack's `internal_error`."""
    return _instead(lambda: web.json_response({"ok": False, "error": "internal_error"}, status=status))


def html(status: int = 503) -> Fault:
    """Answer with an HTML page, as a proxy in between does."""
    page = "<!DOCTYPE html><html><body>Service unavailable</body></html>"
    return _instead(lambda: web.Response(text=page, status=status, content_type="text/html"))


def garbled() -> Fault:
    """Answer with something that is called JSON and is not."""
    return body(b'{"ok": tr')


def body(content: bytes, *, kind: str = "application/json", status: int = 200) -> Fault:
    """Answer with these bytes, whatever they are."""
    return _instead(lambda: web.Response(body=content, content_type=kind, status=status))


def redirect(location: str) -> Fault:
    """Send the app elsewhere, as a sign-in page does."""
    return _instead(lambda: web.Response(status=302, headers={"Location": location}))


def endless(piece: bytes) -> Fault:
    """Answer with more and more, until the app hangs up."""

    async def fault(request: web.Request, _act: Act) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(piece)
        return response

    return fault


def cut_in_the_middle() -> Fault:
    """Answer with the first half, then break the connection."""

    async def fault(request: web.Request, _act: Act) -> web.StreamResponse:
        headers = {"Content-Type": "application/json", "Content-Length": "1000"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await response.write(b'{"ok": true, "user_id"')
        return _cut(request)

    return fault


def _instead(answer: Callable[[], web.Response]) -> Fault:
    async def fault(_request: web.Request, _act: Act) -> web.Response:
        return answer()

    return fault


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
