"""Turn an HTTP response of the Marketplace into JSON, or into the error that says what to do."""

import json
import re
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, TypeGuard

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

_ADDRESS = "Check the network and the proxy of this machine, and MARKETPLACE_API_URL if you set it."
_LATER = "Try again later; if it lasts, check the network, the proxy and MARKETPLACE_API_URL."
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


class RetryLater(MarketplaceUnavailable):
    """The Marketplace is busy or broken; `retry_after` is the seconds it asked for, if any."""

    def __init__(self, sentence: str, *, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class StreamCut(RetryLater):
    """The response began and broke off."""


class NotFound(RequestRefused):
    """The Marketplace knows nothing at this address (404)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the report: its record, and the text it was read from.

    The same license with the same text needs no second look. `text` is JSON and can be encoded in UTF-8.
    """

    record: dict[str, Any]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows of the report, and whether the Marketplace points to more."""

    rows: list[Row]
    has_next: bool


def parse_response(response: httpx.Response, body: bytes) -> dict[str, Any]:
    """Return the JSON object in the body of a response, or raise the error for that response."""
    if not response.is_success:
        raise error_for(response)
    try:
        answer = json.loads(body)
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


def unanswered(error: httpx.RequestError) -> RetryLater:
    """Return the error for a request with no response or an incomplete one. It names the host."""
    url = error.request.url
    host, place = url.host, f"{url.host}:{url.port or (443 if url.scheme == 'https' else 80)}"
    untrusted = (
        f"The certificate of {host} is not trusted. If a proxy looks into the traffic, set SSL_CERT_FILE to a file "
        "with its authority; otherwise check the clock of this machine and MARKETPLACE_API_URL."
    )
    kinds: Sequence[tuple[type[Exception], str]] = (
        (ssl.SSLCertVerificationError, untrusted),
        (ssl.SSLError, f"{place} does not speak TLS. Check MARKETPLACE_API_URL, and the proxy if there is one."),
        (socket.gaierror, f"Cannot find {host} (DNS). {_ADDRESS}"),
        (
            httpx.ProxyError,
            f"The proxy refuses the connection to {host}. Check HTTPS_PROXY, with its login, and NO_PROXY.",
        ),
        (httpx.ConnectError, f"Cannot connect to {place}. {_ADDRESS}"),
        (httpx.TimeoutException, f"{host} did not answer in time. {_LATER}"),
        (httpx.ProtocolError, f"The answer of {host} broke off, or didn't come from a web server. {_LATER}"),
        (httpx.DecodingError, f"The answer of {host} cannot be decompressed. {_LATER}"),
    )
    causes = tuple(_causes(error))
    for kind, sentence in kinds:
        if any(isinstance(cause, kind) for cause in causes):
            return RetryLater(sentence)
    return RetryLater(f"The connection to {host} broke off. {_LATER}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and its causes."""
    following: BaseException | None = error
    while following is not None:
        yield following
        following = following.__cause__ or following.__context__


def error_for(response: httpx.Response) -> MarketplaceError:  # noqa: PLR0911  one for each kind of answer
    """Return the error for a status. The body is not quoted, since it may name people."""
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
        case codes.PROXY_AUTHENTICATION_REQUIRED:
            return RetryLater("The proxy asks for a login (407). Check HTTPS_PROXY, with its login, and NO_PROXY.")
        case codes.GONE:
            return ApiGone("Atlassian switched this version of the Marketplace API off (410). Update the bot.")
        case _ if response.is_server_error or status in {codes.REQUEST_TIMEOUT, codes.TOO_MANY_REQUESTS}:
            return RetryLater(
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
            kind = NotFound if status == codes.NOT_FOUND else RequestRefused
            return kind(
                f"The Marketplace refused the request ({status}). Check MARKETPLACE_API_URL, MARKETPLACE_VENDOR_ID and "
                "MARKETPLACE_DEVELOPER_ID; if they are right, update the bot."
            )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds in `Retry-After`, or None.

    A date is compared with the response's own `Date`, so that the two clocks need not agree.
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
    """Return a page of licenses. The specification types `licenses` as one object, its example as an array;
    both work.
    """
    rows = answer.get("licenses")
    if isinstance(rows, dict):
        rows = [rows]
    if not isinstance(rows, list):
        raise AnswerUnreadable("The Marketplace's answer has no list of licenses. Update the bot, or report this.")
    links = answer.get("_links")
    return Page(
        rows=[read_row(row, _compact(row)) for row in rows],
        has_next=isinstance(links, dict) and bool(links.get("next")),
    )


def read_row(value: object, text: str) -> Row:
    """Return the row. One that is not an object is quarantined later, and the rest goes on."""
    return Row(value if isinstance(value, dict) else {}, text)


def _compact(value: object) -> str:
    """Return JSON as the Marketplace writes it. A lone surrogate, which has no UTF-8 form, stays escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace").decode()


def is_uuid(value: object) -> TypeGuard[str]:
    """Return whether this id may become part of an address."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def read_export_id(answer: Mapping[str, Any]) -> str:
    """Return the id of the export that was started. The links beside it are not trusted."""
    found = _export(answer).get("id")
    if not is_uuid(found):
        raise AnswerUnreadable("The Marketplace named no id of the export. Update the bot, or report this.")
    return found


def read_export_status(answer: Mapping[str, Any]) -> str:
    """Return the state of the export: `QUEUED`, `IN_PROGRESS`, `COMPLETED`, `FAILED`, or a new word."""
    found = _export(answer).get("status")
    if not isinstance(found, str):
        raise AnswerUnreadable("The Marketplace does not say how far the export is. Update the bot, or report this.")
    return found


def _export(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    found = answer.get("export")
    return found if isinstance(found, dict) else {}
