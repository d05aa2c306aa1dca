"""The details of a fact that a table may have: each kind lists its own, so that a new one has none."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Final

from bot.domain.evaluation import Contact, License
from bot.domain.history import (
    AnsweredInApp,
    AppSignalled,
    Assigned,
    CalledDone,
    CalledNotForUs,
    ContactReplaced,
    CustomerLeft,
    DatesCorrected,
    DetailsAdded,
    DncAdded,
    DncLifted,
    Erased,
    Fact,
    FeedbackReceived,
    LicenseFollowed,
    MailBounced,
    MailEvent,
    Merged,
    NobodyAvailable,
    NoteAdded,
    OwnerFact,
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
from bot.domain.history_details import pack
from bot.domain.people_in_text import slack_id, without_people

_Stored = (
    TrialStarted
    | TrialExtended
    | DatesCorrected
    | TrialConverted
    | TrialEnded
    | TrialReopened
    | ContactReplaced
    | MailBounced
    | Undone
    | AppSignalled
    | LicenseFollowed
    | QuoteAccepted
    | CustomerLeft
)
"""Facts whose details are dates, states and words of Atlassian's."""
_OF_LICENSE: Final = frozenset(field.name for field in fields(License))


def exported_details(fact: Fact, contacts: Iterable[Contact]) -> dict[str, str]:
    """Return the details of a fact that name nobody at the customer. Details without a value are left out."""
    people = tuple(contacts)
    found = {name: without_people(value, people) for name, value in _listed(fact).items()}
    return {name: value for name, value in found.items() if value is not None}


def _listed(fact: Fact) -> Mapping[str, str]:
    """Return the details that are listed for a kind of fact."""
    match fact:
        case DetailsAdded(facts=facts):
            return {"fields": " ".join(name for name, _ in facts if name in _OF_LICENSE)}
        case MailEvent(template=template, basis=basis):
            return {"template": template, "legal_basis": basis.name.lower() if basis else ""}
        case DncAdded(reason=reason) | CalledNotForUs(reason=reason):
            return {"reason": reason.value}
        case Assigned() | Released() | NobodyAvailable():
            return _of_owners(fact)
        case (
            Merged()
            | DncLifted()
            | Erased()
            | NoteAdded()
            | CalledDone()
            | ReplyReceived()
            | FeedbackReceived()
            | AnsweredInApp()
        ):
            return {}
        case _:
            stored: _Stored = fact
            return pack(stored)


def _of_owners(fact: OwnerFact) -> Mapping[str, str]:
    match fact:
        case Assigned(owner=owner, was=was, rule=rule):
            return {"owner": slack_id(owner) or "", "was": slack_id(was) or "", "rule": rule.value if rule else ""}
        case Released(was=was):
            return {"was": slack_id(was) or ""}
        case NobodyAvailable(why=why):
            return {user: reason.value for user, reason in why if slack_id(user)}
