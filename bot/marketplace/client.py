"""The HTTP conversation with the Marketplace REST API, version 3."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date
from types import TracebackType
from typing import Any, Final, Self

import httpx
import stamina

from bot.errors import AnswerUnreadable, RequestRefused, SettingsWrong
from bot.marketplace.answers import ComeBackLater, Product, read_answer, read_cursor, read_page, read_products

PAGE_SIZE = 50
"""The most that the Marketplace gives at once; more is clamped, not refused."""
TIMEOUT = httpx.Timeout(60.0, connect=10.0)
ATTEMPTS = 5
LONGEST_WAIT = 60.0
"""Seconds; who is asked to wait longer leaves it to the next poll."""
PATIENCE = 180.0
"""Seconds after which no further attempt at one request begins."""

_VENDOR_ID = re.compile(r"[0-9]{1,18}")
_DEVELOPER_ID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def worth_waiting(error: Exception) -> bool | float:
    """Whether to try again: after the time the Marketplace asks for, or else after stamina's growing pauses."""
    if not isinstance(error, ComeBackLater):
        return False
    if error.retry_after is None:
        return True
    return error.retry_after <= LONGEST_WAIT and max(error.retry_after, 1.0)


_RETRYING = stamina.AsyncRetryingCaller(
    attempts=ATTEMPTS, timeout=PATIENCE, wait_initial=1.0, wait_max=LONGEST_WAIT
).on(worth_waiting)

_INSIGHTS: Final[tuple[tuple[str, str], ...]] = (("withDataInsights", "true"),)


class Marketplace:
    """One vendor's reports, read with one account; raises `MarketplaceError` alone.

    Requests go to `api_url` and nowhere else: ids are checked before they become part of an address, redirects are
    refused, and links in answers are not followed.
    """

    def __init__(
        self,
        *,
        api_url: str,
        user: str,
        token: str,
        vendor_id: str | None = None,
        developer_id: str | None = None,
        timeout: httpx.Timeout = TIMEOUT,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        if developer_id and not _DEVELOPER_ID.fullmatch(developer_id):
            raise SettingsWrong(["MARKETPLACE_DEVELOPER_ID is not a UUID. Remove it and set MARKETPLACE_VENDOR_ID."])
        if not (developer_id or _VENDOR_ID.fullmatch(vendor_id or "")):
            raise SettingsWrong(["MARKETPLACE_VENDOR_ID is not a number. Take the one in your vendor page's address."])
        self._base = f"{api_url.rstrip('/')}/rest/3"
        self._vendor_id = vendor_id
        self._developer_id = developer_id or None
        self._resolving = asyncio.Lock()
        self._http = httpx.AsyncClient(
            auth=httpx.BasicAuth(user, token),
            headers={"Accept": "application/json", "User-Agent": "evaluator-bot (Marketplace licenses to Slack)"},
            timeout=timeout,
            transport=transport,
            follow_redirects=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def developer_id(self) -> str:
        """The UUID behind the vendor id; asked for once, then remembered."""
        async with self._resolving:
            if self._developer_id is None:
                answer = await self._get(f"developer-space/vendor/{self._vendor_id}")
                found = answer.get("developerId")
                if not isinstance(found, str) or not _DEVELOPER_ID.fullmatch(found):
                    raise AnswerUnreadable("The Marketplace named no developer id. Check MARKETPLACE_VENDOR_ID.")
                self._developer_id = found
            return self._developer_id

    async def products(self) -> list[Product]:
        """The vendor's apps."""
        path = f"product-listing/developer-space/{await self.developer_id()}"
        found: list[Product] = []
        seen: set[str] = set()
        query = [("limit", str(PAGE_SIZE))]
        while True:
            answer = await self._get(path, query)
            found += read_products(answer)
            cursor = read_cursor(answer)
            if cursor is None:
                return found
            if cursor in seen:
                raise AnswerUnreadable("The Marketplace's list of apps goes round in a circle. Try again later.")
            seen.add(cursor)
            query = [("limit", str(PAGE_SIZE)), ("cursor", cursor)]

    async def licenses(
        self,
        *,
        updated_since: date | None = None,
        started_since: date | None = None,
        evaluations_only: bool = False,
        product_ids: Iterable[str] = (),
    ) -> AsyncIterator[dict[str, Any]]:
        """The raw records that match every filter given, a page in memory at a time; both days are UTC and count too.

        The set may move between two pages, so a record can come twice, or be missed until the next look.
        """
        path = await self._report()
        filters = _filters(updated_since, started_since, evaluations_only=evaluations_only, product_ids=product_ids)
        insights = _INSIGHTS
        offset, before = 0, None
        while True:
            try:
                page = read_page(await self._get(path, [*filters, *insights, *_window(offset, PAGE_SIZE)]))
            except RequestRefused:
                # Insights are documented for windows that begin after July 2018 alone; the report without is better
                # than none.
                if offset or not insights:
                    raise
                insights = ()
                continue
            if page.rows and page.rows == before:
                raise AnswerUnreadable("The Marketplace gives the same page of licenses for ever. Try again later.")
            for row in page.rows:
                yield row
            # The offset moves by what came, not by what was asked for: the server may give less a page. Neither
            # `totalCount` nor an absent `next` is proof of the end; only a short page without `next` is.
            if not page.rows or (len(page.rows) < PAGE_SIZE and not page.has_next):
                return
            offset, before = offset + len(page.rows), page.rows

    async def check(self) -> str:
        """The developer id, once one license could be asked for with it."""
        read_page(await self._get(await self._report(), _window(0, 1)))
        return await self.developer_id()

    async def _report(self) -> str:
        return f"reporting/developer-space/{await self.developer_id()}/licenses"

    async def _get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
        """The JSON object at a path; tried again while that may help."""
        return await _RETRYING(self._ask, path, query)

    async def _ask(self, path: str, query: Sequence[tuple[str, str]]) -> dict[str, Any]:
        try:
            response = await self._http.get(f"{self._base}/{path}", params=list(query))
        except httpx.RequestError as exc:
            raise ComeBackLater(
                f"The Marketplace could not be reached, or broke off ({type(exc).__name__}). If this lasts, check the "
                "network, the proxy and MARKETPLACE_API_URL."
            ) from exc
        return read_answer(response)


def _window(offset: int, limit: int) -> list[tuple[str, str]]:
    return [("offset", str(offset)), ("limit", str(limit))]


def _filters(
    updated_since: date | None, started_since: date | None, *, evaluations_only: bool, product_ids: Iterable[str]
) -> list[tuple[str, str]]:
    """The query; several values of one parameter are repeated, because the Marketplace misreads a comma list."""
    filters = [("productId", product) for product in product_ids]
    if updated_since:
        filters += [("lastUpdated", updated_since.isoformat())]
    if started_since:
        filters += [("dateType", "start"), ("startDate", started_since.isoformat())]
    if evaluations_only:
        filters += [("licenseType", "evaluation")]
    return filters
