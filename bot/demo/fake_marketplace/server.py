"""A small Marketplace on loopback that speaks the v3 licenses report, quirks included."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from aiohttp import encode_basic_auth, web
from yarl import URL

from bot.demo.fake_marketplace.query import asked_for, bad, departures_asked_for, quotes_asked_for, shown
from bot.demo.scenario.sample_data import Record

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

DEVELOPER_ID = "3f0a1b2c-0000-4000-8000-0000000000d3"
VENDOR_ID = "1200000"
IDS = ("appEntitlementNumber", "appEntitlementId", "licenseId", "addonLicenseId")
DEFAULT_LIMIT, MAX_LIMIT = 10, 50
SPACE = "/marketplace/rest/3/reporting/developer-space/{developer}"
EXPORTS = "/marketplace/rest/3/reporting/developer-space/{developer}/licenses/async/export"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An answer instead of the real one; `cut` drops the connection in the middle of the body."""

    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An export: its rows, and the states it reports in turn, the last one forever."""

    rows: list[Record]
    words: deque[str]


@dataclass(kw_only=True)
class DemoMarketplace:
    """One vendor's report, in memory. The next requests meet the `faults` in turn; None is no fault."""

    records: list[Record] = field(default_factory=list)
    user: str = "vendor@lanternworks.example"
    token: str = "demo-token"  # noqa: S105 - opens nothing but this server
    vendor_id: str = VENDOR_ID
    developer_id: str = DEVELOPER_ID
    today: Callable[[], date] = lambda: datetime.now(UTC).date()
    feedback: list[Record] = field(default_factory=list)
    """Rows about customers who left."""
    quotes: list[Record] = field(default_factory=list)
    """Rows about accepted quotes."""
    refuses_return_reports: bool = False
    """Whether this account may not read the two."""
    faults: deque[Fault | None] = field(default_factory=deque)
    requests: list[URL] = field(default_factory=list)
    """Every requested address, oldest first."""
    around: Callable[[web.Request, Handler], Awaitable[web.StreamResponse]] | None = None
    """Called with each authorised request, and with the handler that would answer it."""
    before_page: Callable[[int], None] | None = None
    """Called with the offset before a page is built, so that rows can shift in between."""
    export_polls: int = 1
    """How often an export is polled in vain before it is ready."""
    export_ends: deque[Literal["COMPLETED", "FAILED", "LOST"]] = field(default_factory=deque)
    """How the next exports end, in turn. A lost one is unknown after its start."""
    cut_export_after: int | None = None
    """The next download breaks off after this many bytes."""
    export_indent: int | None = None
    """Exports are indented by this many blanks."""
    was_read: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once somebody has read the report to its end."""
    _exports: dict[str, Export] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Add a license to the report."""
        self.records.append(record)

    def change(self, ref: str, **fields: object) -> None:
        """Overwrite fields of the license with this id, which counts as updated today."""
        record = next(record for record in self.records if ref in (record.get(name) for name in IDS))
        record |= {**fields, "lastUpdated": self.today().isoformat()}

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[str]:
        """Listen on loopback. Yields the base address that a client puts before `/rest/3`."""
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/marketplace/rest/3/developer-space/vendor/{vendor}", self._developer)
        app.router.add_get("/marketplace/rest/3/reporting/developer-space/{developer}/licenses", self._licenses)
        app.router.add_get(SPACE + "/feedback/details", self._feedback)
        app.router.add_get(SPACE + "/quotes", self._quotes)
        app.router.add_post(EXPORTS, self._start_export)
        app.router.add_get(EXPORTS + "/{export}/status", self._export_status)
        app.router.add_get(EXPORTS + "/{export}", self._download)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", port)
            await site.start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/marketplace"
        finally:
            await runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Record the request, apply a fault, and check the account."""
        is_beside = request.path.endswith(("/feedback/details", "/quotes"))
        if not is_beside:
            self.requests.append(request.url)
        if not is_beside and self.faults and (fault := self.faults.popleft()) is not None:
            return await _misbehave(request, fault)
        if request.headers.get("Authorization") != encode_basic_auth(self.user, self.token):
            raise web.HTTPUnauthorized
        if request.match_info.get("developer", self.developer_id) != self.developer_id:
            raise web.HTTPForbidden
        if is_beside:
            return await handler(request)
        return await (handler(request) if self.around is None else self.around(request, handler))

    async def _developer(self, request: web.Request) -> web.Response:
        if request.match_info["vendor"] != self.vendor_id:
            raise web.HTTPNotFound
        return _json({"developerId": self.developer_id})

    async def _licenses(self, request: web.Request) -> web.Response:
        """Return a page of the report. A limit over 50 is clamped silently, and `totalCount` is missing, as
        in reality.
        """
        offset, limit = _integer(request, "offset", 0), _limit(request)
        if self.before_page is not None:
            self.before_page(offset)
        found = asked_for(request.query, self.records)
        links = {"self": _href(request)}
        if offset + limit < len(found):
            links["next"] = _href(request, offset=offset + limit, limit=limit)
        else:
            self.was_read.set()
        if offset > 0:
            links["prev"] = _href(request, offset=max(offset - limit, 0), limit=limit)
        return _json({"_links": links, "licenses": shown(request.query, found[offset : offset + limit])})

    async def _feedback(self, request: web.Request) -> web.Response:
        return self._beside(request, "feedback", departures_asked_for(request.query, self.feedback))

    async def _quotes(self, request: web.Request) -> web.Response:
        return self._beside(request, "quotes", quotes_asked_for(request.query, self.quotes))

    def _beside(self, request: web.Request, name: str, found: list[Record]) -> web.Response:
        """Return a page of a report beside licenses, clamped like theirs."""
        if self.refuses_return_reports:
            raise web.HTTPForbidden
        offset, limit = _integer(request, "offset", 0), _limit(request)
        links = {"self": _href(request)}
        if offset + limit < len(found):
            links["next"] = _href(request, offset=offset + limit, limit=limit)
        return _json({"_links": links, name: found[offset : offset + limit]})

    async def _start_export(self, request: web.Request) -> web.Response:
        """Start an export of the current rows. The links lack `/rest/3`, as one client has seen them."""
        if request.query.get("accept") != "json":
            raise bad("accept", "This report is written as json alone")
        rows = shown(request.query, asked_for(request.query, self.records))
        export_id = str(uuid5(NAMESPACE_URL, f"export {len(self.requests)}"))
        end = self.export_ends.popleft() if self.export_ends else "COMPLETED"
        if end != "LOST":
            ahead = ["QUEUED", *["IN_PROGRESS"] * self.export_polls][: self.export_polls]
            self._exports[export_id] = Export(rows=rows, words=deque([*ahead, end]))
        path = f"/reporting/developer-space/{self.developer_id}/licenses/async/export/{export_id}"
        links = {"self": _href(request), "status": {"href": f"{path}/status"}, "download": {"href": path}}
        return _json({"_links": links, "export": {"id": export_id}})

    async def _export_status(self, request: web.Request) -> web.Response:
        words = self._export(request).words
        status = words[0] if len(words) == 1 else words.popleft()
        return _json({"export": {"id": request.match_info["export"], "status": status}})

    async def _download(self, request: web.Request) -> web.StreamResponse:
        export = self._export(request)
        if export.words[0] != "COMPLETED":
            raise web.HTTPNotFound(text="Export is being processed")
        left, self.cut_export_after = self.cut_export_after, None
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        if left is None:  # a compressor would keep back what comes before the cut
            response.enable_compression()
        await response.prepare(request)
        for piece in _array(export.rows, self.export_indent):
            if left is not None and len(piece) > left:
                await response.write(piece[:left])
                return _cut(request, response)
            await response.write(piece)
            left = None if left is None else left - len(piece)
        self.was_read.set()
        return response

    def _export(self, request: web.Request) -> Export:
        found = self._exports.get(request.match_info["export"])
        if found is None:
            raise web.HTTPNotFound
        return found


def _integer(request: web.Request, name: str, default: int) -> int:
    written = request.query.get(name, str(default))
    if not (written.isascii() and written.isdigit()):
        raise bad(name, "Must be a valid integer")
    return int(written)


def _limit(request: web.Request) -> int:
    return max(1, min(_integer(request, "limit", DEFAULT_LIMIT), MAX_LIMIT))


def _href(request: web.Request, **changes: object) -> dict[str, str]:
    """Return a link as the Marketplace writes it: without the host, and without the part before `/rest`."""
    query = {name: str(value) for name, value in changes.items()}
    url = request.rel_url.update_query(query) if query else request.rel_url
    return {"href": str(url).removeprefix("/marketplace")}


async def _misbehave(request: web.Request, fault: Fault) -> web.StreamResponse:
    if not fault.cut:
        return web.Response(status=fault.status, headers=fault.headers, text=fault.body)
    response = web.StreamResponse(status=200, headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"licenses": [{"addonKey": "com.')
    return _cut(request, response)


def _cut(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.close()
    return response


def _json(answer: object) -> web.Response:
    return web.Response(body=_written(answer), content_type="application/json")


def _array(rows: Sequence[Record], indent: int | None) -> Iterator[bytes]:
    """Yield all rows as one JSON array, some rows a piece."""
    yield b"["
    for start in range(0, len(rows), MAX_LIMIT):
        yield (b"," if start else b"") + _written(rows[start : start + MAX_LIMIT], indent)[1:-1]
    yield b"]"


def _written(value: object, indent: int | None = None) -> bytes:
    """Return JSON as the Marketplace writes it, without unnecessary blanks."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), indent=indent)
    return text.encode(errors="backslashreplace")  # half of a surrogate pair: escaped in JSON, too
