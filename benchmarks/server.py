"""A Marketplace for measuring: one vendor's report, rendered in advance, in a process of its own.

`http://127.0.0.1:PORT/ROWS` is the API of a vendor with this many licenses. `PUT /changed/FIRST/COUNT` says which of
them change today, at first none, and `PUT /touched/ROWS/TIME` that all licenses of the vendor with this many are
touched. It listens until its standard input ends.
"""

import asyncio
import json
import sys
from array import array
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import uuid4

from aiohttp import web

from benchmarks.vendor import TODAY, changed, row, touched
from bot.demo.scenario.sample_data import Record

DEVELOPER_ID: Final = "3f0a1b2c-0000-4000-8000-0000000000be"
_LIMIT: Final = 50
_CHUNK: Final = 1 << 18
_AT_ONCE: Final = 1_000
_LATELY: Final = (TODAY - timedelta(days=14)).isoformat()
"""The earliest day that a query about the last days may name."""


class Report:
    """The rows as bytes, ready to send, and the few that a query about the last days can find."""

    def __init__(self, rows: int) -> None:
        self._text = bytearray(b"[")
        self._ends = array("Q", [1])
        self._began_lately: list[tuple[int, Record]] = []
        self._changed: list[Record] = []
        self._touched: tuple[int, bytes] = (0, b"[")
        with ProcessPoolExecutor() as pool:
            for rendered in pool.map(_rendered, range(0, rows, _AT_ONCE)):
                for text in rendered:
                    self._add(text)

    def _add(self, text: bytes) -> None:
        number = len(self._ends) - 1
        self._text += text if number == 0 else b"," + text
        self._ends.append(len(self._text))
        record = json.loads(text)
        if record["maintenanceStartDate"] >= _LATELY:
            self._began_lately.append((number, record))

    def change(self, numbers: range) -> None:
        """Change these licenses, and reset all others."""
        self._changed = [changed(number) for number in numbers]

    def touch(self, rows: int, time: int) -> None:
        """Touch all licenses of the vendor with this many, for the first or a later time."""
        # Not in other processes: a fork would inherit the lock of the thread that reads the standard input.
        rendered = (_json(touched(number, time)) for number in range(rows))
        self._touched = rows, b"[" + b",".join(rendered)

    def complete(self, rows: int) -> Iterator[memoryview]:
        """Yield the first rows as one JSON array, in pieces."""
        touched_rows, touched_text = self._touched
        text = memoryview(touched_text) if rows == touched_rows else memoryview(self._text)[: self._ends[rows]]
        yield from (text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK))
        yield memoryview(b"]")

    def page(self, rows: int, offset: int) -> bytes:
        """Return a page of rows, separated by commas."""
        first, end = min(offset, rows), min(offset + _LIMIT, rows)
        return bytes(self._text[self._ends[first] : self._ends[end]]).removeprefix(b",")

    def lately(self, rows: int, *, updated: str, began: str, evaluations: bool) -> list[Record]:
        """Return the rows updated and started on or after these days; an empty day matches any."""
        return [
            record
            for record in [record for number, record in self._began_lately if number < rows] + self._changed
            if record["lastUpdated"] >= updated
            and record["maintenanceStartDate"] >= began
            and (record["licenseType"] == "EVALUATION" or not evaluations)
        ]


class Server:
    """The part of the API that the bot uses."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def app(self) -> web.Application:
        """The routes."""
        app = web.Application()
        licenses = f"/{{rows:\\d+}}/rest/3/reporting/developer-space/{DEVELOPER_ID}/licenses"
        app.router.add_get(licenses, self._page)
        app.router.add_get(f"{licenses}/export", self._download)
        app.router.add_post(f"{licenses}/async/export", self._export)
        app.router.add_get(f"{licenses}/async/export/{{id}}/status", self._status)
        app.router.add_get(f"{licenses}/async/export/{{id}}", self._download)
        app.router.add_put("/changed/{first:\\d+}/{count:\\d+}", self._change)
        app.router.add_put("/touched/{rows:\\d+}/{time:\\d+}", self._touch)
        return app

    async def _change(self, request: web.Request) -> web.Response:
        first, count = int(request.match_info["first"]), int(request.match_info["count"])
        self._report.change(range(first, first + count))
        return web.Response()

    async def _touch(self, request: web.Request) -> web.Response:
        self._report.touch(int(request.match_info["rows"]), int(request.match_info["time"]))
        return web.Response()

    async def _page(self, request: web.Request) -> web.Response:
        query, rows = request.query, int(request.match_info["rows"])
        offset, updated, began = int(query.get("offset", "0")), query.get("lastUpdated", ""), query.get("startDate", "")
        if updated or began:
            if max(updated, began) < _LATELY:
                raise web.HTTPBadRequest(text=f"This server remembers what happened since {_LATELY}, or everything.")
            evaluations = "evaluation" in query.getall("licenseType", [])
            found = self._report.lately(rows, updated=updated, began=began, evaluations=evaluations)
            rows, body = len(found), json.dumps(found[offset : offset + _LIMIT])[1:-1].encode()
        else:
            body = self._report.page(rows, offset)
        links = {"next": {"href": request.path}} if offset + _LIMIT < rows else {}
        text = b'{"_links":' + json.dumps(links).encode() + b',"licenses":[' + body + b"]}"
        return web.Response(body=text, content_type="application/json")

    async def _export(self, _request: web.Request) -> web.Response:
        return web.json_response({"_links": {}, "export": {"id": str(uuid4()), "status": "QUEUED"}}, status=202)

    async def _status(self, request: web.Request) -> web.Response:
        return web.json_response({"_links": {}, "export": {"id": request.match_info["id"], "status": "COMPLETED"}})

    async def _download(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        with suppress(ConnectionError):  # who measures may end in the middle
            for piece in self._report.complete(int(request.match_info["rows"])):
                await response.write(piece)
        return response


def _rendered(first: int) -> list[bytes]:
    """Render a thousand rows as the report sends them."""
    return [_json(row(number)) for number in range(first, first + _AT_ONCE)]


def _json(record: Record) -> bytes:
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()


async def _serve(rows: int) -> None:
    runner = web.AppRunner(Server(Report(rows)).app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"http://127.0.0.1:{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
