"""What happened to an evaluation, one entry for each fact. Entries are only ever added.

Details hold no personal data: an entry outlives the contact it is about, and its line in Slack cannot be unsaid.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from bot.domain.changes import (
    Change,
    Confirmed,
    ContactChanged,
    Converted,
    Corrected,
    Ended,
    Enriched,
    Extended,
    Refreshed,
    Reopened,
    Started,
)
from bot.domain.evaluation import License, Trial


class Kind(StrEnum):
    """The facts of an evaluation's life: from the report, the team, and the mail server."""

    STARTED = "started"
    EXTENDED = "extended"
    CORRECTED = "corrected"
    CONVERTED = "converted"
    ENDED = "ended"
    REOPENED = "reopened"
    CONTACT_CHANGED = "contact_changed"
    ENRICHED = "enriched"
    MERGED = "merged"
    ASSIGNED = "assigned"
    RELEASED = "released"
    MAIL_UNDONE = "mail_undone"
    MAIL_DEFERRED = "mail_deferred"
    MAIL_SENT = "mail_sent"
    MAIL_FAILED = "mail_failed"
    MAIL_REFUSED = "mail_refused"
    MAIL_UNKNOWN = "mail_unknown"
    MAIL_ARRIVED = "mail_arrived"
    MAIL_AGAIN = "mail_again"
    MAIL_BOUNCED = "mail_bounced"
    DO_NOT_CONTACT = "do_not_contact"
    CONTACT_AGAIN = "contact_again"
    ERASED = "erased"


UNTOLD = frozenset({Kind.STARTED, Kind.CORRECTED, Kind.MERGED, Kind.MAIL_UNDONE})
"""Kinds that get no line in the thread because the card itself shows them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One fact: when (UTC), what, by whom (Slack user id; None for the report), and its details."""

    at: datetime
    kind: Kind
    actor: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)


def entry_of(change: Change, seen: License, *, at: datetime) -> Entry | None:
    """Return the history entry for a change found in the report, or None if it needs no line."""
    match change:
        case Refreshed() | Confirmed():
            return None
        case Started(trial=trial):
            kind, details = Kind.STARTED, {"on": str(trial.started)}
        case Extended(trial=trial, before=before):
            kind, details = Kind.EXTENDED, {"to": str(trial.ends), "was": str(before)}
        case Corrected(trial=trial, was=was):
            kind, details = Kind.CORRECTED, {"to": f"{trial.started}/{trial.ends}", "was": f"{was.started}/{was.ends}"}
        case Converted():
            kind, details = Kind.CONVERTED, _conversion(change)
        case Ended(trial=trial):
            kind, details = Kind.ENDED, _end(trial)
        case Reopened(trial=trial):
            kind, details = Kind.REOPENED, {"to": str(trial.ends or "")}
        case ContactChanged():
            kind, details = Kind.CONTACT_CHANGED, {"to": _who_is_there(seen)}
        case Enriched(facts=facts):
            kind, details = Kind.ENRICHED, {fact: str(getattr(seen, fact)) for fact in facts}
        case _:
            assert_never(change)
    return Entry(at=at, kind=kind, details=details)


def _who_is_there(seen: License) -> str:
    if not seen.contacts:
        return "nobody"
    return "forgotten" if all(contact.forgotten for contact in seen.contacts) else "another"


def _end(trial: Trial) -> dict[str, str]:
    return {"how": trial.state.value, "on": str(trial.ends or ""), "upgrade": trial.upgrade_to or ""}


def _conversion(change: Converted) -> dict[str, str]:
    return {
        "type": change.license_type,
        "edition": change.edition or "",
        "tier": change.tier or "",
        "days": "" if change.days is None else str(change.days),
        "upgrade": change.trial.upgrade_to or "",
    }
