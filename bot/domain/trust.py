"""How far the contact on a license may be taken for the person who evaluates."""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.domain.evaluation import Contact, License

FREE_MAIL: Final = frozenset(
    "126.com 163.com aol.com fastmail.com foxmail.com free.fr freenet.de gmail.com gmx.at gmx.ch gmx.de gmx.net "
    "googlemail.com hanmail.net hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.es hotmail.fr hotmail.it "
    "icloud.com inbox.ru laposte.net libero.it live.co.uk live.com live.fr live.nl mac.com mail.com mail.ru me.com "
    "msn.com naver.com orange.fr outlook.com outlook.de outlook.es outlook.fr pm.me proton.me protonmail.com "
    "qq.com rediffmail.com seznam.cz t-online.de tuta.com tutanota.com wanadoo.fr web.de wp.pl yahoo.ca "
    "yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.br yahoo.de yahoo.es yahoo.fr yahoo.it yandex.com "
    "yandex.ru ymail.com zoho.com".split()
)
"""Domains anybody can have an address at: they say nothing of a company."""

ROLES: Final = frozenset(
    "accounting accounts admin administrator atlassian billing contact finance help helpdesk hostmaster hr info "
    "invoices it jira licenses marketing noreply no-reply office operations orders postmaster procurement purchasing "
    "root sales security service support sysadmin team webmaster".split()
)
"""Local parts that name a desk instead of a person."""

_ADDRESS: Final = re.compile(r"[^\s@<>(),;:\"\[\]\\]+@(?:[^\s@.<>(),;:\"\[\]\\]+\.)+[^\s@.<>(),;:\"\[\]\\]{2,}")


class Flag(StrEnum):
    """Something a person should know before they write to a contact; the value is how it is said."""

    SANDBOX = "Sandbox site"
    ATLASSIAN = "Atlassian's own license"
    MIGRATION = "Moving from their own servers to cloud"
    NO_CONTACT = "No contact in the report"
    FORGOTTEN = "Contact asked Atlassian to be forgotten"
    MALFORMED = "The address in the report is not an e-mail address"
    FREE_MAIL = "Free-mail address"
    ROLE = "Role address, not a person"
    BILLING_DIFFERS = "Billing contact is at another company"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the vendor's other licenses say of the same customer: names of apps, without this license."""

    customer_of: tuple[str, ...] = ()
    evaluating: tuple[str, ...] = ()
    evaluated: tuple[str, ...] = ()


def normalised(address: str) -> str:
    """The address as it is compared: trimmed, all in lower case, so that a no covers every spelling of it."""
    return address.strip().lower()


def well_formed(address: str) -> bool:
    """Whether mail could be sent to `address`: one @, a dotted domain, no white space or list characters."""
    return len(address) <= 254 and _ADDRESS.fullmatch(address) is not None  # noqa: PLR2004  RFC 5321, 4.5.3.1.3


def domain_of(address: str | None) -> str | None:
    """The domain of an address, in lower case; None when it has none."""
    if address is None or not well_formed(address.strip()):
        return None
    return normalised(address).rpartition("@")[2]


def company_domain(license_: License) -> str | None:
    """The domain that stands for the customer's company: the technical contact's, unless anybody can be there."""
    for contact in license_.contacts:
        domain = domain_of(contact.email)
        if domain is not None and domain not in FREE_MAIL:
            return domain
    return None


def flags(license_: License) -> tuple[Flag, ...]:
    """What to know of this license and its contact before acting, most important first."""
    found = [
        flag
        for flag, holds in (
            (Flag.ATLASSIAN, license_.atlassian),
            (Flag.SANDBOX, license_.sandbox is True),
            (Flag.MIGRATION, license_.migration),
        )
        if holds
    ]
    return (*found, *_contact_flags(license_))


def _contact_flags(license_: License) -> list[Flag]:
    contact = reachable(license_) or next(iter(license_.contacts), None)
    if contact is None:
        return [Flag.NO_CONTACT]
    if contact.email is None:
        return [Flag.FORGOTTEN if contact.forgotten else Flag.NO_CONTACT]
    if not well_formed(contact.email):
        return [Flag.MALFORMED]
    local, _, domain = normalised(contact.email).rpartition("@")
    found = []
    if domain in FREE_MAIL:
        found.append(Flag.FREE_MAIL)
    if local in ROLES:
        found.append(Flag.ROLE)
    others: AbstractSet[str | None] = {domain_of(other.email) for other in license_.contacts} - {domain, None}
    if others:
        found.append(Flag.BILLING_DIFFERS)
    return found


def reachable(license_: License) -> Contact | None:
    """The contact to show and to write to first: one with a good address, technical before billing."""
    return next((c for c in license_.contacts if c.email is not None and well_formed(c.email)), None)
