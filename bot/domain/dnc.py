"""Do not contact: what an entry covers, which one counts, who may lift it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from bot.domain.address import is_address, keys
from bot.domain.dnc_reason import REASON_CHOICES, DncReason
from bot.domain.evaluation import License
from bot.domain.target_parser import SITES, Address, Host, read_typed, site_key

_SITE: Final = "site:"


class DncScope(StrEnum):
    """What an entry covers."""

    ADDRESS = "address"
    DOMAIN = "domain"
    """Every address at the domain and at its subdomains."""
    SITE = "site"
    """Every contact on a license of this customer site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DncTarget:
    """The address, domain or site that an entry covers; `value` is in its canonical form."""

    scope: DncScope
    value: str
    former: tuple[str, ...] = field(default=(), compare=False)
    """For an address: the forms by which earlier versions may have compared this spelling."""

    @classmethod
    def of_address(cls, address: str) -> Self:
        """Return the target for a single address."""
        value, *former = keys(address)
        return cls(scope=DncScope.ADDRESS, value=value, former=tuple(former))

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Parse what a person typed: `ana@acme.example`, `@acme.example`, `acme.example`, `acme.atlassian.net`.

        `site:` before a host always makes it a site. Returns None for any other text.
        """
        match read_typed(text):
            case Address(value=value, former=former):
                return cls(scope=DncScope.ADDRESS, value=value, former=former)
            case Host(value=value, is_site=is_site) if "." in value:
                return cls(scope=DncScope.SITE if is_site else DncScope.DOMAIN, value=value)
            case _:
                return None

    @classmethod
    def from_key(cls, scope: DncScope, key: str) -> Self:
        """Return the target for a value of `key`."""
        return cls(scope=scope, value=key.removeprefix(_PREFIXES[scope]))

    @property
    def key(self) -> str:
        """The key under which the entry is found."""
        match self.scope:
            case DncScope.ADDRESS:
                return self.value
            case DncScope.DOMAIN:
                return f"@{self.value}"
            case DncScope.SITE:
                return self.value if self.value.endswith(SITES) else f"{_SITE}{self.value}"

    def __str__(self) -> str:
        """Return the text that `read` accepts. An address that would be read as another target is put in angle
        brackets.
        """
        is_taken_for_another = is_address(self.key) and DncTarget.read(self.key) != self
        return f"<{self.key}>" if is_taken_for_another else self.key


_PREFIXES: Final = {DncScope.ADDRESS: "", DncScope.DOMAIN: "@", DncScope.SITE: _SITE}


def covering_targets(target: DncTarget) -> tuple[DncTarget, ...]:
    """Return the target and the domains that contain it: an entry for any of them covers it."""
    if target.scope is DncScope.SITE:
        return (target,)
    labels = target.value.rpartition("@")[2].split(".")
    domains = [DncTarget(scope=DncScope.DOMAIN, value=".".join(labels[n:])) for n in range(len(labels) - 1)]
    return tuple(dict.fromkeys([target, *domains]))


def targets_for(license_: License | None, address: str) -> tuple[DncTarget, ...]:
    """Return every target whose entry would forbid emailing this address for this license."""
    found = covering_targets(DncTarget.of_address(address))
    if license_ is None or license_.site is None:
        return found
    return (*found, DncTarget(scope=DncScope.SITE, value=site_key(license_.site)))


class Authority(StrEnum):
    """Who wants to lift an entry."""

    SELF = "self"
    """The protected person, by the signed link in an email to them."""
    MEMBER = "member"
    ADMIN = "admin"


_LIFTED_BY: Final = {
    Authority.SELF: frozenset({DncReason.UNSUBSCRIBED}),
    Authority.MEMBER: frozenset({DncReason.ASKED, DncReason.TEAM, DncReason.BOUNCED, DncReason.PAUSED}),
    Authority.ADMIN: frozenset(reason for reason in DncReason if not reason.is_final),
}


def may_lift(reason: DncReason, authority: Authority) -> bool:
    """Return whether this authority may lift an entry with this reason.

    What people said themselves only an admin may lift, for the record.
    """
    return reason in _LIFTED_BY[authority]


@dataclass(frozen=True, slots=True, kw_only=True)
class DncEntry:
    """A do-not-contact entry. `by` is a Slack user id, or None for the bot and for the person. Times are UTC."""

    reason: DncReason
    by: str | None
    at: datetime
    note: str = ""
    until: datetime | None = None
    """When a pause ends."""
    target: DncTarget | None = None
    """None once the person was erased."""
    again_at: datetime | None = field(default=None, compare=False)
    """When somebody last said no again while the entry was active."""

    @property
    def is_own_unsubscribe(self) -> bool:
        """Whether the person themselves wants no email to this address, and nobody else decided it."""
        is_address = self.target is not None and self.target.scope is DncScope.ADDRESS
        return is_address and self.reason is DncReason.UNSUBSCRIBED


def is_stronger_than(reason: DncReason, current: DncEntry | None) -> bool:
    """Return whether this reason must be recorded beside the strongest active entry.

    A weaker or equal reason adds nothing. A permanent one is always recorded.
    """
    return (
        current is None or reason.strength > current.reason.strength or (reason.is_final and reason != current.reason)
    )


def adds_to(active: Sequence[DncEntry], reason: DncReason) -> bool:
    """Return whether this reason must be recorded beside the active entries for the same target, the strongest first.

    An unsubscribe gives way to a later question, and other reasons do not, so these are recorded beside it.
    """
    current = next(iter(active), None)
    if is_stronger_than(reason, current):
        return True
    is_new = all(each.reason is not reason for each in active)
    return current is not None and current.is_own_unsubscribe and reason in REASON_CHOICES and is_new


def forbidding(entries: Sequence[DncEntry], *, asked_at: datetime | None = None) -> DncEntry | None:
    """Return the entry that forbids an email, or None. `entries` are those that cover the address, the strongest first.

    With `asked_at`, the email answers somebody who asked for it then: that they unsubscribed before forbids nothing.
    """
    return next((each for each in entries if not _was_before(each, asked_at)), None)


def _was_before(entry: DncEntry, asked_at: datetime | None) -> bool:
    return asked_at is not None and entry.is_own_unsubscribe and (entry.again_at or entry.at) < asked_at


@dataclass(frozen=True, slots=True, kw_only=True)
class DncAddResult:
    """The active entry after an attempt to add one; `changed` is whether the attempt added it."""

    changed: bool
    entry: DncEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class DncLift:
    """Who lifts an entry, when, and why. `by` is None for the person themselves and for the command line."""

    authority: Authority
    by: str | None
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DncLiftResult:
    """Who lifted an entry, and when; `changed` is whether this attempt did.

    `by` and `at` are None if there was no entry or it is still active. `remaining` is the strongest entry still active.
    """

    changed: bool
    by: str | None
    at: datetime | None
    remaining: DncEntry | None = None


def count_by_reason(entries: Sequence[DncEntry]) -> str:
    """Return how many entries are active for each reason: 3 asked, 1 unsubscribed."""
    reasons = [entry.reason for entry in entries]
    return ", ".join(f"{reasons.count(reason)} {reason}" for reason in DncReason if reason in reasons) or "none"
