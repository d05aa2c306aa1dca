"""The words of the business: licenses, the contacts on them, and the evaluations they have.

Texts come as the Marketplace wrote them, stripped; what the report does not (yet) say is None.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Hosting(StrEnum):
    """Where an app runs. A value that is not listed here is kept as it came."""

    CLOUD = "Cloud"
    DATA_CENTER = "Data Center"
    SERVER = "Server"


class State(StrEnum):
    """Where an evaluation stands, as the last report told it."""

    RUNNING = "running"
    CONVERTED = "converted"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person at the customer. `forgotten`: Atlassian replaced the data by RTBF, the right to be forgotten."""

    email: str | None = None
    name: str | None = None
    forgotten: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """The reseller or expert through whom the license came; not the customer."""

    name: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class License:
    """One record of the report. Dates are UTC days, as the report gives them."""

    app_key: str
    app_name: str
    aliases: frozenset[str]
    """Every id the report gave this license, without those of its host product. Unique only within the app."""
    hosting: str
    license_type: str
    """Upper case: EVALUATION, COMMERCIAL, … and whatever Atlassian invents next."""
    status: str
    """Lower case: active, inactive, cancelled."""
    starts: date
    updated: date
    ends: date | None = None
    latest_evaluation: date | None = None
    """Start of the latest trial; stays on the record after it was bought."""
    upgrade_started: date | None = None
    """Start of the trial of a higher edition, on a license that was bought."""
    upgrade_to: str | None = None
    edition: str | None = None
    tier: str | None = None
    site: str | None = None
    company: str | None = None
    country: str | None = None
    region: str | None = None
    technical: Contact | None = None
    billing: Contact | None = None
    partner: Partner | None = None
    opportunity_size: str | None = None
    """A number, or a word of Atlassian's; None until it is computed, some days in."""
    parent_product: str | None = None
    parent_edition: str | None = None
    channel: str | None = None
    """How the customer found the app, where Atlassian attributes it."""
    days_to_convert: int | None = None
    sandbox: bool | None = None
    """None while Atlassian has not said, and where there is no such thing (Data Center)."""
    atlassian: bool = False
    """The customer is Atlassian itself."""
    migration: bool = False
    """A cloud trial that is part of a customer's move from their own servers."""
    carried_over: frozenset[tuple[str, date]] = frozenset()
    """Details that the record itself leaves out, with the UTC day of the one that last gave them."""

    @property
    def is_evaluation(self) -> bool:
        """Whether the license is a trial at this moment, of any kind (net new, upgrade)."""
        return self.license_type.endswith("EVALUATION")

    @property
    def contacts(self) -> tuple[Contact, ...]:
        """The people on the license, technical contact first, without those it does not have."""
        return tuple(filter(None, (self.technical, self.billing)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The bare facts of one evaluation of a license: when, and how it stands."""

    started: date
    ends: date | None
    """None once it was bought: the end of the trial means nothing then."""
    state: State
    reported_on: date
    """The UTC day of the record that last spoke of it; what an older record says of it is no news."""
    upgrade_to: str | None = None
    """The edition that is tried on a license the customer has already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRef:
    """Where in Slack a card stands."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One trial of one license, with what the team made of it."""

    id: int
    license: License
    trial: Trial
    first_seen: datetime
    owner: str | None = None
    """Slack user id."""
    card: CardRef | None = None


def days_left(trial: Trial, today: date) -> int | None:
    """Days until the trial ends; 0 on its last day, None when it is over, by report or calendar, or has no end."""
    if trial.state is not State.RUNNING or trial.ends is None or trial.ends < today:
        return None
    return (trial.ends - today).days


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerChange:
    """Who owns an evaluation after an attempt to change it, since when; `won` says whether the attempt did it."""

    changed: bool
    owner: str | None
    since: datetime | None
