"""The demo's sample data: a vendor's apps, the companies that try them, and their licenses as in the report.

All apps, companies and people are invented.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

Record = dict[str, Any]
"""A license as the report writes it."""
TRIAL_DAYS = 30


@dataclass(frozen=True, slots=True)
class App:
    """An app of the demo's vendor, with the product it extends."""

    key: str
    name: str
    parent: str


LANTERNS = App("example.lanternworks.sprint-lanterns", "Sprint Lanterns for Jira", "Jira")
TRAIL = App("example.lanternworks.paper-trail", "Paper Trail for Confluence", "Confluence")
COMPASS = App("example.lanternworks.queue-compass", "Queue Compass for JSM", "Jira Service Management")


@dataclass(frozen=True, slots=True)
class Customer:
    """A company with one site of this many users, and the person who tries apps there."""

    company: str
    country: str
    region: str
    site: str
    person: str
    email: str
    users: int = 25


NORTHWIND = Customer("Northwind Test GmbH", "Germany", "EMEA", "northwind-test", "Ada Test", "ada@northwind.test", 85)
HELIX = Customer("Helix Sample Labs", "Canada", "Americas", "helix-sample", "Noor Sample", "noor@helix.example", 120)
FJORD = Customer("Fjord Eksempel AS", "Norway", "EMEA", "fjord-eksempel", "Liv Eksempel", "liv@fjord.example", 80)
SAKURA = Customer("Sakura Test KK", "Japan", "APAC", "sakura-test", "Emi Tameshi", "emi@sakura.test", 400)
PAMPA = Customer("Pampa Ejemplo SA", "Argentina", "Americas", "pampa-ejemplo", "Bruno Prueba", "bruno@pampa.example")
KIWI = Customer("Kiwi Placeholder Ltd", "New Zealand", "APAC", "kiwi-placeholder", "Aroha Dummy", "aroha@kiwi.test", 60)
LUMEN = Customer("Lumen Exemple SARL", "France", "EMEA", "lumen-exemple", "Chloé Exemple", "chloe@lumen.example", 45)
BAOBAB = Customer("Baobab Demo Ltd", "Kenya", "EMEA", "baobab-demo", "Wanjiru Demo", "wanjiru@baobab.example", 90)
CEDAR = Customer("Cedar Mockup Inc", "United States", "Americas", "cedar-mockup", "Sam Mockup", "sam@cedar.test", 1000)
TULIP = Customer("Tulp Voorbeeld BV", "Netherlands", "EMEA", "tulp-voorbeeld", "Daan Voorbeeld", "daan@tulp.example")
SOUTHERN = Customer("Southern Sample Pty", "Australia", "APAC", "southern-sample", "Mia Sample", "mia@southern.test")
GANGES = Customer("Ganges Namuna Pvt", "India", "APAC", "ganges-namuna", "Arjun Namuna", "arjun@ganges.example", 600)
VISTULA = Customer("Vistula Próba SA", "Poland", "EMEA", "vistula-proba", "Zofia Próba", "zofia@vistula.example", 35)
ATLAS = Customer("Atlas Mithal SARL", "Morocco", "EMEA", "atlas-mithal", "Salma Mithal", "salma@atlas.example", 70)
ANDES = Customer("Andes Muestra SpA", "Chile", "Americas", "andes-muestra", "Inés Muestra", "ines@andes.example", 140)
ALPEN = Customer("Alpen Muster AG", "Switzerland", "EMEA", "alpen-muster", "Reto Muster", "reto@alpen.example", 500)
MOSAIC = Customer("Mosaic Contoh Sdn", "Malaysia", "APAC", "mosaic-contoh", "Aina Contoh", "aina@mosaic.example", 30)
TAIGA = Customer(
    "Taiga Esimerkki Oy", "Finland", "EMEA", "taiga-esimerkki", "Aino Esimerkki", "aino@taiga.example", 250
)
ROCKET = Customer(
    "<!channel> Rocket 🚀 & Sons", "Ireland", "EMEA", "rocket-sons", "Róisín Sample", "roisin@rocket.test", 75
)
QUIET = Customer("Quiet Example Co-op", "Spain", "EMEA", "quiet-example", "Nobody", "nobody@quiet.example")
VEILED = Customer("Veiled Sample Group", "Sweden", "EMEA", "veiled-sample", "RTBF", "RTBF", 110)
MIRAGE = Customer(
    "Mirage Sample Ltd", "Singapore", "APAC", "mirage-sample", "Dana Sample", "left-the-company@mirage.test", 40
)
"""Emails to this contact bounce."""
ORCHARD = Customer(
    "Orchard Example Ltd", "United Kingdom", "EMEA", "orchard-example", "Tom Example", "tom@orchard.example", 55
)
"""A visitor of the demo may install an app there."""
PORTO = Customer("Porto Exemplo Lda", "Portugal", "EMEA", "porto-exemplo", "Rui Exemplo", "rui@porto.example", 65)
"""Their app says that it was installed before the report has the license."""
SLOW = Customer("Slow Sample Foundry", "Italy", "EMEA", "slow-sample", "Livia Esempio", "livia@slow.example", 320)


