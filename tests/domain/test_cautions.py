"""How far contacts are trusted."""

from typing import Any

import pytest

from bot.domain.cautions import (
    Context,
    Flag,
    company_domain,
    company_key,
    customer_domain,
    flags,
    reachable,
    words,
)
from bot.domain.evaluation import Contact, Partner
from tests.builders import contact, license_

BO = contact(email="bo@acme.example", name="Bo Beech")


@pytest.mark.parametrize(
    ("technical", "billing", "domain"),
    [
        pytest.param(contact(), BO, "acme.example", id="the technical contact's"),
        pytest.param(contact(email="ana@gmail.com"), BO, "acme.example", id="else billing's"),
        pytest.param(None, BO, "acme.example", id="billing's, where there is nobody else"),
        pytest.param(contact(email="ana@Yahoo.co.uk"), None, None, id="never a domain that anybody can have"),
        pytest.param(contact(email="ana at acme"), None, None, id="nor one of an address that is none"),
        pytest.param(None, None, None, id="nobody"),
    ],
)
def test_the_domain_that_stands_for_a_company(
    technical: Contact | None, billing: Contact | None, domain: str | None
) -> None:
    assert company_domain(license_(technical=technical, billing=billing)) == domain


@pytest.mark.parametrize(
    ("technical", "billing", "who"),
    [
        pytest.param(contact(), BO, contact(), id="technical first"),
        pytest.param(Contact(name="Ana"), BO, BO, id="whoever has an address"),
        pytest.param(contact(email="ana at acme"), BO, BO, id="whoever has a good one"),
        pytest.param(Contact(forgotten=True), Contact(name="Bo"), None, id="nobody"),
    ],
)
def test_the_contact_to_write_to_first(technical: Contact | None, billing: Contact | None, who: Contact | None) -> None:
    assert reachable(license_(technical=technical, billing=billing)) == who


ELSEWHERE = contact(email="bo@other.example")
RESELLER = Partner(name="Resell & Co", kind="Corporate_reseller")


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        pytest.param({}, (), id="nothing to say"),
        pytest.param({"sandbox": True}, (Flag.SANDBOX,), id="sandbox"),
        pytest.param({"sandbox": False}, (), id="no sandbox"),
        pytest.param({"atlassian": True}, (Flag.ATLASSIAN,), id="Atlassian"),
        pytest.param({"migration": True}, (Flag.MIGRATION,), id="migration"),
        pytest.param({"partner": RESELLER}, (Flag.PARTNER,), id="partner"),
        pytest.param({"technical": None}, (Flag.NO_CONTACT,), id="no contact"),
        pytest.param({"technical": None, "partner": RESELLER}, (Flag.NO_CONTACT,), id="nobody, of a partner or not"),
        pytest.param({"technical": Contact(name="Ana")}, (Flag.NO_CONTACT,), id="a name and no address"),
        pytest.param({"technical": Contact(forgotten=True)}, (Flag.FORGOTTEN,), id="forgotten"),
        pytest.param({"technical": Contact(forgotten=True), "billing": BO}, (), id="forgotten, and another is not"),
        pytest.param({"technical": contact(email="ana at acme")}, (Flag.MALFORMED,), id="malformed"),
        pytest.param({"technical": contact(email="Ana@Gmail.com")}, (Flag.FREE_MAIL,), id="free mail"),
        pytest.param({"billing": BO}, (), id="billing at the same company"),
        pytest.param({"billing": ELSEWHERE}, (Flag.CONTACTS_DIFFER,), id="billing elsewhere"),
        pytest.param({"billing": Contact(name="Bo")}, (), id="billing without an address"),
        pytest.param({"billing": contact(email="bo at other")}, (), id="billing without a good address"),
        pytest.param(
            {
                "sandbox": True,
                "atlassian": True,
                "migration": True,
                "partner": RESELLER,
                "technical": contact(email="info@web.de"),
                "billing": BO,
            },
            (
                Flag.ATLASSIAN,
                Flag.SANDBOX,
                Flag.MIGRATION,
                Flag.PARTNER,
                Flag.FREE_MAIL,
                Flag.ROLE,
                Flag.CONTACTS_DIFFER,
            ),
            id="all that can come together, most important first",
        ),
    ],
)
def test_what_to_know_before_writing(seen: dict[str, Any], found: tuple[Flag, ...]) -> None:
    shown = license_(**seen)
    assert flags(shown, reachable(shown) or next(iter(shown.contacts), None)) == found


