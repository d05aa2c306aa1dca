"""Licenses, the contacts on them, and their evaluations.

Texts are as the Marketplace wrote them, stripped. None means that the report does not say (yet).
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Self


class Hosting(StrEnum):
    """Where an app runs. Unknown values are kept as they came."""

    CLOUD = "Cloud"
    DATA_CENTER = "Data Center"
    SERVER = "Server"


class State(StrEnum):
    """Where an evaluation stands, by the last report."""

    EXPECTED = "expected"
    """The app said that it was installed. The report has no license so far."""
    RUNNING = "running"
    CONVERTED = "converted"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person at the customer. `forgotten`: Atlassian replaced the data because of RTBF, the right to be forgotten."""

    email: str | None = None
    name: str | None = None
    forgotten: bool = False


class ContactRole(StrEnum):
    """The role of a contact on a license, technical before billing."""

    TECHNICAL = "technical"
    BILLING = "billing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """The reseller or expert who sold the license; not the customer."""

    name: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class License:
    """One record of the report. Dates are UTC days, as in the report."""

    app_key: str
    app_name: str
    aliases: frozenset[str]
    """Every id of this license in the report, without those of its host product. Unique only within the app."""
    hosting: str
    license_type: str
    """Upper case: EVALUATION, COMMERCIAL, … and whatever Atlassian adds later."""
    status: str
    """Lower case: active, inactive, cancelled."""
    starts: date
    updated: date
    ends: date | None = None
    latest_evaluation: date | None = None
    """Start of the latest trial. It stays on the record after a purchase."""
    upgrade_started: date | None = None
    """Start of the trial of a higher edition, on a license that was bought."""
    upgrade_to: str | None = None
    edition: str | None = None
    tier: str | None = None
    site: str | None = None
    cloud_id: str | None = None
    """Atlassian's id of the cloud site."""
    company: str | None = None
    country: str | None = None
    region: str | None = None
    technical: Contact | None = None
    billing: Contact | None = None
    partner: Partner | None = None
    opportunity_size: str | None = None
    """A number, or one of Atlassian's words. None until Atlassian computes it, some days in."""
    parent_product: str | None = None
    parent_edition: str | None = None
    channel: str | None = None
    """How the customer found the app, where Atlassian attributes it."""
    days_to_convert: int | None = None
    sandbox: bool | None = None
    """None while Atlassian has not said, and where it does not apply (Data Center)."""
    atlassian: bool = False
    """The customer is Atlassian itself."""
    migration: bool = False
    """A cloud trial that is part of a customer's move from Data Center."""
    carried_over: frozenset[tuple[str, date]] = frozenset()
    """Details that this record leaves out, each with the UTC day of the record that last gave it."""

    @property
    def is_evaluation(self) -> bool:
        """Whether the license is a trial right now, of any kind (new or upgrade)."""
        return self.license_type.endswith("EVALUATION")

    @property
    def contacts(self) -> tuple[Contact, ...]:
        """The people named on the license, technical contact first."""
        return tuple(filter(None, (self.technical, self.billing)))

    def contact(self, role: ContactRole) -> Contact | None:
        """Return the contact with this role, if the report names one."""
        return self.technical if role == ContactRole.TECHNICAL else self.billing


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One evaluation of a license: its dates and its state."""

    started: date
    ends: date | None
    """None after a purchase: the end of the trial no longer means anything."""
    state: State
    reported_on: date
    """The UTC day of the record that last described it. What an older record says about it is not news."""
    upgrade_to: str | None = None
    """The edition on trial, on a license the customer already has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRef:
    """Where a card is in Slack."""

    channel: str
    ts: str

    def permalink(self, workspace_url: str) -> str:
        """Return the address of the message, which Slack builds from channel and timestamp."""
        return f"{workspace_url.rstrip('/')}/archives/{self.channel}/p{self.ts.replace('.', '')}"


class Disposition(StrEnum):
    """What the team can say about an evaluation, for everybody, and undo."""

    DONE = "done"
    NOT_FOR_US = "not_for_us"


@dataclass(frozen=True, slots=True)
class DispositionRef:
    """A disposition as a card shows it, so that a press undoes that one and no later one.

    `second` is the POSIX time at which it was set.
    """

    disposition: Disposition
    second: int

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Read what `str` returned; None for anything else."""
        name, _, second = text.partition("-")
        return cls(Disposition(name), int(second)) if name in set(Disposition) and second.isdecimal() else None

    def __str__(self) -> str:
        """Return it as a part of a button's value."""
        return f"{self.disposition}-{self.second}"


def latest_disposition(*, done_at: datetime | None, not_for_us_at: datetime | None) -> DispositionRef | None:
    """Return the disposition that was set last, or None if there is none."""
    found = ((Disposition.DONE, done_at), (Disposition.NOT_FOR_US, not_for_us_at))
    refs = [DispositionRef(each, int(at.timestamp())) for each, at in found if at is not None]
    return max(refs, key=lambda ref: ref.second, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Somebody spoke to the customer elsewhere: who said so (Slack user id), and when."""

    by: str
    at: datetime


class NotForUsReason(StrEnum):
    """Why the team does not work on an evaluation. The values are those of the column."""

    STUDENT = "student"
    COMPETITOR = "competitor"
    OUR_OWN_PEOPLE = "our_own_people"
    DUPLICATE = "duplicate"
    TOO_SMALL = "too_small"
    OTHER = "other"

    @property
    def words(self) -> str:
        """The reason in words, as the form lists it."""
        return self.value.replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotForUs:
    """The team does not work on an evaluation: who said so (Slack user id), when, and why."""

    by: str
    at: datetime
    reason: NotForUsReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One trial of one license, with what the team did about it."""

    id: int
    license: License
    trial: Trial
    first_seen: datetime
    owner: str | None = None
    """The owner's Slack user id."""
    card: CardRef | None = None
    done: Done | None = None
    not_for_us: NotForUs | None = None
    """Set: it stays out of lists, reminders and rates."""
    waiting_since: datetime | None = None
    """Set: the contact wrote to us at this time, and nobody has answered yet."""


def days_left(trial: Trial, today: date) -> int | None:
    """Return the days until the trial ends: 0 on its last day, None if it is over or has no end."""
    if trial.state is not State.RUNNING or trial.ends is None or trial.ends < today:
        return None
    return (trial.ends - today).days


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerChange:
    """The owner after an attempt to change it, and since when; `changed` is whether the attempt did."""

    changed: bool
    owner: str | None
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DispositionChange:
    """The outcome of an attempt to set a disposition or to undo it: who did it, and when, now or before."""

    changed: bool
    by: str | None = None
    at: datetime | None = None
