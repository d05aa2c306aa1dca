"""Signals: an app says that it was installed or removed, hours before the report does. They name no people.

A signal is a hint. The report stays the truth.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

_BEFORE_START: Final = timedelta(days=2)
_AFTER_START: Final = timedelta(days=14)
REPEATED_WITHIN: Final = timedelta(minutes=10)
"""Two installations on one site within this time are one."""
LONGEST_DELAY: Final = timedelta(hours=24)
"""An older signal gets no early card: it was sent before somebody switched this on, or waited too long."""
NO_LICENSE_YET: Final = "expected"
"""The status of the license that an early card stands for, until the report brings the real one."""


class SignalKind(StrEnum):
    """What happened to an app on a site."""

    INSTALLED = "installed"
    UNINSTALLED = "uninstalled"
    ENABLED = "enabled"
    DISABLED = "disabled"
    LICENSE = "license"


class EarlyCards(StrEnum):
    """For which apps a card is posted before the license is known. The values are those of the setting."""

    OFF = "off"
    KNOWN = "known"
    """For apps whose licenses the report names: those that are sold."""
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSignal:
    """One signal. `key` is the same for each repetition of one request. At least one id or the site is set."""

    key: str
    app_key: str
    kind: SignalKind
    at: datetime
    cloud_id: str | None = None
    site: str | None = None
    """The host, in lower case."""
    aliases: tuple[str, ...] = ()
    """Ids of the license, where the app knows them: the best one first."""

    @property
    def place(self) -> str:
        """Where it happened, by the best name there is."""
        return self.cloud_id or self.site or self.aliases[0]


class EarlyEnd(StrEnum):
    """Why an early card waits for no license any more. The values are those of the column."""

    UNINSTALLED = "uninstalled"
    NO_LICENSE = "no_license"


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyInstall:
    """The installation that an early card shows."""

    signal: AppSignal
    end: EarlyEnd | None = None

    @property
    def at(self) -> datetime:
        """When it happened."""
        return self.signal.at

    @property
    def place(self) -> str:
        """Where it happened, by the name that people know best."""
        return self.signal.site or self.signal.place


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyCardPolicy:
    """Which early cards are posted, and to which channel unless the team set another one for the app.

    `own_sites` are as `AnnouncementPolicy` has them.
    """

    mode: EarlyCards
    channel: str
    own_sites: frozenset[str] = frozenset()


class SignalOutcome(StrEnum):
    """What became of a signal. The values are those of the column."""

    EARLY = "early"
    """A card was posted for it, before its license was known."""
    REPEATED = "repeated"
    MATCHED = "matched"
    """It belongs to a trial that the report had named already."""
    LINE = "line"
    """It was said in the thread of an evaluation."""
    KEPT = "kept"
    """Nothing is known of the site so far. Its license may follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtPlace:
    """What is known of the app at the place of a signal, when it is handled."""

    is_repeated: bool = False
    """The same happened there within minutes."""
    early: int | None = None
    """The evaluation whose early card waits for its license."""
    announced: int | None = None
    """The trial whose start a new installation is."""
    was_installed: bool = False
    """An earlier installation was already counted as the start of that trial."""
    latest: int | None = None
    """The newest evaluation with a card."""
    is_live: bool = False
    """A trial runs, or a license is paid for."""
    is_own_site: bool = False
    is_known_app: bool = False
    """The report names licenses of the app."""


def outcome_of(signal: AppSignal, found: AtPlace, mode: EarlyCards, *, now: datetime) -> SignalOutcome:
    """Return what follows from a signal."""
    if found.is_repeated or found.early is not None:
        return SignalOutcome.REPEATED
    if signal.kind is not SignalKind.INSTALLED:
        is_told = found.latest is not None and signal.kind is not SignalKind.LICENSE
        return SignalOutcome.LINE if is_told else SignalOutcome.KEPT
    if found.announced is not None and not found.was_installed:
        return SignalOutcome.MATCHED
    if found.is_live or found.announced is not None:
        return SignalOutcome.KEPT if found.latest is None else SignalOutcome.LINE
    is_wanted = mode is EarlyCards.ALL or (mode is EarlyCards.KNOWN and found.is_known_app)
    is_late = now - signal.at > LONGEST_DELAY
    return SignalOutcome.EARLY if is_wanted and not is_late and not found.is_own_site else SignalOutcome.KEPT


def may_start(trial_started: date, installed: datetime) -> bool:
    """Return whether an installation may be the start of a trial. Both count in UTC days."""
    return trial_started - _BEFORE_START <= installed.date() <= trial_started + _AFTER_START


FIRST_START: Final = _AFTER_START
"""How long before a signal a trial may have started, of which it tells."""
