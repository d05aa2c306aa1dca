"""The asynchronous export: the Marketplace prepares the full report, then it is downloaded in one go.

https://developer.atlassian.com/platform/marketplace/rest/v4/api-group-reporting/ (licenses, async export)
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from itertools import chain, repeat
from typing import Final

from bot.errors import ExportFailed, RequestRefused
from bot.marketplace.http import INSIGHTS, MarketplaceHttp
from bot.marketplace.json_stream import JsonArrayStream
from bot.marketplace.responses import NotFound, Row, StreamCut, read_export_id, read_export_status

PATIENCE: Final = 900.0
"""Seconds that one export may take, all pauses together."""
PAUSE: Final = 5.0
"""Seconds between two polls; the first two are shorter, because a small export takes less than two seconds."""
STARTS: Final = 3
"""Exports to start if the Marketplace forgets the one before."""
DOWNLOADS: Final = 5
"""Attempts at one download: it may still be `being processed`, or break off."""

_JSON: Final = (("accept", "json"),)
_ADVICE: Final = "If this lasts for days, ask Atlassian's developer support."


class Export:
    """One export, from its start to its last row. ExportFailed if there is none."""

    def __init__(
        self,
        access: MarketplaceHttp,
        report: Callable[[], Awaitable[str]],
        *,
        sleep: Callable[[float], Awaitable[object]],
        patience: float,
    ) -> None:
        self._access = access
        self._report = report
        self._sleep = sleep
        self._patience = patience
        self._pauses = chain((1.0, 2.0), repeat(PAUSE))

    async def rows(self) -> AsyncGenerator[list[Row]]:
        """Yield the rows as they arrive, some at a time; from the first one again if the download breaks off."""
        exports = f"{await self._report()}/async/export"
        try:
            for _ in range(STARTS):
                export = f"{exports}/{await self._started(exports)}"
                try:
                    await self._completed(export)
                    async with aclosing(self._downloaded(export)) as portions:
                        async for rows in portions:
                            yield rows
                except NotFound:
                    continue
                return
        except (StreamCut, RequestRefused) as exc:
            raise ExportFailed(f"There is no export: {exc}") from exc
        raise ExportFailed(f"The Marketplace lost {STARTS} exports of the report, one after the other. {_ADVICE}")

    async def _started(self, exports: str) -> str:
        """Start an export and return its id."""
        try:
            answer = await self._access.post(exports, [*_JSON, *INSIGHTS])
        except RequestRefused:
            answer = await self._access.post(exports, _JSON)
        return read_export_id(answer)

    async def _completed(self, export: str) -> None:
        """Wait until the export is ready."""
        while (status := read_export_status(await self._access.get(f"{export}/status"))) != "COMPLETED":
            if status == "FAILED":
                raise ExportFailed(f"The Marketplace couldn't export the report. {_ADVICE}")
            await self._wait()

    async def _downloaded(self, export: str) -> AsyncGenerator[list[Row]]:
        for attempt in range(1, DOWNLOADS + 1):
            splitter = JsonArrayStream()
            try:
                async with self._access.stream(export) as pieces:
                    async for piece in pieces:
                        if rows := splitter.feed(piece):
                            yield rows
                splitter.end()
            except (NotFound, StreamCut):
                if attempt == DOWNLOADS:
                    raise
                await self._wait()
            else:
                return

    async def _wait(self) -> None:
        if self._patience <= 0:
            raise ExportFailed(f"The Marketplace never finishes the export of the report. {_ADVICE}")
        pause = next(self._pauses)
        self._patience -= pause
        await self._sleep(pause)
