"""What an answer of the Marketplace means: JSON, or the error that says what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from httpx import codes

from bot.errors import (
    AnswerUnreadable,
    ApiGone,
    MarketplaceError,
    MarketplaceUnavailable,
    PermissionMissing,
    RequestRefused,
    TokenRefused,
)


class ComeBackLater(MarketplaceUnavailable):
    """The Marketplace is busy or broken; `retry_after` holds the seconds it asked for, if it did."""

    def __init__(self, sentence: str, *, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows of the report, with whether the Marketplace points to more."""

    rows: list[dict[str, Any]]
    has_next: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """An app of the vendor: its id in the v3 API, its key in a license, its name."""

    id: str
    app_key: str
    name: str


def read_answer(response: httpx.Response) -> dict[str, Any]:
    """The JSON object in an answer, or the error that the answer stands for."""
    if not response.is_success:
        raise refusal(response)
    try:
        answer = response.json()
    except (ValueError, RecursionError) as exc:
        raise AnswerUnreadable(
            "The Marketplace answered with something that is not JSON. Check MARKETPLACE_API_URL, and that no proxy or "
            "sign-in page stands in between."
        ) from exc
    if not isinstance(answer, dict):
        raise AnswerUnreadable(
            "The Marketplace answered with JSON that is not an object. Update the bot, or report this."
        )
    return answer


def refusal(response: httpx.Response) -> MarketplaceError:
    """What a status other than success stands for; the body is not quoted, it may name people."""
    status = response.status_code
    match status:
        case codes.UNAUTHORIZED:
            return TokenRefused(
                "The Marketplace refused the API token (401). Make a new one at id.atlassian.com → Security → "
                "API tokens, put it in MARKETPLACE_TOKEN and restart."
            )
        case codes.FORBIDDEN:
            return PermissionMissing(
                'The Marketplace does not show the report to this account (403). Give it the permissions "View sales '
                'reports" and "View all other reports" in the vendor\'s team, and check MARKETPLACE_VENDOR_ID or '
                "MARKETPLACE_DEVELOPER_ID."
            )
        case codes.GONE:
            return ApiGone("Atlassian switched this version of the Marketplace API off (410). Update the bot.")
        case _ if response.is_server_error or status in {codes.REQUEST_TIMEOUT, codes.TOO_MANY_REQUESTS}:
            return ComeBackLater(
                f"The Marketplace cannot answer now ({status}). The next poll tries again; if this lasts for hours, "
                "look at developer.status.atlassian.com.",
                retry_after=retry_after(response.headers),
            )
        case _ if response.has_redirect_location:
            return RequestRefused(
                f"The Marketplace sends the bot to another address ({status}), which it does not follow: the token "
                "stays with its host. Check MARKETPLACE_API_URL."
            )
        case _:
            return RequestRefused(
                f"The Marketplace refused the request ({status}). Check MARKETPLACE_API_URL, MARKETPLACE_VENDOR_ID and "
                "MARKETPLACE_DEVELOPER_ID; if they are right, update the bot."
            )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` asks for, or None.

    A date in it is read against the answer's own `Date`, so that the two clocks need not agree.
    """
    asked = headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked)
    try:
        until, now = parsedate_to_datetime(asked), parsedate_to_datetime(headers.get("date", ""))
        return max((until - now).total_seconds(), 0.0)
    except (ValueError, TypeError):  # no date, half a date, or one with and one without a zone
        return None


def read_page(answer: Mapping[str, Any]) -> Page:
    """A page of licenses. The specification types `licenses` as one object, its example as an array: both will do."""
    rows = answer.get("licenses")
    if isinstance(rows, dict):
        rows = [rows]
    if not isinstance(rows, list):
        raise AnswerUnreadable("The Marketplace's answer has no list of licenses. Update the bot, or report this.")
    links = answer.get("_links")
    # A row that is no object becomes an empty one: the reader of records quarantines it, and the rest goes on.
    return Page(
        rows=[row if isinstance(row, dict) else {} for row in rows],
        has_next=isinstance(links, dict) and bool(links.get("next")),
    )


def read_products(answer: Mapping[str, Any]) -> list[Product]:
    """The apps on a page of the vendor's listing; one without an id or a key is left out."""
    items = answer.get("items")
    if not isinstance(items, list):
        raise AnswerUnreadable("The Marketplace's answer has no list of apps. Update the bot, or report this.")
    return [
        Product(id=str(item["productId"]), app_key=str(item["appKey"]), name=str(item.get("appName") or item["appKey"]))
        for item in items
        if isinstance(item, dict) and item.get("productId") and item.get("appKey")
    ]


def read_cursor(answer: Mapping[str, Any]) -> str | None:
    """The cursor of the next page. Only this is taken from the link: its host and path are not to be trusted."""
    links = answer.get("links")
    following = links.get("next") if isinstance(links, dict) else None
    href = following.get("href") if isinstance(following, dict) else following
    if not isinstance(href, str):
        return None
    try:
        return next(iter(parse_qs(urlsplit(href).query).get("cursor", [])), None)
    except ValueError as exc:
        raise AnswerUnreadable(
            "The Marketplace's link to the next page is broken. Update the bot, or report this."
        ) from exc
