"""The one place that knows Atlassian's field names: a record of the report becomes a `License`.

Field by field: https://developer.atlassian.com/platform/marketplace/rest/v4/api-group-reporting/
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from bot.domain.evaluation import Contact, Hosting, License, Partner

_FORGOTTEN = "RTBF"
_NOT_KNOWN = {"na", "n/a", "pending", "unknown", _FORGOTTEN.lower()}
_LONGEST_NUMBER = 18
"""Digits; a longer one is junk, and fits no column of a database."""
_UNSTORABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters and halves of surrogate pairs: valid in JSON, refused by databases and mail."""
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d(?=$|[T ])", re.ASCII)
_PLAIN_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_YES_NO = {"yes": True, "true": True, "no": False, "false": False}
_HOSTINGS = {hosting.value.lower().replace(" ", ""): hosting.value for hosting in Hosting}
_TROUBLES = {"missing": "is missing", "date_type": "is not a date"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A record that cannot be used: the best id it has, with what is wrong; never a value of a contact."""

    ref: str
    reason: str


def read_license(record: object) -> License | Unreadable:
    """The license in one JSON record; an optional field of the wrong type counts as not given, and nothing raises."""
    if not isinstance(record, dict):
        return Unreadable(ref="no id", reason="the record is not an object")
    try:
        wire = _Record.model_validate(record)
    except ValidationError as exc:
        return Unreadable(
            ref=_ref(record), reason="; ".join(_trouble(error["loc"], error["type"]) for error in exc.errors())
        )
    aliases = wire.aliases()
    if not aliases:
        return Unreadable(
            ref="no id", reason="appEntitlementNumber, appEntitlementId, licenseId, addonLicenseId are missing"
        )
    return wire.to_license(aliases)


def _text(value: object) -> str | None:
    """The words of a field on one line, or None where there are none; a whole number is a text too."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**_LONGEST_NUMBER:
        return str(value)
    if not isinstance(value, str):
        return None
    words = " ".join(_UNSTORABLE.sub(" ", value).split())
    return None if words.lower() in {"", "null"} else words


def _known(value: object) -> str | None:
    """The words of a field, or None where they mean that Atlassian does not (yet) know."""
    words = _text(value)
    return None if words is None or words.lower() in _NOT_KNOWN else words


def _company(value: object) -> str | None:
    """A company may well be called Pending; it is not called RTBF."""
    words = _text(value)
    return None if words == _FORGOTTEN else words


def _size(value: object) -> str | None:
    """Atlassian's words stay words: `Unknown` is its final answer here, while blank and `Pending` are none yet.

    `NA` says that a size makes no sense (not an evaluation, or a server).
    """
    words = _text(value)
    return None if words is None or words.lower() in {"na", "pending"} else words


def _day(value: object) -> date | None:
    """The day of a date or a date-time, as written: the report counts in UTC days."""
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


def _flag(value: object) -> bool | None:
    """`Yes` and `No` are texts in the report; `Pending` and `NA` are neither."""
    return value if isinstance(value, bool) else _YES_NO.get((_text(value) or "").lower())


def _hosting(value: object) -> str | None:
    words = _text(value)
    return words and _HOSTINGS.get(words.lower().replace(" ", ""), words)


def _object(value: object) -> object:
    return value if isinstance(value, dict) else {}


def _contact(value: object) -> Contact | None:
    """The person, or None where nobody is named; of somebody forgotten nothing is kept."""
    if not isinstance(value, dict):
        return None
    if any((_text(detail) or "").upper() == _FORGOTTEN for detail in value.values()):
        return Contact(forgotten=True)
    contact = Contact(email=_text(value.get("email")), name=_text(value.get("name")))
    return contact if contact != Contact() else None


_Needed = Annotated[str, BeforeValidator(_text)]
_NeededDay = Annotated[date, BeforeValidator(_day)]
_Known = Annotated[str | None, BeforeValidator(_known)]
_Day = Annotated[date | None, BeforeValidator(_day)]
_Person = Annotated[Contact | None, BeforeValidator(_contact)]


class _Wire(BaseModel):
    """An object of the report; what is not named here is ignored."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)


class _Customer(_Wire):
    company: Annotated[str | None, BeforeValidator(_company)] = None
    country: _Known = None
    region: _Known = None
    technical_contact: _Person = None
    billing_contact: _Person = None


class _Partner(_Wire):
    partner_name: _Known = None
    partner_type: _Known = None


class _Attribution(_Wire):
    channel: _Known = None


class _Migration(_Wire):
    status: Annotated[str | None, BeforeValidator(_text)] = None


class _Record(_Wire):
    """A record, as far as it is used. The fields without a default are needed; no other field can spoil it."""

    addon_key: _Needed
    license_type: _Needed
    status: _Needed
    hosting: Annotated[str, BeforeValidator(_hosting)]
    maintenance_start_date: _NeededDay
    last_updated: _NeededDay
    app_entitlement_number: _Known = None
    app_entitlement_id: _Known = None
    license_id: _Known = None
    addon_license_id: _Known = None
    host_license_id: _Known = None
    host_entitlement_number: _Known = None
    host_entitlement_id: _Known = None
    addon_name: _Known = None
    maintenance_end_date: _Day = None
    latest_evaluation_start_date: _Day = None
    app_edition: _Known = None
    tier: _Known = None
    cloud_site_hostname: _Known = None
    contact_details: Annotated[_Customer, BeforeValidator(_object)] = _Customer()
    partner_details: Annotated[_Partner, BeforeValidator(_object)] = _Partner()
    attribution: Annotated[_Attribution, BeforeValidator(_object)] = _Attribution()
    cmt_details: Annotated[_Migration, BeforeValidator(_object)] = _Migration()
    evaluation_opportunity_size: Annotated[str | None, BeforeValidator(_size)] = None
    parent_product_name: _Known = None
    parent_product_edition: _Known = None
    days_to_convert_eval: Annotated[int | None, BeforeValidator(_number)] = None
    installed_on_sandbox: Annotated[bool | None, BeforeValidator(_flag)] = None
    license_source_type: _Known = None

    def aliases(self) -> frozenset[str]:
        """The ids of this license itself.

        On old cloud records `licenseId` is the host's number. All apps of a site share that one, so it counts only
        where there is no other.
        """
        hosts = {
            self.host_license_id,
            f"SEN-{self.host_license_id}",
            self.host_entitlement_number,
            self.host_entitlement_id,
        }
        ids = {self.app_entitlement_number, self.app_entitlement_id, self.license_id, self.addon_license_id} - {None}
        return frozenset(alias for alias in ids - hosts or ids if alias)

    def to_license(self, aliases: frozenset[str]) -> License:
        """The same facts in the words of the business."""
        customer, partner = self.contact_details, self.partner_details
        return License(
            app_key=self.addon_key,
            app_name=self.addon_name or self.addon_key,
            aliases=aliases,
            hosting=self.hosting,
            license_type=self.license_type.upper(),
            status=self.status.lower(),
            starts=self.maintenance_start_date,
            updated=self.last_updated,
            ends=self.maintenance_end_date,
            latest_evaluation=self.latest_evaluation_start_date,
            edition=self.app_edition,
            tier=self.tier,
            site=self.cloud_site_hostname,
            company=customer.company,
            country=customer.country,
            region=customer.region,
            technical=customer.technical_contact,
            billing=customer.billing_contact,
            partner=Partner(name=partner.partner_name, kind=partner.partner_type) if partner != _Partner() else None,
            opportunity_size=self.evaluation_opportunity_size,
            parent_product=self.parent_product_name,
            parent_edition=self.parent_product_edition,
            channel=self.attribution.channel,
            days_to_convert=self.days_to_convert_eval,
            sandbox=self.installed_on_sandbox,
            atlassian=(self.license_source_type or "").lower() == "atlassian",
            migration=self.cmt_details.status is not None,
        )


_ID_FIELDS = ("appEntitlementNumber", "licenseId", "addonLicenseId", "appEntitlementId")


def _ref(record: dict[str, object]) -> str:
    """The first id that is plain enough to be shown: letters, digits, dashes."""
    ids = (_known(record.get(field)) for field in _ID_FIELDS)
    return next((found for found in ids if found and _PLAIN_ID.fullmatch(found)), "no id")


def _trouble(path: tuple[int | str, ...], kind: str) -> str:
    return f"{'.'.join(map(str, path))} {_TROUBLES.get(kind, 'is empty or not a text')}"
