"""The page behind the unsubscribe link: GET changes nothing, POST does."""

import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import parse_qs

import structlog
from aiohttp import web

from bot.concurrency.rate_limit import Rate, TokenBucket
from bot.errors import BotError
from bot.services.mail.links import Link, Links
from bot.web.documents import HEADERS, page
from bot.web.languages import preferred_language
from bot.web.unsubscribe import pages
from bot.web.unsubscribe.texts import PAGE_TEXTS

log = structlog.get_logger()

PATH: Final = r"/u/{token:[\s\S]*}"
_IN_TOKENS: Final = re.compile(r"[A-Za-z0-9_-]+")
_MAX_BYTES: Final = 4096
"""Bytes of a form with one field."""
_ONE_CLICK: Final = b"One-Click"
"""The `List-Unsubscribe` form of a mail program, in either encoding (RFC 8058, 3.1)."""

VISITS: Final = Rate(interval=2.0, burst=30)
"""The rate limit of each link, so that requests for one link never delay those for another."""
GUESSES: Final = Rate(interval=1.0, burst=60)
"""The shared rate limit of all invalid links, so that guessing links never delays requests for valid ones."""
_MOST_LINKS: Final = 10_000
"""The most links with a rate limiter of their own. Only valid links take a place."""


class UnsubscribeHandler(Protocol):
    """What the page needs of `bot.services.dnc`, which says what each method does."""

    async def unsubscribe(self, link: Link) -> None: ...

    async def resubscribe(self, link: Link) -> None: ...


class UnsubscribePage:
    """Serves unsubscribe links; `sender` is the name under which we email."""

    def __init__(
        self,
        links: Links,
        objections: UnsubscribeHandler,
        *,
        sender: str,
        clock: Callable[[], float] = time.monotonic,
        visits: Rate = VISITS,
        guesses: Rate = GUESSES,
    ) -> None:
        self.path = PATH
        self._links = links
        self._objections = objections
        self._sender = sender
        self._visits = visits
        self._clock = clock
        self._buckets: OrderedDict[Link, TokenBucket] = OrderedDict()
        self._guesses = TokenBucket(guesses, clock=clock)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Answer GET and HEAD, which programs send on their own: with a page only."""
        link = self._links.read(_token(request))
        reader = self._reader(request, link)
        return self._turned_away(reader, link) or _page(HTTPStatus.OK, pages.ask(reader), reader)

    async def act(self, request: web.Request) -> web.StreamResponse:
        """Answer POST: unsubscribe, or undo it if the form says so."""
        link = self._links.read(_token(request))
        reader = self._reader(request, link)
        turned_away = self._turned_away(reader, link)
        if turned_away is not None or link is None:
            return turned_away or _missing(reader)
        form = await _body(request)
        wants_again = pages.AGAIN in parse_qs(form.decode("latin-1"), keep_blank_values=True)
        try:
            await (self._objections.resubscribe(link) if wants_again else self._objections.unsubscribe(link))
        except BotError as exc:
            log.warning("unsubscribe_failed", mail=link.mail_id, again=wants_again, reason=str(exc))
            return _page(HTTPStatus.SERVICE_UNAVAILABLE, pages.failed(reader), reader, retry_after=60)
        log.info("resubscribed" if wants_again else "unsubscribed", mail=link.mail_id)
        if _ONE_CLICK in form:
            return web.Response(text="Unsubscribed.\n", headers=HEADERS)
        return _page(HTTPStatus.OK, (pages.again if wants_again else pages.done)(reader), reader)

    def _reader(self, request: web.Request, link: Link | None) -> pages.Reader:
        return pages.Reader(
            language=preferred_language(request.headers.get("Accept-Language", ""), PAGE_TEXTS),
            sender=self._sender,
            address="" if link is None else link.address,
        )

    def _turned_away(self, reader: pages.Reader, link: Link | None) -> web.Response | None:
        """Return the answer to a request without a valid link, or to one that has to wait. It tells no more
        than that.
        """
        bucket = self._guesses if link is None else self._bucket(link)
        wait = bucket.wait()
        if wait > 0:
            return _page(HTTPStatus.TOO_MANY_REQUESTS, pages.busy(reader), reader, retry_after=math.ceil(wait))
        bucket.consume()
        return _missing(reader) if link is None else None

    def _bucket(self, link: Link) -> TokenBucket:
        """Return the rate limiter of a link. The one unused for longest makes room for a new one."""
        bucket = self._buckets.pop(link, None) or TokenBucket(self._visits, clock=self._clock)
        self._buckets[link] = bucket
        if len(self._buckets) > _MOST_LINKS:
            self._buckets.popitem(last=False)
        return bucket


def _token(request: web.Request) -> str:
    """Return the token in the path, without full stops, brackets or quotes that programs and people leave around a
    link.
    """
    found = _IN_TOKENS.search(request.match_info["token"])
    return found[0] if found else ""


async def _body(request: web.Request) -> bytes:
    """Return the form. HTTPRequestEntityTooLarge if it is not one of ours."""
    body = await request.read()
    if len(body) > _MAX_BYTES:
        raise web.HTTPRequestEntityTooLarge(max_size=_MAX_BYTES, actual_size=len(body), headers=HEADERS)
    return body


def _missing(reader: pages.Reader) -> web.Response:
    return _page(HTTPStatus.NOT_FOUND, pages.missing(reader), reader)


def _page(status: int, html: str, reader: pages.Reader, *, retry_after: int | None = None) -> web.Response:
    return page(status, html, language=reader.language, retry_after=retry_after)
