"""The only module that knows Atlassian's field names: a record of the report becomes a `License`.

Field by field: https://developer.atlassian.com/platform/marketplace/rest/v4/api-group-reporting/
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Final, TypeVar

from bot.domain.evaluation import Contact, Hosting, License, Partner
from bot.domain.invisible_characters import strip_invisible

T = TypeVar("T")

_FORGOTTEN: Final = "RTBF"
_NOTHING: Final = frozenset({"", "null"})
_NOT_KNOWN: Final = frozenset({"na", "n/a", "pending", "unknown", _FORGOTTEN.lower()})
_LONGEST_NUMBER: Final = 18
"""Digits; a longer number is junk, and fits no column of a database."""
_ISO_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d(?=$|[T ])", re.ASCII)
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_YES_NO: Final = {"yes": True, "true": True, "no": False, "false": False}
_VOCABULARY: Final = 4096
"""Cached words and days: there are many rows and few of these. Names of people and sites, addresses and ids are not
cached.
"""
_HOSTINGS: Final = {hosting.value.lower().replace(" ", ""): hosting.value for hosting in Hosting}


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidRecord:
    """A record that cannot be used: its best id and what is wrong; never a value of a contact."""

    ref: str
    reason: str


def parse_license(record: object) -> License | InvalidRecord:
    """Return the license in one JSON record. Never raises; an optional field of the wrong type counts as missing."""
    if not isinstance(record, dict):
        return InvalidRecord(ref="no id", reason="the record is not an object")
    get = record.get
    needed = {name: read(get(field)) for name, (field, read, _) in _NEEDED.items()}
    aliases = _aliases(record)
    if not aliases or None in needed.values():
        return InvalidRecord(ref=_ref(record), reason=_reason(record))
    customer, partner = _object(get("contactDetails")), _object(get("partnerDetails"))
    partner_name, partner_kind = _known(partner.get("partnerName")), _word(partner.get("partnerType"))
    return License(
        **needed,
        aliases=aliases,
        app_name=_word(get("addonName")) or needed["app_key"],
        ends=_day(get("maintenanceEndDate")),
        latest_evaluation=_day(get("latestEvaluationStartDate")),
        upgrade_started=_day(get("upgradeEvaluationStartDate")),
        upgrade_to=_word(get("upgradeEvaluatingEdition")),
        edition=_word(get("appEdition")),
        tier=_word(get("tier")),
        site=_known(get("cloudSiteHostname")),
        cloud_id=_known(get("cloudId")),
        company=_company(customer.get("company")),
        country=_word(customer.get("country")),
        region=_word(customer.get("region")),
        technical=_contact(customer.get("technicalContact")),
        billing=_contact(customer.get("billingContact")),
        partner=Partner(name=partner_name, kind=partner_kind) if partner_name or partner_kind else None,
        opportunity_size=_size(get("evaluationOpportunitySize")),
        parent_product=_word(get("parentProductName")),
        parent_edition=_word(get("parentProductEdition")),
        channel=_word(_object(get("attribution")).get("channel")),
        days_to_convert=_number(get("daysToConvertEval")),
        sandbox=_flag(get("installedOnSandbox")),
        atlassian=(_word(get("licenseSourceType")) or "").lower() == "atlassian",
        migration=_text(_object(get("cmtDetails")).get("status")) is not None,
    )


def _text(value: object) -> str | None:
    """Return the text of a field on one line, or None if it has none; a whole number counts as text.

    Invisible characters are removed: databases and email refuse some of them, and they make equal addresses, ids or
    names differ.
    """
    if not isinstance(value, str):
        is_full = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**_LONGEST_NUMBER
        return str(value) if is_full else None
    if not (value.isascii() and value.isprintable()):
        words = " ".join(strip_invisible(value).split())
    elif " " in value:  # no other white space can be printed
        words = " ".join(value.split())
    else:
        words = value
    return None if words.lower() in _NOTHING else words


def _known(value: object) -> str | None:
    """Return the text of a field, or None if it means that Atlassian does not know (yet)."""
    words = _text(value)
    return None if words is None or words.lower() in _NOT_KNOWN else words


def _remembered(read: Callable[[object], T]) -> Callable[[object], T]:
    """Return the reader with a cache, for fields with few different values."""
    remembered = lru_cache(maxsize=_VOCABULARY)(read)
    return lambda value: (remembered if isinstance(value, str) else read)(value)


_word = _remembered(_known)


def _company(value: object) -> str | None:
    """Return a company's name. It may well be Pending, but not RTBF."""
    words = _text(value)
    return None if words == _FORGOTTEN else words


