"""The demo's timeline: licenses that exist before it starts, then less than two minutes of arrivals and changes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import assert_never

from bot.demo.fake_marketplace.server import DemoMarketplace
from bot.demo.scenario.sample_data import (
    ALPEN,
    ANDES,
    ATLAS,
    BAOBAB,
    CEDAR,
    COMPASS,
    FJORD,
    GANGES,
    HELIX,
    KIWI,
    LANTERNS,
    LUMEN,
    MIRAGE,
    MOSAIC,
    NORTHWIND,
    PAMPA,
    PORTO,
    QUIET,
    ROCKET,
    SAKURA,
    SLOW,
    SOUTHERN,
    TAIGA,
    TRAIL,
    TRIAL_DAYS,
    TULIP,
    VEILED,
    VISTULA,
    App,
    Customer,
    Record,
    contact_details,
    entitlement,
    forgotten,
    license_record,
    new_id,
    sale,
)

BOUGHT, EXPIRED, CANCELLED, RUNNING = "bought", "expired", "cancelled", "running"

PAST: tuple[tuple[int, Customer, App, str], ...] = (
    (310, BAOBAB, LANTERNS, EXPIRED),
    (300, NORTHWIND, TRAIL, BOUGHT),
    (290, CEDAR, LANTERNS, BOUGHT),
    (280, HELIX, LANTERNS, BOUGHT),
    (268, GANGES, COMPASS, EXPIRED),
    (260, FJORD, TRAIL, BOUGHT),
    (252, SOUTHERN, TRAIL, EXPIRED),
    (245, SAKURA, COMPASS, BOUGHT),
    (238, KIWI, TRAIL, EXPIRED),
    (230, PAMPA, TRAIL, EXPIRED),
    (220, KIWI, LANTERNS, BOUGHT),
    (210, NORTHWIND, COMPASS, EXPIRED),
    (205, LUMEN, LANTERNS, EXPIRED),
    (198, TULIP, COMPASS, EXPIRED),
    (190, BAOBAB, COMPASS, BOUGHT),
    (180, CEDAR, TRAIL, BOUGHT),
    (172, TULIP, LANTERNS, EXPIRED),
    (160, SAKURA, LANTERNS, BOUGHT),
    (150, HELIX, TRAIL, EXPIRED),
    (140, SOUTHERN, COMPASS, EXPIRED),
    (133, GANGES, LANTERNS, BOUGHT),
    (121, GANGES, TRAIL, BOUGHT),
    (110, VISTULA, TRAIL, EXPIRED),
    (95, HELIX, COMPASS, BOUGHT),
    (84, LUMEN, TRAIL, EXPIRED),
    (70, FJORD, COMPASS, BOUGHT),
    (62, PAMPA, COMPASS, EXPIRED),
    (55, ALPEN, LANTERNS, BOUGHT),
    (48, FJORD, LANTERNS, EXPIRED),
    (41, ATLAS, TRAIL, EXPIRED),
    (27, TULIP, TRAIL, RUNNING),
    (24, ANDES, LANTERNS, CANCELLED),
    (22, LUMEN, COMPASS, RUNNING),
    (18, PAMPA, LANTERNS, RUNNING),
    (15, VISTULA, COMPASS, RUNNING),
    (13, BAOBAB, TRAIL, CANCELLED),
    (12, SAKURA, TRAIL, RUNNING),
    (9, KIWI, COMPASS, RUNNING),
    (6, CEDAR, COMPASS, RUNNING),
    (4, VISTULA, LANTERNS, RUNNING),
)
"""Days since the trial started, who tried what, and how it continued."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A license that appears `after` this many seconds."""

    after: float
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Fields that change `after` this many seconds, on the license with this entitlement number."""

    after: float
    ref: str
    fields: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """An app that says `after` this many seconds that it was installed. The report brings its license later."""

    after: float
    app: App
    customer: Customer


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A row about a customer who left, which the report has `after` this many seconds."""

    after: float
    row: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteAccepted:
    """A row about an accepted quote, which the report has `after` this many seconds."""

    after: float
    row: Record


