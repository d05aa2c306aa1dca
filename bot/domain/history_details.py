"""The details of a history entry as they are stored: names and texts.

Databases and the metadata of messages in Slack hold them, so names and values stay as they are. An entry of an earlier
version may lack some.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from datetime import date, datetime
from enum import StrEnum
from functools import partial
from typing import Final, TypeVar

from bot.domain.app_signal import SignalKind
from bot.domain.departure import DepartureKind
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import Disposition, NotForUsReason, State
from bot.domain.history import (
    AnsweredInApp,
    AppSignalled,
    Assigned,
    BounceMeaning,
    CalledDone,
    CalledNotForUs,
    ContactNow,
    ContactReplaced,
    CustomerLeft,
    DatesCorrected,
    DetailsAdded,
    DncAdded,
    DncLifted,
    Erased,
    Fact,
    FeedbackReceived,
    Kind,
    LicenseFollowed,
    MailBounced,
    MailEvent,
    Merged,
    NobodyAvailable,
    NoteAdded,
    QuoteAccepted,
    Released,
    ReplyReceived,
    TrialConverted,
    TrialEnded,
    TrialExtended,
    TrialReopened,
    TrialStarted,
    Undone,
)
from bot.domain.mail import LawfulBasis
from bot.domain.rotation import AssignmentRule, Unavailable

Details = Mapping[str, str]

_E = TypeVar("_E", bound=StrEnum)
_STORED_AS: Final = {"license_type": "type", "basis": "ground", "reason": "cause", "entry_id": "mark"}
"""Fields that are stored under another name."""
_LEFT_OUT: Final = frozenset({"note", "rule", "reply", "has_words", "feedback"})
"""Fields that are stored only if they are text."""
_NUMBER_DIGITS: Final = 19
"""Digits of the largest id."""


def pack(fact: Fact) -> dict[str, str]:
    """Return the details of a fact. The note of a do-not-contact entry is included only once it was read."""
    if isinstance(fact, DetailsAdded):
        return dict(fact.facts)
    if isinstance(fact, NobodyAvailable):
        return {user: reason.value for user, reason in fact.why}
    values = {field.name: getattr(fact, field.name) for field in fields(fact)}
    return {
        _STORED_AS.get(name, name): _text(value)
        for name, value in values.items()
        if name != "kind" and not (name in _LEFT_OUT and not isinstance(value, str))
    }


def unpack(kind: Kind, details: Details) -> Fact:
    """Return the fact of this kind that has these details."""
    return _READERS[kind](details)


def _mail_event(kind: Kind, details: Details) -> MailEvent:
    basis = details.get("ground", "")
    return MailEvent(
        kind=kind,
        template=details.get("template", ""),
        mail=_number(details, "mail"),
        basis=LawfulBasis.__members__.get(basis),
        error=details.get("error", ""),
    )


def _assigned(details: Details) -> Assigned:
    rule = details.get("rule")
    return Assigned(
        owner=details.get("owner", ""),
        was=details.get("was", ""),
        rule=_choice(AssignmentRule, rule, AssignmentRule.ROTATION) if rule else None,
    )


def _converted(details: Details) -> TrialConverted:
    return TrialConverted(
        license_type=details.get("type", ""),
        edition=details.get("edition", ""),
        tier=details.get("tier", ""),
        days=_number(details, "days"),
        upgrade=details.get("upgrade", ""),
    )


def _ended(details: Details) -> TrialEnded:
    how = _choice(State, details.get("how"), State.EXPIRED)
    return TrialEnded(how=how, on=_day(details, "on"), upgrade=details.get("upgrade", ""))


def _bounced(details: Details) -> MailBounced:
    means = _choice(BounceMeaning, details.get("means"), BounceMeaning.LATER)
    return MailBounced(template=details.get("template", ""), status=details.get("status", ""), means=means)


def _blocked(details: Details) -> DncAdded:
    reason = _choice(DncReason, details.get("cause"), DncReason.TEAM)
    return DncAdded(reason=reason, entry_id=_number(details, "mark"), note=details.get("note"))


def _not_for_us(details: Details) -> CalledNotForUs:
    reason = _choice(NotForUsReason, details.get("cause"), NotForUsReason.OTHER)
    return CalledNotForUs(reason=reason, note_id=_number(details, "note_id"))


_READERS: Final[Mapping[Kind, Callable[[Details], Fact]]] = {
    Kind.STARTED: lambda details: TrialStarted(on=_day(details, "on")),
    Kind.EXTENDED: lambda details: TrialExtended(to=_day(details, "to"), was=_day(details, "was")),
    Kind.CORRECTED: lambda details: DatesCorrected(to=details.get("to", ""), was=details.get("was", "")),
    Kind.CONVERTED: _converted,
    Kind.ENDED: _ended,
    Kind.REOPENED: lambda details: TrialReopened(to=_day(details, "to")),
    Kind.CONTACT_CHANGED: lambda details: ContactReplaced(
        to=_choice(ContactNow, details.get("to"), ContactNow.ANOTHER)
    ),
    Kind.ENRICHED: lambda details: DetailsAdded(facts=tuple(details.items())),
    Kind.MERGED: lambda _details: Merged(),
    Kind.ASSIGNED: _assigned,
    Kind.RELEASED: lambda details: Released(was=details.get("was", "")),
    Kind.NOBODY_AVAILABLE: lambda details: NobodyAvailable(
        why=tuple((user, _choice(Unavailable, reason, Unavailable.AWAY)) for user, reason in details.items())
    ),
    Kind.MAIL_BOUNCED: _bounced,
    Kind.MAIL_REPLIED: lambda details: ReplyReceived(message=details.get("message", "")),
    Kind.FEEDBACK_RECEIVED: lambda details: FeedbackReceived(feedback_id=_number(details, "feedback_id")),
    Kind.ANSWERED_IN_APP: lambda details: AnsweredInApp(feedback_id=_number(details, "feedback_id")),
    Kind.DO_NOT_CONTACT: _blocked,
    Kind.CONTACT_AGAIN: lambda details: DncLifted(entry_id=_number(details, "mark"), note=details.get("note")),
    Kind.ERASED: lambda _details: Erased(),
    Kind.NOTE_ADDED: lambda details: NoteAdded(note_id=_number(details, "note_id")),
    Kind.DONE: lambda _details: CalledDone(),
    Kind.NOT_FOR_US: _not_for_us,
    Kind.APP_SIGNALLED: lambda details: AppSignalled(
        what=_choice(SignalKind, details.get("what"), SignalKind.INSTALLED),
        signalled_at=_time(details, "signalled_at"),
    ),
    Kind.LICENSE_FOLLOWED: lambda details: LicenseFollowed(installed_at=_time(details, "installed_at")),
    Kind.CUSTOMER_LEFT: lambda details: CustomerLeft(
        left=_choice(DepartureKind, details.get("left"), DepartureKind.OTHER),
        reason=details.get("cause", ""),
        on=_day(details, "on"),
        departure_id=_number(details, "departure_id"),
    ),
    Kind.QUOTE_ACCEPTED: lambda details: QuoteAccepted(
        on=_day(details, "on"),
        starts=_day(details, "starts"),
        **{name: details.get(name, "") for name in ("users", "edition", "price", "reseller")},
    ),
    Kind.UNDONE: lambda details: Undone(what=_choice(Disposition, details.get("what"), Disposition.DONE)),
    **{
        kind: partial(_mail_event, kind)
        for kind in Kind
        if kind.startswith("mail_") and kind not in {Kind.MAIL_BOUNCED, Kind.MAIL_REPLIED}
    },
}


def _text(value: date | StrEnum | int | str | None) -> str:
    if isinstance(value, LawfulBasis):
        return value.name
    return "" if value is None else str(value)


def _number(details: Details, name: str) -> int | None:
    text = details.get(name, "")
    return int(text) if text.isdecimal() and len(text) <= _NUMBER_DIGITS else None


def _day(details: Details, name: str) -> date | None:
    with suppress(ValueError):
        return date.fromisoformat(details.get(name, ""))
    return None


def _time(details: Details, name: str) -> datetime | None:
    with suppress(ValueError):
        return datetime.fromisoformat(details.get(name, ""))
    return None


def _choice(choices: type[_E], value: str | None, default: _E) -> _E:
    try:
        return choices(value or "")
    except ValueError:
        return default
