"""A vendor's licenses as they really went, beside the report that tells of them late, twice, out of order or not."""

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from bot.demo.fake_marketplace.server import DemoMarketplace
from bot.demo.scenario.sample_data import (
    FJORD,
    HELIX,
    LANTERNS,
    NORTHWIND,
    TRAIL,
    VISTULA,
    Record,
    license_record,
    sale,
)
from bot.domain.history import Kind

APPS, CUSTOMERS = (LANTERNS, TRAIL), (NORTHWIND, HELIX, FJORD, VISTULA)
OVER = {"expires": "inactive", "cancels": "cancelled"}


@dataclass(kw_only=True)
class TrueTrial:
    """A trial as it went; `shown` once a reading that came to its end had it before its eyes."""

    started: date
    ends: date
    state: str = "running"
    facts: Counter[Kind] = field(default_factory=Counter)
    """How often each thing happened, at most as often may it be told."""
    shown: bool = False
    rang: bool = False
    """Whether it ran, by the bot's own calendar, when it was shown."""


@dataclass(kw_only=True)
class TrueLicense:
    """A license as it went; its record is what the report has to say at present."""

    record: Record
    trials: list[TrueTrial]
    hidden: bool = False

    @property
    def trial(self) -> TrueTrial:
        """The latest."""
        return self.trials[-1]

    @property
    def is_silent(self) -> bool:
        """Whether the record does not say that there was a trial."""
        return self.record["licenseType"] != "EVALUATION" and self.record["latestEvaluationStartDate"] is None


@dataclass(kw_only=True)
class Vendor:
    """All licenses, and the report."""

    report: DemoMarketplace
    today: date
    licenses: list[TrueLicense] = field(default_factory=list)
    stale: list[Record] = field(default_factory=list)
    """Rows of long ago that the report has kept beside the present ones."""

    def begins(self, *, ago: int, cloud: bool) -> None:
        """A trial of a new license, which the report learns of some days late, without a fresh date."""
        number = len(self.licenses) + 1
        app, customer = APPS[number % len(APPS)], CUSTOMERS[number % len(CUSTOMERS)]
        started = self.today - timedelta(days=ago)
        ids = {} if cloud else {"appEntitlementId": None, "appEntitlementNumber": None, "hosting": "Data Center"}
        keys = {} if cloud else {"licenseId": f"SEN-{number}", "addonLicenseId": str(number)}
        record = license_record(number, app, customer, started, **ids, **keys)
        trial = TrueTrial(started=started, ends=started + timedelta(days=30))
        self.licenses.append(TrueLicense(record=record, trials=[trial]))

    def change(self, of: TrueLicense, **fields: object) -> None:
        """Write it into the report; the row as it was may stay there, too."""
        if of.record["lastUpdated"] < str(self.today):
            self.stale.append(deepcopy(of.record))
        of.record = {**of.record, **fields, "lastUpdated": str(self.today)}

    def extends(self, of: TrueLicense, days: int) -> None:
        """The trial runs longer."""
        of.trial.ends += timedelta(days=days)
        of.trial.facts[Kind.EXTENDED] += 1
        self.change(of, maintenanceEndDate=str(of.trial.ends))

    def corrects(self, of: TrueLicense, days: int) -> None:
        """The report finds that the trial began on another day."""
        of.trial.started += timedelta(days=days)
        self.change(of, latestEvaluationStartDate=str(of.trial.started))

    def is_over(self, of: TrueLicense, how: str) -> None:
        """The trial expires or is cancelled."""
        of.trial.state = how
        of.trial.facts[Kind.ENDED] += 1
        self.change(of, status=OVER[how])

    def reopens(self, of: TrueLicense) -> None:
        """It runs again."""
        of.trial.state = "running"
        of.trial.facts[Kind.REOPENED] += 1
        self.change(of, status="active")

    def buys(self, of: TrueLicense) -> None:
        """The license is bought; a Data Center record does not say that there was a trial."""
        of.trial.state = "bought"
        of.trial.facts[Kind.CONVERTED] += 1
        named = {} if of.record["hosting"] == "Cloud" else {"latestEvaluationStartDate": None}
        self.change(of, status="active", **sale(1, NORTHWIND, of.trial.started, self.today), **named)

    def tries_again(self, of: TrueLicense) -> None:
        """Somebody starts another trial of an old license."""
        if of.trial.state == "running":
            of.trial.facts[Kind.ENDED] += 1
            of.trial.state = "expires"
        trial = TrueTrial(started=self.today, ends=self.today + timedelta(days=30))
        of.trials.append(trial)
        window = {"latestEvaluationStartDate": str(trial.started), "maintenanceEndDate": str(trial.ends)}
        self.change(of, licenseType="EVALUATION", status="active", tier="Evaluation", **window)

    def names(self, of: TrueLicense, contact: Record | None) -> None:
        """The license gets another contact, or the report leaves the contact out."""
        of.trial.facts[Kind.CONTACT_CHANGED] += 1
        details = {**of.record["contactDetails"], "technicalContact": contact}
        self.change(of, contactDetails=details)

    def gains_ids(self, of: TrueLicense) -> None:
        """Entitlement numbers come to Data Center, later the old ids go."""
        number = of.record.get("addonLicenseId") or "0"
        self.change(of, appEntitlementNumber=f"E-DC-{number}", appEntitlementId=f"dc-{number}")

    def publish(self, shuffle: Random, *, with_stale: bool) -> None:
        """Make up the report: every present row that is not hidden, in any order, some of them twice."""
        rows = [each.record for each in self.licenses if not each.hidden]
        rows += [deepcopy(shuffle.choice(rows)) for _ in range(2) if rows]
        rows += self.stale if with_stale else []
        shuffle.shuffle(rows)
        self.report.records = [{name: value for name, value in row.items() if value is not None} for row in rows]
