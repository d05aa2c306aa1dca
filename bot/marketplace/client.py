"""Read one vendor's reports through the Marketplace REST API, version 3."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import date
from types import TracebackType
from typing import Any, Self

from bot.errors import AnswerUnreadable, SettingsWrong
from bot.marketplace.export import PATIENCE, Export
from bot.marketplace.http import MarketplaceHttp
from bot.marketplace.pagination import Pagination
from bot.marketplace.responses import Row, is_uuid, read_page
from bot.marketplace.window_reader import read_window

_VENDOR_ID = re.compile(r"[0-9]{1,18}")


class Marketplace:
    """One vendor's reports, read with one account; raises only `MarketplaceError`.

    Ids are checked before they become part of an address, and links in answers are not followed.
    """

    def __init__(
        self,
        http: MarketplaceHttp,
        *,
        vendor_id: str | None = None,
        developer_id: str | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """`http` is closed with this object. Raises SettingsWrong if an id is invalid."""
        if developer_id and not is_uuid(developer_id):
            raise SettingsWrong(["MARKETPLACE_DEVELOPER_ID is not a UUID. Remove it and set MARKETPLACE_VENDOR_ID."])
        if not (developer_id or _VENDOR_ID.fullmatch(vendor_id or "")):
            raise SettingsWrong(["MARKETPLACE_VENDOR_ID is not a number. Take the one in your vendor page's address."])
        self._http = http
        self._sleep = sleep
        self._vendor_id = vendor_id
        self._developer_id = developer_id or None
        self._resolving = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    async def developer_id(self, *, retry: bool = True) -> str:
        """Return the UUID behind the vendor id. It is requested once, then cached."""
        async with self._resolving:
            if self._developer_id is None:
                answer = await self._http.get(f"developer-space/vendor/{self._vendor_id}", retry=retry)
                found = answer.get("developerId")
                if not is_uuid(found):
                    raise AnswerUnreadable("The Marketplace named no developer id. Check MARKETPLACE_VENDOR_ID.")
                self._developer_id = found
            return self._developer_id

    def licenses(
        self,
        *,
        updated_since: date | None = None,
        started_since: date | None = None,
        evaluations_only: bool = False,
    ) -> AsyncGenerator[list[Row]]:
        """Yield the rows that match every given filter, page by page. Both days are UTC and inclusive.

        Rows come again if the set shifts between two pages.
        """
        filters = _filters(updated_since, started_since, evaluations_only=evaluations_only)
        return Pagination(self._http, self._report, filters).rows()

    def export(self, *, patience: float = PATIENCE) -> AsyncGenerator[list[Row]]:
        """Yield every row of the report, some at a time. ExportFailed if it has to be read page by page.

        Rows come again if the download breaks off. `patience` is the longest wait in seconds.
        """
        return Export(self._http, self._report, sleep=self._sleep, patience=patience).rows()

    async def feedback(self, since: date, until: date) -> list[dict[str, Any]]:
        """Return the rows about customers who left, of these UTC days. Personal data is in them.

        Raises PermissionMissing or NotFound if the account may not read them.
        """
        days = [("startDate", since.isoformat()), ("endDate", until.isoformat())]
        return await read_window(self._http, f"{await self._space()}/feedback/details", "feedback", days)

    async def quotes(self, since: date, until: date) -> list[dict[str, Any]]:
        """Return the rows about quotes that were accepted on these UTC days. Raises as `feedback` does."""
        days = [("acceptedStartDate", since.isoformat()), ("acceptedEndDate", until.isoformat())]
        return await read_window(self._http, f"{await self._space()}/quotes", "quotes", days)

    async def check(self) -> str:
        """Return the developer id after one license was requested with it. Nothing is retried."""
        report = await self._report(retry=False)
        read_page(await self._http.get(report, [("offset", "0"), ("limit", "1")], retry=False))
        return await self.developer_id()

    async def _report(self, *, retry: bool = True) -> str:
        return f"{await self._space(retry=retry)}/licenses"

    async def _space(self, *, retry: bool = True) -> str:
        return f"reporting/developer-space/{await self.developer_id(retry=retry)}"


def _filters(
    updated_since: date | None, started_since: date | None, *, evaluations_only: bool
) -> list[tuple[str, str]]:
    """Return the query."""
    filters: list[tuple[str, str]] = []
    if updated_since:
        filters += [("lastUpdated", updated_since.isoformat())]
    if started_since:
        filters += [("dateType", "start"), ("startDate", started_since.isoformat())]
    if evaluations_only:
        filters += [("licenseType", "evaluation")]
    return filters
