"""The feedback page: GET changes nothing and is not counted, POST sends an answer."""

import re
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

import structlog
from aiohttp import web

from bot.concurrency.rate_limit import Rate, TokenBucket
from bot.domain.feedback import LONGEST_TEXT, FeedbackRefused
from bot.errors import BotError
from bot.services.inbound.feedback import FeedbackDesk, OpenLink
from bot.web.documents import HEADERS, page
from bot.web.feedback import pages
from bot.web.languages import preferred_language

log = structlog.get_logger()

PATH: Final = r"/f/{token:[\s\S]*}"
_IN_TOKENS: Final = re.compile(r"[A-Za-z0-9_-]+")
_MAX_BYTES: Final = 16 * 1024
"""Bytes of the form: a long text, percent-encoded."""
REQUESTS: Final = Rate(interval=0.2, burst=300)
"""The rate limit of the whole page; the store limits each link."""
_TRY_AGAIN_S: Final = 60


class FeedbackPage:
    """Serves the links in emails; `sender` is the name under which we email."""

    def __init__(
        self, desk: FeedbackDesk, *, sender: str, clock: Callable[[], float] = time.monotonic, requests: Rate = REQUESTS
    ) -> None:
        self.path = PATH
        self._desk = desk
        self._sender = sender
        self._requests = TokenBucket(requests, clock=clock)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Answer GET and HEAD, which programs send on their own: with the question."""
        link, reader = await self._open(request)
        return _missing(reader) if link is None else _page(HTTPStatus.OK, pages.ask(reader), reader)

    async def act(self, request: web.Request) -> web.StreamResponse:
        """Answer POST: pass on what was written."""
        link, reader = await self._open(request)
        if link is None:
            return _missing(reader)
        form = await _form(request)
        if form.get(pages.BAIT, "").strip():
            return _page(HTTPStatus.OK, pages.done(reader), reader)
        if not form.get(pages.TEXT, "").strip():
            return _page(HTTPStatus.BAD_REQUEST, pages.ask(reader, is_empty=True), reader)
        try:
            taken = await self._desk.take_from_link(
                link, form[pages.TEXT][:LONGEST_TEXT], may_reply=pages.MAY_REPLY in form, language=reader.language
            )
        except BotError as exc:
            log.warning("feedback_failed", mail=link.mail_id, reason=str(exc))
            return _page(HTTPStatus.SERVICE_UNAVAILABLE, pages.failed(reader), reader, retry_after=_TRY_AGAIN_S)
        if isinstance(taken, FeedbackRefused):
            return _page(HTTPStatus.TOO_MANY_REQUESTS, pages.busy(reader), reader)
        log.info("feedback_received", source="link", mail=link.mail_id)
        return _page(HTTPStatus.OK, pages.done(reader), reader)

    async def _open(self, request: web.Request) -> tuple[OpenLink | None, pages.Reader]:
        """Return what the link is about, and who reads. Raises HTTPTooManyRequests if there are too many requests."""
        language = preferred_language(request.headers.get("Accept-Language", ""), pages.PAGE_TEXTS)
        reader = pages.Reader(language=language, sender=self._sender)
        if self._requests.wait() > 0:
            raise web.HTTPTooManyRequests(headers={**HEADERS, "Retry-After": "1"})
        self._requests.consume()
        found = _IN_TOKENS.search(request.match_info["token"])
        try:
            link = await self._desk.open_link(found[0] if found else "")
        except BotError as exc:
            log.warning("feedback_failed", reason=str(exc))
            headers = {**HEADERS, "Retry-After": str(_TRY_AGAIN_S)}
            raise web.HTTPServiceUnavailable(
                text=pages.failed(reader), content_type="text/html", headers=headers
            ) from exc
        if link is None:
            return None, reader
        about = pages.Reader(language=language, sender=self._sender, app=link.app_name, address=link.address)
        return link, about


async def _form(request: web.Request) -> dict[str, str]:
    """Return the first value of each field. HTTPRequestEntityTooLarge if it is not a form of ours."""
    body = await request.read()
    if len(body) > _MAX_BYTES:
        raise web.HTTPRequestEntityTooLarge(max_size=_MAX_BYTES, actual_size=len(body), headers=HEADERS)
    fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=20)
    return {name: values[0] for name, values in fields.items()}


def _missing(reader: pages.Reader) -> web.Response:
    return _page(HTTPStatus.NOT_FOUND, pages.missing(reader), reader)


def _page(status: int, html: str, reader: pages.Reader, *, retry_after: int | None = None) -> web.Response:
    return page(status, html, language=reader.language, retry_after=retry_after)
