"""What speaks against a contact."""

from typing import Any

import pytest

from bot.domain.cautions import (
    Caution,
    CustomerContext,
    cautions_for,
    company_domain,
    company_key,
    customer_domain,
    describe,
    reachable,
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
        pytest.param(Contact(name="Ana"), BO, BO, id="the one with an address"),
        pytest.param(contact(email="ana at acme"), BO, BO, id="the one with a good address"),
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
        pytest.param({"sandbox": True}, (Caution.SANDBOX,), id="sandbox"),
        pytest.param({"sandbox": False}, (), id="no sandbox"),
        pytest.param({"atlassian": True}, (Caution.ATLASSIAN,), id="Atlassian"),
        pytest.param({"migration": True}, (Caution.MIGRATION,), id="migration"),
        pytest.param({"partner": RESELLER}, (Caution.PARTNER,), id="partner"),
        pytest.param({"technical": None}, (Caution.NO_CONTACT,), id="no contact"),
        pytest.param({"technical": None, "partner": RESELLER}, (Caution.NO_CONTACT,), id="nobody, of a partner or not"),
        pytest.param({"technical": Contact(name="Ana")}, (Caution.NO_CONTACT,), id="a name and no address"),
        pytest.param({"technical": Contact(forgotten=True)}, (Caution.FORGOTTEN,), id="forgotten"),
        pytest.param({"technical": Contact(forgotten=True), "billing": BO}, (), id="forgotten, and another is not"),
        pytest.param({"technical": contact(email="ana at acme")}, (Caution.MALFORMED,), id="malformed"),
        pytest.param({"technical": contact(email="Ana@Gmail.com")}, (Caution.FREE_MAIL,), id="free mail"),
        pytest.param({"billing": BO}, (), id="billing at the same company"),
        pytest.param({"billing": ELSEWHERE}, (Caution.CONTACTS_DIFFER,), id="billing elsewhere"),
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
                Caution.ATLASSIAN,
                Caution.SANDBOX,
                Caution.MIGRATION,
                Caution.PARTNER,
                Caution.FREE_MAIL,
                Caution.ROLE,
                Caution.CONTACTS_DIFFER,
            ),
            id="all that can come together, most important first",
        ),
    ],
)
def test_what_to_know_before_writing(seen: dict[str, Any], found: tuple[Caution, ...]) -> None:
    shown = license_(**seen)
    assert cautions_for(shown, reachable(shown) or next(iter(shown.contacts), None)) == found


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
    assert cautions_for(license_(technical=desk), desk) == ((Caution.ROLE,) if is_desk else ())


MANY_SITES = CustomerContext(sites=3)
PARTNER_DOMAIN = CustomerContext(partner_domain=True)


@pytest.mark.parametrize(
    ("seen", "whose", "context", "found"),
    [
        pytest.param({}, contact(), CustomerContext(sites=2), (), id="an address on two other sites"),
        pytest.param({}, contact(), MANY_SITES, (Caution.MANY_SITES,), id="an address on three other sites"),
        pytest.param({"billing": BO}, BO, MANY_SITES, (), id="which says nothing of the other contact"),
        pytest.param({}, contact(), PARTNER_DOMAIN, (Caution.PARTNER_DOMAIN,), id="a partner's domain"),
        pytest.param({"billing": BO}, BO, PARTNER_DOMAIN, (Caution.PARTNER_DOMAIN,), id="of the other contact, too"),
        pytest.param(
            {"billing": ELSEWHERE},
            ELSEWHERE,
            PARTNER_DOMAIN,
            (Caution.CONTACTS_DIFFER,),
            id="but not of one at another domain",
        ),
        pytest.param(
            {},
            contact(),
            CustomerContext(sites=9, partner_domain=True),
            (Caution.MANY_SITES,),
            id="the surer sign is enough",
        ),
        pytest.param(
            {"partner": RESELLER}, contact(), MANY_SITES, (Caution.PARTNER,), id="what is certain most of all"
        ),
        pytest.param({"technical": None}, None, MANY_SITES, (Caution.NO_CONTACT,), id="nobody"),
    ],
)
def test_a_contact_may_be_somebody_who_works_for_many(
    seen: dict[str, Any], whose: Contact | None, context: CustomerContext, found: tuple[Caution, ...]
) -> None:
    assert cautions_for(license_(**seen), whose, context) == found


@pytest.mark.parametrize(
    ("flag", "partner", "said"),
    [
        pytest.param(Caution.SANDBOX, None, "Sandbox site", id="fixed words"),
        pytest.param(
            Caution.MANY_SITES,
            None,
            "This address is on 3 other sites: perhaps a consultant or reseller",
            id="a number",
        ),
        pytest.param(
            Caution.PARTNER,
            RESELLER,
            "Through Resell & Co (corporate reseller): the contact may be theirs, not the customer's",
            id="a name",
        ),
        pytest.param(
            Caution.PARTNER,
            Partner(name="{sites}"),
            "Through {sites}: the contact may be theirs, not the customer's",
            id="a strange name",
        ),
        pytest.param(
            Caution.PARTNER,
            Partner(kind="Expert"),
            "Through a partner (expert): the contact may be theirs, not the customer's",
            id="no name",
        ),
    ],
)
def test_a_flag_is_said_in_words(flag: Caution, partner: Partner | None, said: str) -> None:
    assert describe(flag, license_(partner=partner), MANY_SITES) == said


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