@pytest.mark.parametrize(
    ("address", "is_desk"),
    [
        ("IT@acme.example", True),
        ("jira-admin@acme.example", True),
        ("it.support2@acme.example", True),
        ("no-reply@acme.example", True),
        ("help_desk@acme.example", True),
        ("info+atlassian@acme.example", True),
        ("ana@acme.example", False),
        ("ana.admin@acme.example", False),
        ("ana+jira@acme.example", False),
        ("itana@acme.example", False),
        ("+@acme.example", False),
    ],
)
def test_an_address_of_desks_is_nobodys(address: str, *, is_desk: bool) -> None:
    desk = contact(email=address)
    assert flags(license_(technical=desk), desk) == ((Flag.ROLE,) if is_desk else ())


MANY_SITES = Context(sites=3)
PARTNER_DOMAIN = Context(partner_domain=True)


@pytest.mark.parametrize(
    ("seen", "whose", "context", "found"),
    [
        pytest.param({}, contact(), Context(sites=2), (), id="an address on two other sites"),
        pytest.param({}, contact(), MANY_SITES, (Flag.MANY_SITES,), id="an address on three other sites"),
        pytest.param({"billing": BO}, BO, MANY_SITES, (), id="which says nothing of the other contact"),
        pytest.param({}, contact(), PARTNER_DOMAIN, (Flag.PARTNER_DOMAIN,), id="a partner's domain"),
        pytest.param({"billing": BO}, BO, PARTNER_DOMAIN, (Flag.PARTNER_DOMAIN,), id="of the other contact, too"),
        pytest.param(
            {"billing": ELSEWHERE},
            ELSEWHERE,
            PARTNER_DOMAIN,
            (Flag.CONTACTS_DIFFER,),
            id="but not of one at another domain",
        ),
        pytest.param(
            {}, contact(), Context(sites=9, partner_domain=True), (Flag.MANY_SITES,), id="the surer sign is enough"
        ),
        pytest.param({"partner": RESELLER}, contact(), MANY_SITES, (Flag.PARTNER,), id="what is certain most of all"),
        pytest.param({"technical": None}, None, MANY_SITES, (Flag.NO_CONTACT,), id="nobody"),
    ],
)
def test_a_contact_may_be_somebody_who_works_for_many(
    seen: dict[str, Any], whose: Contact | None, context: Context, found: tuple[Flag, ...]
) -> None:
    assert flags(license_(**seen), whose, context) == found


@pytest.mark.parametrize(
    ("flag", "partner", "said"),
    [
        pytest.param(Flag.SANDBOX, None, "Sandbox site", id="fixed words"),
        pytest.param(
            Flag.MANY_SITES, None, "This address is on 3 other sites: perhaps a consultant or reseller", id="a number"
        ),
        pytest.param(
            Flag.PARTNER,
            RESELLER,
            "Through Resell & Co (corporate reseller): the contact may be theirs, not the customer's",
            id="a name",
        ),
        pytest.param(
            Flag.PARTNER,
            Partner(name="{sites}"),
            "Through {sites}: the contact may be theirs, not the customer's",
            id="a strange name",
        ),
        pytest.param(
            Flag.PARTNER,
            Partner(kind="Expert"),
            "Through a partner (expert): the contact may be theirs, not the customer's",
            id="no name",
        ),
    ],
)
def test_a_flag_is_said_in_words(flag: Flag, partner: Partner | None, said: str) -> None:
    assert words(flag, license_(partner=partner), MANY_SITES) == said


@pytest.mark.parametrize(
    ("company", "key"),
    [
        ("Acme, Inc.", "acmeinc"),
        ("Straße 7", "strasse7"),
        ("3M", "3m"),
        ("株式会社", "株式会社"),
        (None, None),
        ("", None),
        ("…", None),
        ("x", None),
        ("XXX", None),
        ("0000", None),
        ("N/A", None),
        ("- none -", None),
        ("Test", None),
        ("My Company", None),
        ("ana@acme.example", None),
    ],
)
def test_a_company_is_compared_by_a_name_that_names_it(company: str | None, key: str | None) -> None:
    assert company_key(company) == key


def test_a_partners_domain_is_not_the_customers() -> None:
    assert customer_domain(license_()) == "acme.example"
    assert customer_domain(license_(partner=RESELLER)) is None
