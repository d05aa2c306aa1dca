"""The licenses of a vendor with any number of them, the same at every call. All companies and people are invented."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Final

from bot.demo.scenario.sample_data import (
    COMPASS,
    LANTERNS,
    TRAIL,
    TRIAL_DAYS,
    Customer,
    Record,
    contact_details,
    license_record,
    sale,
)

TODAY: Final = date(2026, 11, 23)
"""The day of the first read of the report."""
NOON: Final = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)
_QUIET_DAYS: Final = 4
"""No license was updated later than this many days ago, unless it is `changed`: a poll finds only these."""
A_ROUND: Final = 50
"""Licenses that change from one poll to the next."""
_YEARS: Final = 8
_A_SITE: Final = 3
"""Licenses of each customer."""
_FIRST_WORDS: Final = "Amber Birch Cobalt Delta Ember Fern Granite Harbour Indigo Juniper Kestrel Larch Maple".split()
_SECOND_WORDS: Final = "Analytics Bakery Cargo Dental Energy Foods Games Health Insurance Labs Motors Optics".split()
_FIRST_NAMES: Final = "Ada Bela Caro Dina Emil Finn Gita Hugo Ines Jona Kian Lena Milo Nora Otto Pia Quin Rosa".split()
_LAST_NAMES: Final = "Sample Test Mockup Placeholder Example Demo Dummy Muster Prueba Exemple Esempio".split()
_PLACES: Final = (
    ("Germany", "EMEA"),
    ("Canada", "Americas"),
    ("Japan", "APAC"),
    ("Kenya", "EMEA"),
    ("Peru", "Americas"),
)
_NEW: Final = 100_000_000
"""Added to the number of a license that was never seen."""


def row(number: int) -> Record:
    """Return a license as in the report: mostly bought or over, one in a hundred a running trial."""
    chance = Random(number)
    customer = _customer(number // _A_SITE)
    began = TODAY - timedelta(days=chance.randrange(1, _YEARS * 365))
    over = began + timedelta(days=TRIAL_DAYS)
    fields: Record = {"contactDetails": _contacts(customer)}
    if chance.random() < 0.1:
        fields["partnerDetails"] = {"partnerName": f"{customer.company} Resale", "partnerType": "Reseller"}
    stated = over + timedelta(days=1)
    match chance.random():
        case _ if over >= TODAY:
            stated = began + timedelta(days=1)
        case roll if roll < 0.45:
            stated = began + timedelta(days=chance.randrange(2, TRIAL_DAYS))
            fields |= _bought(number, customer, began, sold=stated)
        case roll if roll < 0.85:
            fields |= {"status": "inactive" if roll < 0.8 else "cancelled"}
        case roll if roll < 0.93:
            fields |= _bought(number, customer, began, sold=began) | _on_premises(number)
        case _:
            free = {"licenseType": "ACADEMIC", "tier": "100 Users", "latestEvaluationStartDate": None}
            fields |= _bought(number, customer, began, sold=began) | free
    fields["lastUpdated"] = min(stated, TODAY - timedelta(days=_QUIET_DAYS)).isoformat()
    return license_record(number, chance.choice((LANTERNS, TRAIL, COMPASS)), customer, began, **fields)


def changed(number: int) -> Record:
    """Return the same license, updated today: bought, or with another tier. One in ten is a trial never seen before."""
    today = {"lastUpdated": TODAY.isoformat()}
    if number % 10 == 0:
        return license_record(number + _NEW, LANTERNS, _customer(number + _NEW), TODAY - timedelta(days=1), **today)
    was = row(number)
    if was["licenseType"] != "EVALUATION":
        return was | today | {"tier": "9000 Users", "appEdition": "Advanced"}
    began = date.fromisoformat(was["latestEvaluationStartDate"])
    return was | today | _bought(number, _customer(number // _A_SITE), began, sold=TODAY) | {"status": "active"}


def touched(number: int, time: int) -> Record:
    """Return the same license as Atlassian sends it once all are touched: with a fresh date and another tier."""
    day = TODAY + timedelta(days=1 + time)
    return row(number) | {"lastUpdated": day.isoformat(), "tier": f"{9000 + time} Users"}


def _customer(number: int) -> Customer:
    chance = Random(f"customer {number}")
    words = f"{chance.choice(_FIRST_WORDS)} {chance.choice(_SECOND_WORDS)}"
    site = f"{words.replace(' ', '-').lower()}-{number}"
    first, last = chance.choice(_FIRST_NAMES), chance.choice(_LAST_NAMES)
    country, region = chance.choice(_PLACES)
    return Customer(
        company=f"{words} {number} Ltd",
        country=country,
        region=region,
        site=site,
        person=f"{first} {last}",
        email=f"{first}.{last}@{site}.example".lower(),
        users=chance.choice((10, 25, 50, 100, 500, 2000)),
    )


def _contacts(customer: Customer) -> Record:
    technical = {"email": customer.email, "name": customer.person, "phone": "+000 000 0000", "city": "Sampleton"}
    billing = {"email": f"billing@{customer.site}.example", "name": "Billing Office"}
    return contact_details(customer) | {"technicalContact": technical, "billingContact": billing}


def _bought(number: int, customer: Customer, began: date, *, sold: date) -> Record:
    years = 1 + number % _YEARS
    ends = sold + timedelta(days=365 * years)
    status = "active" if ends >= TODAY else "inactive"
    return sale(number, customer, began, sold) | {"maintenanceEndDate": ends.isoformat(), "status": status}


def _on_premises(number: int) -> Record:
    return {
        "hosting": "Data Center",
        "addonLicenseId": str(number),
        "licenseId": f"SEN-{number}",
        "appEntitlementId": None,
        "cloudId": None,
        "cloudSiteHostname": None,
        "evaluationLicense": None,
        "latestEvaluationStartDate": None,
    }
