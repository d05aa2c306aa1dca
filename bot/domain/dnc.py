"""Who said no: to what a do-not-contact mark applies, how strong its reason is, who may take it back."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from bot.domain.address import is_address, keys
from bot.domain.evaluation import License
from bot.domain.target_parser import SITES, Address, Host, read_typed, site_key

_SITE: Final = "site:"


class Scope(StrEnum):
    """What a mark stands against."""

    ADDRESS = "address"
    DOMAIN = "domain"
    """Every address at it, and at the domains below it."""
    SITE = "site"
    """Whoever stands on a license of this customer site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What somebody may not be written at; `value` is in its canonical form."""

    scope: Scope
    value: str
    former: tuple[str, ...] = field(default=(), compare=False)
    """Of an address: the forms that earlier versions may have compared this spelling by."""

    @classmethod
    def of_address(cls, address: str) -> Self:
        """A single address."""
        value, *former = keys(address)
        return cls(scope=Scope.ADDRESS, value=value, former=tuple(former))

    @classmethod
    def read(cls, text: str) -> Self | None:
        """From what a person typed: `ana@acme.example`, `@acme.example`, `acme.example`, `acme.atlassian.net`.

        `site:` before a host makes it a site, whatever it looks like; None for what is none of these.
        """
        match read_typed(text):
            case Address(value=value, former=former):
                return cls(scope=Scope.ADDRESS, value=value, former=former)
            case Host(value=value, is_site=is_site) if "." in value:
                return cls(scope=Scope.SITE if is_site else Scope.DOMAIN, value=value)
            case _:
                return None

    @classmethod
    def from_key(cls, scope: Scope, key: str) -> Self:
        """From what `key` gave."""
        return cls(scope=scope, value=key.removeprefix(_PREFIXES[scope]))

    @property
    def key(self) -> str:
        """By which it is found again."""
        match self.scope:
            case Scope.ADDRESS:
                return self.value
            case Scope.DOMAIN:
                return f"@{self.value}"
            case Scope.SITE:
                return self.value if self.value.endswith(SITES) else f"{_SITE}{self.value}"

    def __str__(self) -> str:
        """As `read` takes it; an address that begins like something else stands in angle brackets."""
        is_taken_for_another = is_address(self.key) and Subject.read(self.key) != self
        return f"<{self.key}>" if is_taken_for_another else self.key


_PREFIXES: Final = {Scope.ADDRESS: "", Scope.DOMAIN: "@", Scope.SITE: _SITE}


def reached_by(subject: Subject) -> tuple[Subject, ...]:
    """The subject and the domains it is part of: a mark against any of these reaches it."""
    if subject.scope is Scope.SITE:
        return (subject,)
    labels = subject.value.rpartition("@")[2].split(".")
    domains = [Subject(scope=Scope.DOMAIN, value=".".join(labels[n:])) for n in range(len(labels) - 1)]
    return tuple(dict.fromkeys([subject, *domains]))


def subjects_of(license_: License | None, address: str) -> tuple[Subject, ...]:
    """Everything a mark against which forbids to write to this address for this license."""
    found = reached_by(Subject.of_address(address))
    if license_ is None or license_.site is None:
        return found
    return (*found, Subject(scope=Scope.SITE, value=site_key(license_.site)))


class Cause(StrEnum):
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
        return self in {Cause.FORGOTTEN, Cause.ERASED}


_WORDS: Final = {
    Cause.UNSUBSCRIBED: "They unsubscribed",
    Cause.COMPLAINED: "They complained",
    Cause.ERASED: "They were erased at their request",
    Cause.LEGAL: "Legal reasons",
    Cause.FORGOTTEN: "They asked Atlassian to be forgotten",
    Cause.ASKED: "They asked us not to write",
    Cause.TEAM: "The team decided",
    Cause.BOUNCED: "Mail to this address came back",
    Cause.PAUSED: "Mail to this address came back several times; a pause",
}
_STRENGTH: Final = {
    Cause.UNSUBSCRIBED: 5,
    Cause.COMPLAINED: 5,
    Cause.ERASED: 5,
    Cause.LEGAL: 4,
    Cause.FORGOTTEN: 4,
    Cause.ASKED: 3,
    Cause.TEAM: 3,
    Cause.BOUNCED: 2,
    Cause.PAUSED: 1,
}
CHOICES: Final = (Cause.ASKED, Cause.COMPLAINED, Cause.LEGAL, Cause.TEAM)
"""What a person may give as the cause."""


class Authority(StrEnum):
    """Who wants to take a mark back."""

    SELF = "self"
    """The person it protects, by the signed link in a mail to them."""
    MEMBER = "member"
    ADMIN = "admin"


_LIFTED_BY: Final = {
    Authority.SELF: frozenset({Cause.UNSUBSCRIBED}),
    Authority.MEMBER: frozenset({Cause.ASKED, Cause.TEAM, Cause.BOUNCED, Cause.PAUSED}),
    Authority.ADMIN: frozenset(cause for cause in Cause if not cause.is_final),
}


def may_lift(cause: Cause, authority: Authority) -> bool:
    """Whether a mark with this cause is theirs to lift; of people's own words only an admin may, for the record."""
    return cause in _LIFTED_BY[authority]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOut:
    """A standing do-not-contact mark; `by` is a Slack user id, None for the machine or the person; times are UTC."""

    cause: Cause
    by: str | None
    at: datetime
    note: str = ""
    until: datetime | None = None
    """When a pause ends by itself."""
    subject: Subject | None = None
    """None once the person was forgotten."""


def adds(cause: Cause, standing: OptOut | None) -> bool:
    """Whether a mark with this cause says more than the strongest that stands, beside which it will stand.

    A weaker or an equal one neither replaces nor lifts it; but what stands for ever is always written down.
    """
    return standing is None or cause.strength > standing.cause.strength or (cause.is_final and cause != standing.cause)
