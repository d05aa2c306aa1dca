"""Cautions about a contact: signs that they may not be the person who evaluates."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from bot.domain.address import canonical, domain_of, is_address
from bot.domain.evaluation import Contact, License, Partner

FREE_MAIL: Final = frozenset(
    "126.com 163.com aol.com fastmail.com foxmail.com free.fr freenet.de gmail.com gmx.at gmx.ch gmx.de gmx.net "
    "googlemail.com hanmail.net hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.es hotmail.fr hotmail.it "
    "icloud.com inbox.ru laposte.net libero.it live.co.uk live.com live.fr live.nl mac.com mail.com mail.ru me.com "
    "msn.com naver.com orange.fr outlook.com outlook.de outlook.es outlook.fr pm.me proton.me protonmail.com "
    "qq.com rediffmail.com seznam.cz t-online.de tuta.com tutanota.com wanadoo.fr web.de wp.pl yahoo.ca "
    "yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.br yahoo.de yahoo.es yahoo.fr yahoo.it yandex.com "
    "yandex.ru ymail.com zoho.com".split()
)
"""Domains where anybody can have an address; they say nothing about a company."""

ROLES: Final = frozenset(
    "accounting accounts admin administrator apps atlassian billing cloud confluence contact dev devops finance hello "
    "help helpdesk hostmaster hr info invoice invoices it jira license licenses licensing mail marketing noreply "
    "office operations ops orders postmaster procurement purchasing root sales security service software support "
    "sysadmin team tools webmaster".split()
)
"""Local parts that name a desk rather than a person."""

MANY: Final = 3
"""From this many other customers on, an address probably belongs to a consultant or reseller."""

_NO_COMPANY: Final = frozenset(
    "asdf company companyname demo example freelance freelancer home individual me mycompany na nil no nocompany none "
    "notapplicable null organisation organization personal private privat self selfemployed student tbd test test1 "
    "test123 testcompany tester testing unknown xyz 123 1234".split()
)
"""What people type where a form requires a company."""

_NO_LETTERS: Final = re.compile(r"[\W_]+")
_REMEMBERED: Final = 1024
"""How many names have their key cached: a new license asks for the same one five times."""


class Caution(StrEnum):
    """Something to know before emailing a contact; `describe` returns the sentence."""

    ATLASSIAN = "Atlassian's own license"
    SANDBOX = "Sandbox site"
    MIGRATION = "Part of a move from Data Center to Cloud"
    PARTNER = "Through {partner}: the contact may be theirs, not the customer's"
    MANY_SITES = "This address is on {sites} other sites: perhaps a consultant or reseller"
    PARTNER_DOMAIN = "A partner of other customers has this email domain: perhaps a reseller"
    LEFT = "They removed the app"
    GONE = "Their mailbox said that this person may have left the company"
    NO_CONTACT = "No contact in the report"
    FORGOTTEN = "Contact asked Atlassian to be forgotten"
    MALFORMED = "The address in the report is not an email address"
    FREE_MAIL = "Free email provider"
    ROLE = "Role address, not a person"
    CONTACTS_DIFFER = "Technical and billing contact have different email domains"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerContext:
    """What the vendor's other licenses say about the same customer. Apps are given by name; this license is
    left out.
    """

    customer_of: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    """Apps they have a license for, with no known purchase."""
    paid_for: tuple[tuple[str, str], ...] = ()
    """Apps they no longer pay for, each with the last year they did."""
    evaluating: tuple[str, ...] = ()
    evaluated: tuple[str, ...] = ()
    """Years of earlier trials of this app."""
    sites: int = 0
    """How many other customers have the address of `reachable` on a license. All sites of one company count once."""
    partner_domain: bool = False
    """Whether `company_domain` belongs to a partner of several other customers."""
    has_left: bool = False
    """Whether the report says that they removed the app during this evaluation."""
    gone: frozenset[str] = frozenset()
    """The canonical addresses of contacts whose mailbox said that they no longer work there."""


NO_CONTEXT: Final = CustomerContext()


def company_domain(license_: License) -> str | None:
    """Return the mail domain that stands for a company, or None. It may be a partner's.

    It is that of the first contact whose domain is not a free-mail provider.
    """
    for contact in license_.contacts:
        domain = domain_of(contact.email)
        if domain is not None and domain not in FREE_MAIL:
            return domain
    return None


def customer_domain(license_: License) -> str | None:
    """Return the mail domain that identifies a customer, or None for licenses sold through a partner."""
    return None if license_.partner else company_domain(license_)


@lru_cache(maxsize=_REMEMBERED)
def company_key(company: str | None) -> str | None:
    """Return a company's name for comparison: letters and digits, case folded. None if it names nobody (“n/a”, “x”)."""
    key = _NO_LETTERS.sub("", (company or "").casefold())
    names_nobody = len(set(key)) < 2 or key in _NO_COMPANY or is_address(company or "")  # noqa: PLR2004  x, xx, 000
    return None if names_nobody else key


