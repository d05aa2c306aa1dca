"""Field names of the reports about leaving and about quotes: a row becomes a `Departure` or an `AcceptedQuote`."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any, Final

from bot.domain.accepted_quote import AcceptedQuote
from bot.domain.address import domain_of
from bot.domain.departure import CustomerWords, Departure, DepartureKind
from bot.domain.invisible_characters import strip_invisible

_MAX_LENGTH: Final = 200
_MAX_MESSAGE_LENGTH: Final = 5_000


def parse_departure(row: Mapping[str, Any]) -> Departure | None:
    """Return the departure in a row, or None if it names no app or no day."""
    app_key, day = _text(row, "addonKey"), _day(row, "date")
    if app_key is None or day is None:
        return None
    kind = (_text(row, "feedbackType") or "").lower()
    names = ("appEntitlementNumber", "appEntitlementId", "licenseId")
    return Departure(
        app_key=app_key,
        kind=DepartureKind(kind) if kind in set(DepartureKind) else DepartureKind.OTHER,
        day=day,
        reason_key=_text(row, "reasonKey"),
        reason=_text(row, "reason"),
        aliases=tuple(found for name in names if (found := _text(row, name))),
        cloud_id=_text(row, "cloudId"),
        words=CustomerWords(
            message=_text(row, "message", longest=_MAX_MESSAGE_LENGTH),
            email=_text(row, "email"),
            name=_text(row, "fullName"),
        ),
    )


def parse_quote(row: Mapping[str, Any]) -> AcceptedQuote | None:
    """Return the quote in a row, or None if it has no number, or names no license."""
    number = _text(row, "quoteNumber") or _text(row, "quoteId")
    names = ("entitlementNumber", "entitlementEid")
    aliases = tuple(found for name in names if (found := _text(row, name)))
    if number is None or not aliases:
        return None
    return AcceptedQuote(
        number=number,
        aliases=aliases,
        accepted=_day(row, "acceptedDate"),
        starts=_day(row, "startDate"),
        users=_text(row, "userTier"),
        edition=_text(row, "appEdition"),
        price=_text(row, "listPrice"),
        created_by_domain=domain_of(_text(row, "createdBy")),
    )


def _text(row: Mapping[str, Any], name: str, *, longest: int = _MAX_LENGTH) -> str | None:
    value = row.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    words = (
        strip_invisible(value).strip() if longest == _MAX_MESSAGE_LENGTH else " ".join(strip_invisible(value).split())
    )
    return words[:longest] or None


def _day(row: Mapping[str, Any], name: str) -> date | None:
    with suppress(ValueError):
        return date.fromisoformat((_text(row, name) or "")[:10])
    return None