@_remembered
def _size(value: object) -> str | None:
    """Return the size, possibly in Atlassian's words. `Unknown` is a final answer; blank and `Pending` are none yet.

    `NA` means that a size makes no sense (not an evaluation, or a server).
    """
    words = _text(value)
    return None if words is None or words.lower() in {"na", "pending"} else words


@_remembered
def _day(value: object) -> date | None:
    """Return the day of a date or date-time, as written: the report counts in UTC days."""
    written = _ISO_DAY.match(_text(value) or "")
    if written is None:
        return None
    try:
        return date.fromisoformat(written[0])
    except ValueError:  # 2026-02-30
        return None


def _number(value: object) -> int | None:
    words = _text(value) or ""
    return int(words) if words.isascii() and words.isdigit() and len(words) < _LONGEST_NUMBER else None


@_remembered
def _flag(value: object) -> bool | None:
    """Return a flag. The report writes `Yes` and `No` as text; `Pending` and `NA` are neither."""
    return value if isinstance(value, bool) else _YES_NO.get((_text(value) or "").lower())


@_remembered
def _upper(value: object) -> str | None:
    words = _text(value)
    return words and words.upper()


@_remembered
def _lower(value: object) -> str | None:
    words = _text(value)
    return words and words.lower()


@_remembered
def _hosting(value: object) -> str | None:
    words = _text(value)
    return words and _HOSTINGS.get(words.lower().replace(" ", ""), words)


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _contact(value: object) -> Contact | None:
    """Return the person, or None if nobody is named. Nothing is kept of somebody who was forgotten."""
    if not isinstance(value, dict):
        return None
    for detail in value.values():
        # A cheap test first: this runs for every contact detail of every row.
        if isinstance(detail, str) and _may_say_so(detail) and _is_forgotten(detail):
            return Contact(forgotten=True)
    email, name = _text(value.get("email")), _text(value.get("name"))
    return Contact(email=email, name=name) if email or name else None


def _may_say_so(detail: str) -> bool:
    return _FORGOTTEN in detail.upper() or not (detail.isascii() and detail.isprintable())


def _is_forgotten(detail: str) -> bool:
    return (_text(detail) or "").upper() == _FORGOTTEN


_NEEDED: Final[dict[str, tuple[str, Callable[[object], Any], str]]] = {
    "app_key": ("addonKey", _remembered(_text), "is empty or not a text"),
    "license_type": ("licenseType", _upper, "is empty or not a text"),
    "status": ("status", _lower, "is empty or not a text"),
    "hosting": ("hosting", _hosting, "is empty or not a text"),
    "starts": ("maintenanceStartDate", _day, "is not a date"),
    "updated": ("lastUpdated", _day, "is not a date"),
}
"""Required fields: the name, its reader, and what is wrong if that returns nothing."""
_IDS: Final = ("appEntitlementNumber", "licenseId", "addonLicenseId", "appEntitlementId")


def _aliases(record: dict[str, Any]) -> frozenset[str]:
    """Return the ids of this license itself.

    On old cloud records `licenseId` is the host's number, which all apps of a site share. It counts only if there is no
    other.
    """
    host = _known(record.get("hostLicenseId"))
    entitlement = {_known(record.get(field)) for field in ("hostEntitlementNumber", "hostEntitlementId")}
    ids = frozenset(found for field in _IDS if (found := _known(record.get(field))))
    return ids - {host, f"SEN-{host}", *entitlement} or ids


def _ref(record: dict[str, Any]) -> str:
    """Return the first id that can be shown: letters, digits, dashes."""
    ids = (_known(record.get(field)) for field in _IDS)
    return next((found for found in ids if found and _PLAIN_ID.fullmatch(found)), "no id")


def _reason(record: dict[str, Any]) -> str:
    problems = [
        f"{field} {problem if field in record else 'is missing'}"
        for field, read, problem in _NEEDED.values()
        if read(record.get(field)) is None
    ]
    return "; ".join(problems) or "appEntitlementNumber, appEntitlementId, licenseId, addonLicenseId are missing"