Event = Arrival | Change | Installed | Left | QuoteAccepted


def history(today: date) -> list[Record]:
    """Return the licenses of the last ten months."""
    return [
        _past(number, app, customer, today - timedelta(days=ago), outcome)
        for number, (ago, customer, app, outcome) in enumerate(PAST, start=1)
    ]


def _past(number: int, app: App, customer: Customer, started: date, outcome: str) -> Record:
    sold, ended = started + timedelta(days=21), started + timedelta(days=TRIAL_DAYS)
    cancelled = started + timedelta(days=3)
    changes: dict[str, Record] = {
        BOUGHT: sale(number, customer, started, sold) | {"lastUpdated": sold.isoformat()},
        EXPIRED: {"status": "inactive", "lastUpdated": ended.isoformat()},
        CANCELLED: {"status": "cancelled", "lastUpdated": cancelled.isoformat()},
        RUNNING: {},
    }
    return license_record(number, app, customer, started, **changes[outcome])


def story(today: date) -> list[Event]:
    """Return what happens while somebody watches, in order of time. Kiwi and Alpen are customers already."""
    lately = today - timedelta(days=2)
    month_ago = today - timedelta(days=TRIAL_DAYS)
    extended = today + timedelta(days=TRIAL_DAYS + 14)
    return [
        Arrival(after=4, record=_with_two_contacts(101, today)),
        Arrival(after=8, record=license_record(102, COMPASS, SLOW, today, **_PENDING)),
        Arrival(after=12, record=license_record(111, LANTERNS, MIRAGE, today)),
        Installed(after=14, app=LANTERNS, customer=PORTO),
        Arrival(after=17, record=license_record(103, LANTERNS, MOSAIC, lately, lastUpdated=today.isoformat())),
        Arrival(after=22, record=_data_center(104, today)),
        Arrival(after=27, record=_sandbox(105, today)),
        Arrival(after=32, record=_reseller(106, today)),
        Arrival(after=37, record=_without_contact(107, today)),
        Arrival(after=42, record=license_record(108, LANTERNS, VEILED, today)),
        Change(after=47, ref=entitlement(102), fields=_KNOWN),
        Arrival(after=52, record=license_record(109, TRAIL, ROCKET, today)),
        # Seen on its last day.
        Arrival(after=57, record=license_record(112, LANTERNS, ATLAS, month_ago, lastUpdated=today.isoformat())),
        Change(after=62, ref=entitlement(101), fields={"maintenanceEndDate": extended.isoformat()}),
        Arrival(after=65, record=license_record(113, LANTERNS, PORTO, today)),
        Change(after=67, ref=entitlement(106), fields={"status": "cancelled"}),
        Arrival(after=72, record=license_record(110, TRAIL, KIWI, today, parentProductEdition="Premium")),
        QuoteAccepted(after=75, row=_quote(101, TAIGA, today, starts=extended)),
        Change(after=77, ref=entitlement(112), fields={"status": "inactive"}),
        Left(after=80, row=_reason(112, LANTERNS, ATLAS, today)),
        Change(after=82, ref=entitlement(103), fields=sale(103, MOSAIC, lately, today)),
        Change(after=87, ref=entitlement(104), fields=_moved(104)),
        Change(after=92, ref=entitlement(106), fields={"status": "active", "maintenanceEndDate": extended.isoformat()}),
        Change(after=98, ref=entitlement(109), fields={"contactDetails": forgotten(ROCKET)}),
    ]


_PENDING: Record = {
    "evaluationOpportunitySize": "",
    "attribution": None,
    "parentProductName": "Pending",
    "parentProductEdition": "Pending",
    "parentProductBillingCycle": "Pending",
    "installedOnSandbox": "Pending",
}
_KNOWN: Record = {
    "evaluationOpportunitySize": str(SLOW.users),
    "parentProductName": COMPASS.parent,
    "parentProductEdition": "Premium",
    "parentProductBillingCycle": "ANNUAL",
    "installedOnSandbox": "No",
}


