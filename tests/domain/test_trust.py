"""How far contacts are trusted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.evaluation import Contact
from bot.domain.trust import Flag, company_domain, domain_of, flags, normalised, reachable, well_formed
from tests.builders import contact, license_

BO = contact(email="bo@acme.example", name="Bo Beech")


@pytest.mark.parametrize(
    "address",
    [
        "ana@acme.example",
        "ana.ash+jira@mail.acme.example",
        "o'hara@acme.example",
        "ana_ash@acme-and-sons.co.example",
        "änne@müller.example",
        "a@b.co",
        f"{'a' * 241}@acme.example",
    ],
)
def test_mail_can_be_sent_to_an_address(address: str) -> None:
    assert well_formed(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ana",
        "ana@acme",
        "@acme.example",
        "ana@",
        "ana@acme..example",
        "ana@.example",
        "ana@acme.e",
        "ana@acme.example.",
        "ana@bo@acme.example",
        "ana ash@acme.example",
        "ana@acme.example\n",
        "ana@acme.example, bo@acme.example",
        "ana@acme.example;bo@acme.example",
        "Ana <ana@acme.example>",
        "<ana@acme.example>",
        '"ana"@acme.example',
        "ana@[127.0.0.1]",
        "mailto:ana@acme.example",
        f"{'a' * 242}@acme.example",
    ],
)
def test_mail_cannot_be_sent_to_anything_else(address: str) -> None:
    assert not well_formed(address)


@given(address=st.emails())
def test_an_address_counts_as_the_same_however_it_is_spelled(address: str) -> None:
    assert normalised(f"  {address.upper()}\n") == normalised(address.lower())


@pytest.mark.parametrize(
    ("address", "domain"),
    [("Ana@ACME.example", "acme.example"), (" ana@acme.example ", "acme.example"), ("ana", None), (None, None)],
)
def test_the_domain_of_an_address(address: str | None, domain: str | None) -> None:
    assert domain_of(address) == domain


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


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        pytest.param({}, (), id="nothing to say"),
        pytest.param({"sandbox": True}, (Flag.SANDBOX,), id="sandbox"),
        pytest.param({"sandbox": False}, (), id="no sandbox"),
        pytest.param({"atlassian": True}, (Flag.ATLASSIAN,), id="Atlassian"),
        pytest.param({"migration": True}, (Flag.MIGRATION,), id="migration"),
        pytest.param({"technical": None}, (Flag.NO_CONTACT,), id="no contact"),
        pytest.param({"technical": Contact(name="Ana")}, (Flag.NO_CONTACT,), id="a name and no address"),
        pytest.param({"technical": Contact(forgotten=True)}, (Flag.FORGOTTEN,), id="forgotten"),
        pytest.param({"technical": Contact(forgotten=True), "billing": BO}, (), id="forgotten, and another is not"),
        pytest.param({"technical": contact(email="ana at acme")}, (Flag.MALFORMED,), id="malformed"),
        pytest.param({"technical": contact(email="Ana@Gmail.com")}, (Flag.FREE_MAIL,), id="free mail"),
        pytest.param({"technical": contact(email="IT@acme.example")}, (Flag.ROLE,), id="role"),
        pytest.param({"billing": BO}, (), id="billing at the same company"),
        pytest.param({"billing": contact(email="b@other.example")}, (Flag.BILLING_DIFFERS,), id="billing elsewhere"),
        pytest.param({"billing": Contact(name="Bo")}, (), id="billing without an address"),
        pytest.param(
            {
                "sandbox": True,
                "atlassian": True,
                "migration": True,
                "technical": contact(email="info@web.de"),
                "billing": BO,
            },
            (Flag.ATLASSIAN, Flag.SANDBOX, Flag.MIGRATION, Flag.FREE_MAIL, Flag.ROLE, Flag.BILLING_DIFFERS),
            id="all that can come together, most important first",
        ),
    ],
)
def test_what_to_know_before_writing(seen: dict[str, Any], found: tuple[Flag, ...]) -> None:
    assert flags(license_(**seen)) == found
