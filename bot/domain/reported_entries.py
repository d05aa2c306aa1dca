"""History entries for the changes that a record of the report brings."""

from datetime import datetime
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
from bot.domain.history import (
    ContactNow,
    ContactReplaced,
    DatesCorrected,
    DetailsAdded,
    Entry,
    Fact,
    TrialConverted,
    TrialEnded,
    TrialExtended,
    TrialReopened,
    TrialStarted,
)


def entry_of(change: Change, seen: License, *, at: datetime) -> Entry | None:
    """Return the history entry for a change found in the report, or None if it needs no line."""
    fact: Fact
    match change:
        case Refreshed() | Confirmed():
            return None
        case Started(trial=trial):
            fact = TrialStarted(on=trial.started)
        case Extended(trial=trial, before=before):
            fact = TrialExtended(to=trial.ends, was=before)
        case Corrected(trial=trial, was=was):
            fact = DatesCorrected(to=f"{trial.started}/{trial.ends}", was=f"{was.started}/{was.ends}")
        case Converted():
            fact = _conversion(change)
        case Ended(trial=trial):
            fact = _end(trial)
        case Reopened(trial=trial):
            fact = TrialReopened(to=trial.ends)
        case ContactChanged():
            fact = ContactReplaced(to=_who_is_there(seen))
        case Enriched(facts=facts):
            fact = DetailsAdded(facts=tuple((each, str(getattr(seen, each))) for each in facts))
        case _:
            assert_never(change)
    return Entry(at=at, fact=fact)


def _who_is_there(seen: License) -> ContactNow:
    if not seen.contacts:
        return ContactNow.NOBODY
    return ContactNow.FORGOTTEN if all(contact.forgotten for contact in seen.contacts) else ContactNow.ANOTHER


def _end(trial: Trial) -> TrialEnded:
    return TrialEnded(how=trial.state, on=trial.ends, upgrade=trial.upgrade_to or "")


def _conversion(change: Converted) -> TrialConverted:
    return TrialConverted(
        license_type=change.license_type,
        edition=change.edition or "",
        tier=change.tier or "",
        days=change.days,
        upgrade=change.trial.upgrade_to or "",
    )
