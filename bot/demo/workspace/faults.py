"""Ways in which a call can go wrong on purpose."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable

from aiohttp import web

Act = Callable[[], Awaitable[web.Response]]
Fault = Callable[[web.Request, Act], Awaitable[web.Response]]
"""Gets the request and the act itself, so it decides whether Slack acts and what the app hears of it."""


class Faults:
    """The faults that wait for the next calls of a method."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, deque[Fault]] = defaultdict(deque)

    def add(self, method: str, fault: Fault, *, times: int = 1) -> None:
        """Let the next `times` calls of the method go wrong; "response_url" is a method here too."""
        self._waiting[method].extend([fault] * times)

    def clear(self) -> None:
        """Let everything go right again."""
        self._waiting.clear()

    async def around(self, method: str, request: web.Request, act: Act) -> web.Response:
        """Do the act, with the next fault of the method around it."""
        waiting = self._waiting[method]
        return await (waiting.popleft()(request, act) if waiting else act())


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
    """Wait for something of the test's choice, then do it."""

    async def fault(_request: web.Request, act: Act) -> web.Response:
        await wait()
        return await act()

    return fault


def refuse(error: str) -> Fault:
    """Answer `ok: false` with this error."""
    return _instead(lambda: web.json_response({"ok": False, "error": error}))


def rate_limited(retry_after: int | str | None = 1) -> Fault:
    """Answer 429, with Retry-After, which may make no sense, unless it is None."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return _instead(lambda: web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers))


def server_error(status: int = 500) -> Fault:
    """Answer with a 5xx and Slack's `internal_error`."""
    return _instead(lambda: web.json_response({"ok": False, "error": "internal_error"}, status=status))


def html(status: int = 503) -> Fault:
    """Answer with a page for people, as a proxy in between does."""
    page = "<!DOCTYPE html><html><body>Service unavailable</body></html>"
    return _instead(lambda: web.Response(text=page, status=status, content_type="text/html"))


def garbled() -> Fault:
    """Answer with something that is called JSON and is not."""
    return _instead(lambda: web.Response(text='{"ok": tr', content_type="application/json"))


def _instead(answer: Callable[[], web.Response]) -> Fault:
    async def fault(_request: web.Request, _act: Act) -> web.Response:
        return answer()

    return fault


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
