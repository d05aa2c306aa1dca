"""A small Marketplace on loopback that speaks the v3 licenses report, quirks included."""

import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from aiohttp import encode_basic_auth, web
from yarl import URL

from bot.demo.cast import Record

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

DEVELOPER_ID = "3f0a1b2c-0000-4000-8000-0000000000d3"
VENDOR_ID = "1200000"
IDS = ("appEntitlementNumber", "appEntitlementId", "licenseId", "addonLicenseId")
INSIGHTS = (
    "attribution",
    "evaluationOpportunitySize",
    "evaluationLicense",
    "daysToConvertEval",
    "evaluationStartDate",
    "evaluationEndDate",
    "evaluationSaleDate",
    "parentProductName",
    "parentProductEdition",
    "parentProductBillingCycle",
    "installedOnSandbox",
)
"""Fields that come only with `withDataInsights=true`."""
LICENSE_TYPES = (
    "academic commercial demonstration evaluation net_new_evaluation upgrade_evaluation open_source starter free "
    "classroom legacy_free"
).split()
DEFAULT_LIMIT, MAX_LIMIT = 10, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An answer that takes the place of the real one; `cut` drops the connection in the middle of the body."""

    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    cut: bool = False


@dataclass(kw_only=True)
class DemoMarketplace:
    """One vendor's report, held in memory; the next requests meet the `faults` in turn, None being none."""

    records: list[Record] = field(default_factory=list)
    user: str = "vendor@lanternworks.example"
    token: str = "demo-token"  # noqa: S105 - opens nothing but this server
    vendor_id: str = VENDOR_ID
    developer_id: str = DEVELOPER_ID
    today: Callable[[], date] = lambda: datetime.now(UTC).date()
    faults: deque[Fault | None] = field(default_factory=deque)
    requests: list[URL] = field(default_factory=list)
    """Every address that was asked for, oldest first."""

    def add(self, record: Record) -> None:
        """Let a license appear in the report."""
        self.records.append(record)

    def change(self, ref: str, **fields: object) -> None:
        """Overwrite fields of the license with this id, which counts as updated today."""
        record = next(record for record in self.records if ref in (record.get(name) for name in IDS))
        record |= {**fields, "lastUpdated": self.today().isoformat()}

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[str]:
        """Listen on loopback; gives the base address that a client puts before `/rest/3`."""
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/marketplace/rest/3/developer-space/vendor/{vendor}", self._developer)
        app.router.add_get("/marketplace/rest/3/product-listing/developer-space/{developer}", self._products)
        app.router.add_get("/marketplace/rest/3/reporting/developer-space/{developer}/licenses", self._licenses)
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
        """Count the request, let a fault have it, and ask who it is."""
        self.requests.append(request.url)
        if self.faults and (fault := self.faults.popleft()) is not None:
            return await _misbehave(request, fault)
        if request.headers.get("Authorization") != encode_basic_auth(self.user, self.token):
            raise web.HTTPUnauthorized
        if request.match_info.get("developer", self.developer_id) != self.developer_id:
            raise web.HTTPForbidden
        return await handler(request)

    async def _developer(self, request: web.Request) -> web.Response:
        if request.match_info["vendor"] != self.vendor_id:
            raise web.HTTPNotFound
        return web.json_response({"developerId": self.developer_id})

    async def _products(self, request: web.Request) -> web.Response:
        """The apps of all records; the cursor is the id of the last app that was shown."""
        apps = {record["productId"]: record for record in self.records}
        ids = sorted(apps)
        cursor = request.query.get("cursor", "")
        rest = [product for product in ids if product > cursor]
        page = rest[: _limit(request)]
        items = [
            {"productId": product, "appKey": apps[product]["addonKey"], "appName": apps[product]["addonName"]}
            for product in page
        ]
        links = {"next": _href(request, cursor=page[-1])["href"]} if len(page) < len(rest) else {}
        return web.json_response({"items": items, "links": links})

    async def _licenses(self, request: web.Request) -> web.Response:
        """A page of the report. A limit over 50 is clamped without a word; `totalCount` does not come, as in life."""
        found = [record for record in self.records if all(test(record) for test in _filters(request))]
        offset, limit = _whole(request, "offset", 0), _limit(request)
        links = {"self": _href(request)}
        if offset + limit < len(found):
            links["next"] = _href(request, offset=offset + limit, limit=limit)
        if offset > 0:
            links["prev"] = _href(request, offset=max(offset - limit, 0), limit=limit)
        page = found[offset : offset + limit]
        if request.query.get("withDataInsights") != "true":
            page = [{name: value for name, value in record.items() if name not in INSIGHTS} for record in page]
        return web.json_response({"_links": links, "licenses": page})


def _filters(request: web.Request) -> Iterable[Callable[[Record], bool]]:
    """What a record must pass; values are checked here, and a bad one is answered with 400."""
    query = request.query
    since, start, end = (_day(request, name) for name in ("lastUpdated", "startDate", "endDate"))
    if query.get("dateType", "start") not in {"start", "end"}:
        raise _bad("dateType", "Must be one of start, end")
    asked = set(query.getall("licenseType", []))
    if not asked <= set(LICENSE_TYPES):
        raise _bad("licenseType", f"Must be one of {', '.join(LICENSE_TYPES)}")
    types, products = {name.upper() for name in asked}, set(query.getall("productId", []))
    # "end" really asks whether the maintenance period overlaps the window.
    latest = "maintenanceEndDate" if query.get("dateType") == "end" else "maintenanceStartDate"
    return [
        lambda record: record["lastUpdated"] >= since,
        lambda record: record.get(latest, "") >= start,
        lambda record: not end or record["maintenanceStartDate"] <= end,
        lambda record: not types or record["licenseType"] in types,
        lambda record: not products or record["productId"] in products,
    ]


def _day(request: web.Request, name: str) -> str:
    """A day as written, which compares like a date; empty without one."""
    written = request.query.get(name, "")
    try:
        return date.fromisoformat(written).isoformat() if written else ""
    except ValueError as exc:
        raise _bad(name, "Must be a date") from exc


def _whole(request: web.Request, name: str, default: int) -> int:
    written = request.query.get(name, str(default))
    if not (written.isascii() and written.isdigit()):
        raise _bad(name, "Must be a valid integer")
    return int(written)


def _limit(request: web.Request) -> int:
    return max(1, min(_whole(request, "limit", DEFAULT_LIMIT), MAX_LIMIT))


def _bad(name: str, message: str) -> web.HTTPBadRequest:
    text = json.dumps({"errors": [{"path": name, "message": message}]})
    return web.HTTPBadRequest(text=text, content_type="application/json")


def _href(request: web.Request, **changes: object) -> dict[str, str]:
    """A link as the Marketplace writes it: without the host, and without the part before `/rest`."""
    query = {name: str(value) for name, value in changes.items()}
    url = request.rel_url.update_query(query) if query else request.rel_url
    return {"href": str(url).removeprefix("/marketplace")}


async def _misbehave(request: web.Request, fault: Fault) -> web.StreamResponse:
    if not fault.cut:
        return web.Response(status=fault.status, headers=fault.headers, text=fault.body)
    response = web.StreamResponse(status=200, headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"licenses": [{"addonKey": "com.')
    if request.transport is not None:
        request.transport.close()
    return response