def license_record(number: int, app: App, customer: Customer, started: date, **overrides: object) -> Record:
    """Return a running cloud trial; an override of None removes the field."""
    record: Record = {
        "appEntitlementId": new_id(number),
        "appEntitlementNumber": entitlement(number),
        "hostEntitlementId": _uuid(f"host {customer.site} {app.parent}"),
        "cloudId": _uuid(f"cloud {customer.site}"),
        "cloudSiteHostname": f"{customer.site}.atlassian.net",
        "addonKey": app.key,
        "productId": _uuid(f"product {app.key}"),
        "addonName": app.name,
        "hosting": "Cloud",
        "newBillingSystem": "Yes",
        "lastUpdated": started.isoformat(),
        "licenseType": "EVALUATION",
        "maintenanceStartDate": started.isoformat(),
        "maintenanceEndDate": (started + timedelta(days=TRIAL_DAYS)).isoformat(),
        "latestMaintenanceStartDate": started.isoformat(),
        "latestEvaluationStartDate": started.isoformat(),
        "status": "active",
        "tier": "Evaluation",
        "contactDetails": contact_details(customer),
        "extendedServerSupport": "NA",
        "evaluationOpportunitySize": str(customer.users),
        "attribution": {"channel": "Marketplace", "referrerDomain": "search.example"},
        "parentProductBillingCycle": "MONTHLY",
        "parentProductName": app.parent,
        "parentProductEdition": "Standard",
        "installedOnSandbox": "No",
        "licenseSourceType": "Non-Atlassian",
        "licenseLevel": "single-instance",
        "inGracePeriod": "No",
        "cloudComplianceBoundaries": ["commercial"],
    }
    return {name: value for name, value in (record | overrides).items() if value is not None}


def contact_details(customer: Customer) -> dict[str, object]:
    """Return the customer with its technical contact."""
    return {
        "company": customer.company,
        "country": customer.country,
        "region": customer.region,
        "technicalContact": {"email": customer.email, "name": customer.person},
    }


def forgotten(customer: Customer) -> dict[str, object]:
    """Return the customer once its contact has exercised the right to be forgotten."""
    return contact_details(replace(customer, person="RTBF", email="RTBF"))


def new_id(number: int) -> str:
    """Return the id under which the demo's license with this number is known in the new billing system."""
    return _uuid(f"license {number}")


def sale(number: int, customer: Customer, started: date, sold: date) -> Record:
    """Return the fields of a cloud license that change when the trial started on `started` is bought."""
    return {
        "licenseType": "COMMERCIAL",
        "tier": f"{customer.users} Users",
        "appEdition": "Standard",
        "maintenanceEndDate": (sold + timedelta(days=365)).isoformat(),
        "latestMaintenanceStartDate": sold.isoformat(),
        "evaluationOpportunitySize": "NA",
        "evaluationLicense": new_id(number),
        "daysToConvertEval": str((sold - started).days),
        "evaluationStartDate": started.isoformat(),
        "evaluationEndDate": sold.isoformat(),
        "evaluationSaleDate": sold.isoformat(),
    }


def entitlement(number: int) -> str:
    """Return the entitlement number of the demo's license with this number."""
    return f"E-4AB-12C-{number:03d}-F45"


def _uuid(words: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"https://lanternworks.example/{words}"))
