"""Records as the Marketplace writes them, and worse."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.domain.evaluation import Contact, License, Partner
from bot.marketplace.license_record import InvalidRecord, parse_license

SAMPLE = Path(__file__).parent.parent / "fixtures" / "licenses-v3-last-page.json"
BARE: dict[str, Any] = {
    "appEntitlementNumber": "E-4AB-12C-D3E-F45",
    "addonKey": "com.example.demo-app",
    "licenseType": "EVALUATION",
    "status": "active",
    "hosting": "Cloud",
    "maintenanceStartDate": "2026-11-20",
    "lastUpdated": "2026-11-21",
}
NEEDED = sorted(BARE.keys() - {"appEntitlementNumber"})


def read(**fields: object) -> License:
    found = parse_license(BARE | fields)
    assert isinstance(found, License), found
    return found


def read_contact(**fields: object) -> Contact | None:
    return read(contactDetails={"technicalContact": fields}).technical


def test_a_cloud_trial_of_the_sample_page_is_read_whole() -> None:
    assert parse_license(json.loads(SAMPLE.read_text())["licenses"][0]) == License(
        app_key="com.example.demo-app",
        app_name="Demo App for Jira",
        aliases=frozenset({"0b7c5a9e-1111-4c1a-9a01-000000000007", "E-5CD-21E-F4G-H56"}),
        cloud_id="6f1d0c52-2222-4e57-8f10-000000000007",
        hosting="Cloud",
        license_type="EVALUATION",
        status="active",
        starts=date(2026, 11, 22),
        updated=date(2026, 11, 22),
        ends=date(2026, 12, 22),
        latest_evaluation=date(2026, 11, 22),
        tier="Evaluation",
        site="example-sandbox.atlassian.net",
        company="Contoso Sample Inc",
        country="United States",
        region="Americas",
        technical=Contact(email="grace@contoso.test", name="Grace Example"),
    )


def test_a_sold_license_of_the_sample_page_remembers_its_trial() -> None:
    sold = parse_license(json.loads(SAMPLE.read_text())["licenses"][1])
    assert isinstance(sold, License)
    assert (sold.license_type, sold.tier, sold.edition) == ("COMMERCIAL", "50 Users", "Standard")
    assert (sold.latest_evaluation, sold.days_to_convert) == (date(2026, 10, 20), 0)
    assert (sold.opportunity_size, sold.parent_product, sold.parent_edition) == (None, "Jira", "Standard")
    assert sold.sandbox is False


def test_the_barest_record_is_enough() -> None:
    assert read() == License(
        app_key="com.example.demo-app",
        app_name="com.example.demo-app",
        aliases=frozenset({"E-4AB-12C-D3E-F45"}),
        hosting="Cloud",
        license_type="EVALUATION",
        status="active",
        starts=date(2026, 11, 20),
        updated=date(2026, 11, 21),
    )


@pytest.mark.parametrize("field", NEEDED)
@pytest.mark.parametrize("value", [None, "", " \r", "null", [], {}, True])
def test_a_needed_field_that_says_nothing_sets_the_record_aside(field: str, value: object) -> None:
    found = parse_license(BARE | {field: value})
    assert isinstance(found, InvalidRecord)
    assert found.ref == "E-4AB-12C-D3E-F45"
    assert found.reason.startswith(f"{field} is ")


def test_every_missing_field_is_named() -> None:
    found = parse_license({"licenseId": "SEN-1", "addonKey": "a", "licenseType": "EVALUATION"})
    assert found == InvalidRecord(
        ref="SEN-1",
        reason="status is missing; hosting is missing; maintenanceStartDate is missing; lastUpdated is missing",
    )


def test_a_bad_date_is_named_without_being_quoted() -> None:
    found = parse_license(BARE | {"lastUpdated": "ana@acme.example"})
    assert found == InvalidRecord(ref="E-4AB-12C-D3E-F45", reason="lastUpdated is not a date")


def test_an_address_in_the_place_of_an_id_is_not_shown() -> None:
    found = parse_license({"appEntitlementNumber": "ana@acme.example", "addonLicenseId": 77})
    assert isinstance(found, InvalidRecord)
    assert found.ref == "77"


@pytest.mark.parametrize("record", [None, [], "x", 3, {}, {"contactDetails": {"company": "Acme Example"}}])
def test_what_is_no_license_at_all_has_no_id(record: object) -> None:
    found = parse_license(record)
    assert isinstance(found, InvalidRecord)
    assert found.ref == "no id"


@pytest.mark.parametrize("number", [None, "", "NA", "Pending", "null"])
def test_a_record_without_an_id_is_set_aside(number: object) -> None:
    found = parse_license(BARE | {"appEntitlementNumber": number})
    assert isinstance(found, InvalidRecord)
    assert "addonLicenseId" in found.reason


def test_every_own_id_is_an_alias_and_a_number_is_a_text() -> None:
    found = read(appEntitlementId="0b7c", licenseId="SEN-12345", addonLicenseId=12345)
    assert found.aliases == {"E-4AB-12C-D3E-F45", "0b7c", "SEN-12345", "12345"}


@pytest.mark.parametrize(
    "host",
    [
        {"hostLicenseId": 777, "licenseId": "SEN-777"},
        {"hostLicenseId": "SEN-777", "licenseId": "SEN-777"},
        {"hostEntitlementId": "x", "hostEntitlementNumber": "E-9"},
    ],
)
def test_the_ids_of_the_host_are_no_aliases(host: dict[str, object]) -> None:
    assert read(**host).aliases == {"E-4AB-12C-D3E-F45"}


def test_a_host_number_in_the_license_id_is_better_than_no_id() -> None:
    found = read(appEntitlementNumber=None, licenseId="SEN-777", hostLicenseId="777")
    assert found.aliases == {"SEN-777"}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Cloud", "Cloud"),
        ("CLOUD", "Cloud"),
        ("Data Center", "Data Center"),
        ("Data center", "Data Center"),
        ("datacenter", "Data Center"),
        ("server", "Server"),
        ("Moon Base", "Moon Base"),
    ],
)
def test_hosting_has_one_spelling_and_new_ones_are_kept(written: str, expected: str) -> None:
    assert read(hosting=written).hosting == expected


def test_enumerations_have_one_case_and_new_values_are_kept() -> None:
    found = read(licenseType="upgrade_evaluation", status="ACTIVE")
    assert (found.license_type, found.status, found.is_evaluation) == ("UPGRADE_EVALUATION", "active", True)
    assert read(licenseType="Foundation_Free").license_type == "FOUNDATION_FREE"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-11-22", date(2026, 11, 22)),
        (" 2026-11-22\r", date(2026, 11, 22)),
        ("2026-11-22T23:59:59-12:00", date(2026, 11, 22)),
        ("2026-11-22 00:00:00.000Z", date(2026, 11, 22)),
        ("2026-02-30", None),
        ("20261122", None),
        ("2026-W47-1", None),
        ("2026-11-222", None),
        ("NA", None),
        (1763769600, None),
    ],
)
def test_a_day_is_the_day_that_is_written(written: object, expected: date | None) -> None:
    assert read(maintenanceEndDate=written).ends == expected


def test_an_end_before_the_start_is_kept() -> None:
    assert read(maintenanceEndDate="2020-01-01").ends == date(2020, 1, 1)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("Yes", True), ("no", False), ("true", True), ("False", False), (True, True), (False, False)]
    + [(value, None) for value in ("Pending", "NA", "", None, 1, "maybe")],
)
def test_the_sandbox_is_known_only_from_yes_or_no(written: object, expected: bool | None) -> None:  # noqa: FBT001
    assert read(installedOnSandbox=written).sandbox is expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [(word, word) for word in ("250", "Evaluation", "Unlimited Users", "Unknown")]
    + [(250, "250")]
    + [(value, None) for value in ("", "NA", "Pending", "null", None)],
)
def test_a_size_is_a_number_or_a_word_once_it_is_computed(written: object, expected: str | None) -> None:
    assert read(evaluationOpportunitySize=written).opportunity_size == expected


@pytest.mark.parametrize("written", ["Pending", "NA", "Unknown", "unknown", "", " ", "null", "\r", None, [], 1.5])
def test_words_for_not_known_are_nothing(written: object) -> None:
    found = read(
        parentProductName=written,
        parentProductEdition=written,
        appEdition=written,
        cloudSiteHostname=written,
        attribution={"channel": written},
        contactDetails={"region": written, "country": written},
        tier=written,
        addonName=written,
    )
    assert found == read()


@pytest.mark.parametrize(("written", "expected"), [("0", 0), (12, 12), ("NA", None), ("-1", None), ("9" * 30, None)])
def test_days_to_convert_are_a_count(written: object, expected: int | None) -> None:
    assert read(daysToConvertEval=written).days_to_convert == expected


def test_the_trial_of_a_higher_edition_is_known_by_its_start_and_the_edition() -> None:
    found = read(upgradeEvaluationStartDate="2026-11-20", upgradeEvaluatingEdition="Advanced")
    assert (found.upgrade_started, found.upgrade_to) == (date(2026, 11, 20), "Advanced")
    assert (read().upgrade_started, read().upgrade_to) == (None, None)


def test_texts_lose_stray_line_ends_and_what_no_database_stores() -> None:
    found = read(contactDetails={"company": " Acme\r\nExample\x00 \ud800GmbH\r"}, tier="10 Users\r")
    assert (found.company, found.tier) == ("Acme Example GmbH", "10 Users")


def test_a_company_may_be_called_pending_but_not_rtbf() -> None:
    assert read(contactDetails={"company": "Pending"}).company == "Pending"
    assert read(contactDetails={"company": "RTBF"}).company is None


def test_a_contact_has_an_address_or_a_name() -> None:
    assert read_contact(email="ana@acme.example\r", name="null") == Contact(email="ana@acme.example")
    assert read_contact(name="Ana Example") == Contact(name="Ana Example")
    assert read_contact(email="", name="null", phone="0") is None
    assert read().technical is None


@pytest.mark.parametrize("field", ["email", "name", "phone", "address1", "somethingNew"])
def test_of_a_forgotten_contact_nothing_is_kept(field: str) -> None:
    contact = {"email": "ana@acme.example", "name": "Ana Example"} | {field: "RTBF"}
    assert read_contact(**contact) == Contact(forgotten=True)


def test_the_billing_contact_is_read_like_the_technical_one() -> None:
    found = read(contactDetails={"billingContact": {"email": "bill@acme.example"}, "technicalContact": []})
    assert found.contacts == (Contact(email="bill@acme.example"),)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"partnerName": "Bridge", "partnerType": "Reseller"}, Partner(name="Bridge", kind="Reseller")),
        ({"partnerName": "Bridge", "partnerType": "Unknown", "billingContact": {}}, Partner(name="Bridge")),
        ({"partnerType": "Expert"}, Partner(kind="Expert")),
        ({"billingContact": {}}, None),
        ({}, None),
        ("Bridge", None),
    ],
)
def test_a_partner_has_a_name_or_a_kind(written: object, expected: Partner | None) -> None:
    assert read(partnerDetails=written).partner == expected


def test_atlassian_itself_and_migrations_are_marked() -> None:
    assert read(licenseSourceType="Atlassian").atlassian
    assert not read(licenseSourceType="Non-Atlassian").atlassian
    assert read(cmtDetails={"status": "non-converted"}).migration
    assert not read(cmtDetails={}).migration


UNSEEN = (
    *("\u200b", "\ufeff", "\u00ad", "\u2060", "\u200e", "\u200f", "\u202a", "\u202c", "\u2066", "\u061c", "\u180e"),
    *("\ufe0f", "\u034f", "\u3164", "\u115f", "\u2800", "\U000e0041", "\x00", "\x7f", "\x9f", "\u200c", "\u200d"),
)
"""Characters that nobody sees."""


@pytest.mark.parametrize("char", UNSEEN, ids=ascii)
def test_what_nobody_sees_leaves_every_text(char: str) -> None:
    def hidden(text: str) -> str:
        return f"{char}{text[:2]}{char}{text[2:]}{char}"

    details: dict[str, object] = {"company": hidden("Acme"), "country": hidden("Norway"), "region": hidden("EMEA")}
    details |= {"technicalContact": {"email": hidden("bob@zwsp.example"), "name": hidden("Bob Birch")}}
    texts = {name: hidden(str(value)) for name, value in BARE.items()}
    found = parse_license({**texts, "contactDetails": details, "cloudSiteHostname": hidden("acme.atlassian.net")})
    plain: dict[str, object] = {"company": "Acme", "country": "Norway", "region": "EMEA"}
    plain |= {"technicalContact": {"email": "bob@zwsp.example", "name": "Bob Birch"}}
    assert found == read(contactDetails=plain, cloudSiteHostname="acme.atlassian.net")
    assert read_contact(email=hidden("RTBF")) == Contact(forgotten=True)
    assert read_contact(email=char, name=f"{char}{char}") is None


@pytest.mark.parametrize("name", ["علی\u200cرضا", "क्\u200dष", "ශ්\u200dරී", "Mission 👩\u200d🚀", "👩🏽\u200d💻 Studio"])
def test_a_joiner_stays_where_it_shapes_what_is_seen(name: str) -> None:
    assert read_contact(name=name) == Contact(name=name)
    assert read_contact(name=f"\u200c{name}\u200d\u200c") == Contact(name=name)
