"""Who said no: to what a do-not-contact mark applies, how strong its reason is, who may take it back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from bot.domain.address import is_address, keys
from bot.domain.evaluation import License
from bot.domain.target_parser import SITES, Address, Host, read_typed, site_key

_SITE: Final = "site:"


class DncScope(StrEnum):
    """What a mark stands against."""

    ADDRESS = "address"
    DOMAIN = "domain"
    """Every address at it, and at the domains below it."""
    SITE = "site"
    """Whoever stands on a license of this customer site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DncTarget:
    """What somebody may not be written at; `value` is in its canonical form."""

    scope: DncScope
    value: str
    former: tuple[str, ...] = field(default=(), compare=False)
    """Of an address: the forms that earlier versions may have compared this spelling by."""

    @classmethod
    def of_address(cls, address: str) -> Self:
        """A single address."""
        value, *former = keys(address)
        return cls(scope=DncScope.ADDRESS, value=value, former=tuple(former))

    @classmethod
    def read(cls, text: str) -> Self | None:
        """From what a person typed: `ana@acme.example`, `@acme.example`, `acme.example`, `acme.atlassian.net`.

        `site:` before a host makes it a site, whatever it looks like; None for what is none of these.
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
        """From what `key` gave."""
        return cls(scope=scope, value=key.removeprefix(_PREFIXES[scope]))

    @property
    def key(self) -> str:
        """By which it is found again."""
        match self.scope:
            case DncScope.ADDRESS:
                return self.value
            case DncScope.DOMAIN:
                return f"@{self.value}"
            case DncScope.SITE:
                return self.value if self.value.endswith(SITES) else f"{_SITE}{self.value}"

    def __str__(self) -> str:
        """As `read` takes it; an address that begins like something else stands in angle brackets."""
        is_taken_for_another = is_address(self.key) and DncTarget.read(self.key) != self
        return f"<{self.key}>" if is_taken_for_another else self.key


_PREFIXES: Final = {DncScope.ADDRESS: "", DncScope.DOMAIN: "@", DncScope.SITE: _SITE}


def covering_targets(target: DncTarget) -> tuple[DncTarget, ...]:
    """The subject and the domains it is part of: a mark against any of these reaches it."""
    if target.scope is DncScope.SITE:
        return (target,)
    labels = target.value.rpartition("@")[2].split(".")
    domains = [DncTarget(scope=DncScope.DOMAIN, value=".".join(labels[n:])) for n in range(len(labels) - 1)]
    return tuple(dict.fromkeys([target, *domains]))


def targets_for(license_: License | None, address: str) -> tuple[DncTarget, ...]:
    """Everything a mark against which forbids to write to this address for this license."""
    found = covering_targets(DncTarget.of_address(address))
    if license_ is None or license_.site is None:
        return found
    return (*found, DncTarget(scope=DncScope.SITE, value=site_key(license_.site)))


class DncReason(StrEnum):
    """Why somebody is not to be written to."""

    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"
    ERASED = "erased"
    LEGAL = "legal"
    FORGOTTEN = "forgotten"
    """The right to be forgotten, exercised at Atlassian: RTBF in the report."""
    ASKED = "asked"
    TEAM = "team"
    BOUNCED = "bounced"
    PAUSED = "paused"

    @property
    def words(self) -> str:
        """How it is said."""
        return _WORDS[self]

    @property
    def strength(self) -> int:
        """Of several marks that stand, the one with the strongest cause speaks."""
        return _STRENGTH[self]

    @property
    def is_final(self) -> bool:
        """Whether it stands for ever."""
        return self in {DncReason.FORGOTTEN, DncReason.ERASED}


_WORDS: Final = {
    DncReason.UNSUBSCRIBED: "They unsubscribed",
    DncReason.COMPLAINED: "They complained",
    DncReason.ERASED: "They were erased at their request",
    DncReason.LEGAL: "Legal reasons",
    DncReason.FORGOTTEN: "They asked Atlassian to be forgotten",
    DncReason.ASKED: "They asked us not to write",
    DncReason.TEAM: "The team decided",
    DncReason.BOUNCED: "Mail to this address came back",
    DncReason.PAUSED: "Mail to this address came back several times; a pause",
}
_STRENGTH: Final = {
    DncReason.UNSUBSCRIBED: 5,
    DncReason.COMPLAINED: 5,
    DncReason.ERASED: 5,
    DncReason.LEGAL: 4,
    DncReason.FORGOTTEN: 4,
    DncReason.ASKED: 3,
    DncReason.TEAM: 3,
    DncReason.BOUNCED: 2,
    DncReason.PAUSED: 1,
}
REASON_CHOICES: Final = (DncReason.ASKED, DncReason.COMPLAINED, DncReason.LEGAL, DncReason.TEAM)
"""What a person may give as the cause."""


class Authority(StrEnum):
    """Who wants to take a mark back."""

    SELF = "self"
    """The person it protects, by the signed link in a mail to them."""
    MEMBER = "member"
    ADMIN = "admin"


_LIFTED_BY: Final = {
    Authority.SELF: frozenset({DncReason.UNSUBSCRIBED}),
    Authority.MEMBER: frozenset({DncReason.ASKED, DncReason.TEAM, DncReason.BOUNCED, DncReason.PAUSED}),
    Authority.ADMIN: frozenset(reason for reason in DncReason if not reason.is_final),
}


def may_lift(reason: DncReason, authority: Authority) -> bool:
    """Whether a mark with this cause is theirs to lift; of people's own words only an admin may, for the record."""
    return reason in _LIFTED_BY[authority]


@dataclass(frozen=True, slots=True, kw_only=True)
class DncEntry:
    """A standing do-not-contact mark; `by` is a Slack user id, None for the machine or the person; times are UTC."""

    reason: DncReason
    by: str | None
    at: datetime
    note: str = ""
    until: datetime | None = None
    """When a pause ends by itself."""
    target: DncTarget | None = None
    """None once the person was forgotten."""


def is_stronger_than(reason: DncReason, current: DncEntry | None) -> bool:
    """Whether a mark with this cause says more than the strongest that stands, beside which it will stand.

    A weaker or an equal one neither replaces nor lifts it; but what stands for ever is always written down.
    """
    return (
        current is None or reason.strength > current.reason.strength or (reason.is_final and reason != current.reason)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DncAddResult:
    """The mark that speaks after an attempt to set one; `won` says whether the attempt did it."""

    changed: bool
    entry: DncEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class DncLiftResult:
    """Who lifted a mark, and when, after an attempt to do so; `won` says whether the attempt did it.

    Nobody, where the mark never was or still stands; `stands` is the strongest that stands then.
    """

    changed: bool
    by: str | None
    at: datetime | None
    remaining: DncEntry | None = None


def count_by_reason(entries: Sequence[DncEntry]) -> str:
    """How many marks stand, by cause: 3 asked, 1 unsubscribed."""
    reasons = [entry.reason for entry in entries]
    return ", ".join(f"{reasons.count(reason)} {reason}" for reason in DncReason if reason in reasons) or "none"