def reachable(license_: License) -> Contact | None:
    """Return the contact to show and to email first: technical before billing, with a usable address. None if there is
    none.
    """
    return next((c for c in license_.contacts if c.email is not None and is_address(c.email)), None)


def cautions_for(
    license_: License, contact: Contact | None, context: CustomerContext = NO_CONTEXT
) -> tuple[Caution, ...]:
    """Return the cautions for this license and this contact on it, most important first."""
    of_license = (
        (Caution.ATLASSIAN, license_.atlassian),
        (Caution.LEFT, context.has_left),
        (Caution.SANDBOX, license_.sandbox is True),
        (Caution.MIGRATION, license_.migration),
    )
    if contact is not None and contact.email is not None and is_address(contact.email):
        gone = (Caution.GONE,) if canonical(contact.email) in context.gone else ()
        about = (*gone, *_relation(license_, contact, contact.email, context), *_address(license_, contact.email))
    elif contact is not None and contact.email is not None:
        about = (Caution.MALFORMED,)
    else:
        about = (Caution.FORGOTTEN if contact is not None and contact.forgotten else Caution.NO_CONTACT,)
    return (*(flag for flag, holds in of_license if holds), *about)


def describe(flag: Caution, license_: License, context: CustomerContext) -> str:
    """Return the sentence for a caution, as plain text."""
    partner = license_.partner or Partner()
    kind = f" ({partner.kind.replace('_', ' ').lower()})" if partner.kind else ""
    return flag.format(partner=f"{partner.name or 'a partner'}{kind}", sites=context.sites)


def _relation(license_: License, contact: Contact, address: str, context: CustomerContext) -> tuple[Caution, ...]:
    """Return the strongest sign that the contact works for the customer from outside, if any."""
    signs = (
        (Caution.PARTNER, license_.partner is not None),
        (Caution.MANY_SITES, context.sites >= MANY and contact == reachable(license_)),
        (Caution.PARTNER_DOMAIN, context.partner_domain and domain_of(address) == company_domain(license_)),
    )
    return tuple(flag for flag, holds in signs if holds)[:1]


def _address(license_: License, address: str) -> tuple[Caution, ...]:
    local, _, domain = canonical(address).rpartition("@")
    domains = {domain_of(each.email) for each in license_.contacts} - {None}
    found = (
        (Caution.FREE_MAIL, domain in FREE_MAIL),
        (Caution.ROLE, _names_a_desk(local)),
        (Caution.CONTACTS_DIFFER, len(domains) > 1),
    )
    return tuple(flag for flag, holds in found if holds)


def _names_a_desk(local: str) -> bool:
    """Return whether a local part consists of desks only: it-support, jira.admin2, info+atlassian."""
    parts = [part.rstrip("0123456789") for part in re.split(r"[._-]", local.partition("+")[0])]
    return "".join(parts) in ROLES or all(part in ROLES for part in parts)
