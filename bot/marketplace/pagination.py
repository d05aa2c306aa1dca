"""Read the report page by page while it changes."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Final

from bot.errors import AnswerUnreadable, RequestRefused
from bot.marketplace.http import INSIGHTS, MarketplaceHttp
from bot.marketplace.responses import Page, Row, read_page

PAGE_SIZE: Final = 50
"""The most rows that the Marketplace returns at once; a higher limit is clamped, not refused."""
PASSES: Final = 3
"""Passes over the report if rows shift. What the last pass misses, the next poll finds."""


class _PageShifted(Exception):
    """The last row of a page is not the first of the next."""


class Pagination:
    """One query, from its first page to its last."""

    def __init__(
        self, access: MarketplaceHttp, report: Callable[[], Awaitable[str]], filters: Sequence[tuple[str, str]]
    ) -> None:
        self._access = access
        self._report = report
        self._filters = filters
        self._insights = INSIGHTS

    async def rows(self) -> AsyncGenerator[list[Row]]:
        """Yield the rows, page by page. After a shift, rows come again."""
        for passes_left in reversed(range(PASSES)):
            try:
                async with aclosing(self._pass(detect_shifts=passes_left > 0)) as pages:
                    async for rows in pages:
                        yield rows
            except _PageShifted:
                continue
            return

    async def _pass(self, *, detect_shifts: bool) -> AsyncGenerator[list[Row]]:
        """Yield every page once. Each begins with the last row of the one before, so that a shift shows."""
        offset, before = 0, Page(rows=[], has_next=False)
        while True:
            page = await self._page(offset)
            if page.rows and page.rows == before.rows:
                raise AnswerUnreadable("The Marketplace keeps returning the same page of licenses. Try again later.")
            rows = page.rows
            if len(before.rows) > 1:
                if rows[:1] == before.rows[-1:]:
                    rows = rows[1:]
                elif detect_shifts:
                    raise _PageShifted
            if rows:
                yield rows
            # The offset advances by what came, not by what was requested: the server may return fewer rows. Neither
            # `totalCount` nor a missing `next` proves the end; only a short page without `next` does.
            if not rows or (len(page.rows) < PAGE_SIZE and not page.has_next):
                return
            offset, before = offset + max(len(page.rows) - 1, 1), page

    async def _page(self, offset: int) -> Page:
        window = [("offset", str(offset)), ("limit", str(PAGE_SIZE))]
        try:
            return await self._asked([*self._filters, *self._insights, *window])
        except RequestRefused:
            if offset or not self._insights:
                raise
            self._insights = ()
            return await self._asked([*self._filters, *window])

    async def _asked(self, query: Sequence[tuple[str, str]]) -> Page:
        return read_page(await self._access.get(await self._report(), query))