def _with_two_contacts(number: int, today: date) -> Record:
    accounts = {"email": "eero@taiga.example", "name": "Eero Esimerkki"}
    return license_record(
        number, LANTERNS, TAIGA, today, contactDetails=contact_details(TAIGA) | {"billingContact": accounts}
    )


def _data_center(number: int, today: date) -> Record:
    return license_record(
        number,
        TRAIL,
        ALPEN,
        today,
        hosting="Data Center",
        addonLicenseId=f"1000{number}",
        licenseId=f"SEN-1000{number}",
        hostLicenseId=f"2000{number}",
        appEntitlementId=None,
        hostEntitlementId=None,
        cloudId=None,
        cloudSiteHostname=None,
        newBillingSystem=None,
        latestEvaluationStartDate=None,
        attribution=None,
        cloudComplianceBoundaries=None,
        evaluationOpportunitySize="NA",
        parentProductName="NA",
        parentProductEdition="NA",
        parentProductBillingCycle="NA",
        installedOnSandbox="NA",
    )


def _moved(number: int) -> Record:
    """Return the ids that the license gets in the new billing system, and the number by which it was known before."""
    return {
        "appEntitlementId": new_id(number),
        "newBillingSystem": "Yes",
        "addonLicenseId": None,
        "licenseId": None,
        "hostLicenseId": None,
    }


def _sandbox(number: int, today: date) -> Record:
    return license_record(
        number,
        LANTERNS,
        HELIX,
        today,
        cloudSiteHostname="helix-sample-sandbox.atlassian.net",
        installedOnSandbox="Yes",
        evaluationOpportunitySize="Evaluation",
    )


def _reseller(number: int, today: date) -> Record:
    partner = {
        "partnerName": "Bridge Sample Resellers",
        "partnerType": "Reseller",
        "billingContact": {"email": "orders@bridge.example", "name": "Omar Sample"},
    }
    return license_record(number, COMPASS, ANDES, today, partnerDetails=partner)


def _without_contact(number: int, today: date) -> Record:
    nobody = {name: value for name, value in contact_details(QUIET).items() if name != "technicalContact"}
    return license_record(number, TRAIL, QUIET, today, contactDetails=nobody)


def _reason(number: int, app: App, customer: Customer, today: date) -> Record:
    return {
        "addonKey": app.key,
        "date": today.isoformat(),
        "feedbackType": "uninstall",
        "reasonKey": "cost",
        "reason": "The app is too expensive",
        "message": "The lanterns are lovely, but only 20 of our 70 people would use them. Is there a smaller plan?",
        "email": customer.email,
        "fullName": customer.person,
        "appEntitlementNumber": entitlement(number),
    }


def _quote(number: int, customer: Customer, today: date, *, starts: date) -> Record:
    return {
        "quoteNumber": f"AT-{number}",
        "quoteStatus": "ACCEPTED",
        "quoteCreatedDate": today.isoformat(),
        "acceptedDate": today.isoformat(),
        "entitlementNumber": entitlement(number),
        "appEdition": "Standard",
        "userTier": f"{customer.users} users",
        "startDate": starts.isoformat(),
        "listPrice": 2500,
        "createdBy": customer.email,
    }


async def play(
    marketplace: DemoMarketplace,
    events: Sequence[Event],
    *,
    install: Callable[[App, Customer], Awaitable[object]],
    sleep: Callable[[float], Awaitable[object]],
) -> None:
    """Let the events happen, each at its time after the call."""
    elapsed = 0.0
    for event in sorted(events, key=lambda event: event.after):
        await sleep(event.after - elapsed)
        elapsed = event.after
        match event:
            case Arrival(record=record):
                marketplace.add(record)
            case Change(ref=ref, fields=fields):
                marketplace.change(ref, **fields)
            case Installed(app=app, customer=customer):
                await install(app, customer)
            case Left(row=row):
                marketplace.feedback.append(row)
            case QuoteAccepted(row=row):
                marketplace.quotes.append(row)
            case _:
                assert_never(event)
