"""Compare a fresh license record with what is known, and return the changes.

The rules follow how the report behaves. On cloud, a conversion happens in place: the type leaves EVALUATION. While the
type is EVALUATION, the trial's window is the license's maintenance window. The start of the latest evaluation outlives
a purchase. Rows may arrive out of order: for each trial, the youngest record is the truth.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from bot.domain.address import canonical
from bot.domain.evaluation import License, State, Trial
from bot.domain.identity import KnownLicense, merge_records, same_trial, trials_of, upgrade_trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A trial that was not known before, as it stands now."""

    trial: Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Extended:
    """The running trial ends later than was known."""

    trial: Trial
    before: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """The report corrected the dates of a trial, or how it ended. Nothing started or ended because of it."""

    trial: Trial
    was: Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """The license of the trial was bought or otherwise granted."""

    trial: Trial
    license_type: str
    edition: str | None
    tier: str | None
    days: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The trial is over without a purchase; `trial.state` says whether it expired or was cancelled."""

    trial: Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """A trial that had ended is running again."""

    trial: Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactChanged:
    """The license names another person, or nobody any more."""

    trial: Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Enriched:
    """The report now has facts it did not have before; `facts` names them as fields of `License`."""

    trial: Trial
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """Something shown on the card changed that needs no line in the thread."""

    trial: Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """A fresher record confirms what was known about the trial."""

    trial: Trial


Change = (
    Started | Extended | Corrected | Converted | Ended | Reopened | ContactChanged | Enriched | Refreshed | Confirmed
)

_LATE_FACTS: Final = (
    "company",
    "country",
    "opportunity_size",
    "parent_product",
    "parent_edition",
    "sandbox",
    "channel",
    "migration",
)
"""Fields that Atlassian fills in hours to days after the trial started."""

_SAYS_NOTHING: Final = (None, False, "Unknown")

_SHOWN: Final = (
    *_LATE_FACTS,
    "app_name",
    "hosting",
    "edition",
    "tier",
    "site",
    "partner",
    "technical",
    "billing",
    "atlassian",
)


def compare(known: KnownLicense | None, seen: License) -> list[Change]:
    """Return the changes that `seen` brings to `known`, in the order to tell them; empty if nothing is new."""
    if known is None:
        return [change for trial in trials_of(seen) for change in _first_sight(trial, seen)]
    changes = _untold(known, known.license, fresh=True) if len(known.ids) > 1 else []
    if changes:
        # Several known licenses turned out to be one: a trial that the youngest record leaves out is left out for all.
        settled = {(change.trial.started, change.trial.upgrade_to): change.trial for change in changes}
        known = replace(known, trials=tuple(settled.get((t.started, t.upgrade_to), t) for t in known.trials))
    fresh = seen.updated >= known.license.updated
    reported = trials_of(seen)
    for trial in reported:
        before = same_trial(trial, known.trials)
        if before is not None and seen.updated < before.reported_on:
            continue
        speaks_for_itself = fresh or trial.state is State.CONVERTED
        now, teller = (trial, seen) if speaks_for_itself else (_by_now(before, trial, known), known.license)
        changes += _first_sight(now, teller) if before is None else _progress(before, now, teller)
    is_full = merge_records(known.license, seen)
    details = _details(known, is_full)
    if not fresh:
        # An older record fills gaps on the card. What it says about people and sizes was news back then, not now.
        details = [Refreshed(trial=change.trial) for change in details[:1]]
    return [*_repaints(known, is_full), *changes, *_untold(known, seen, fresh=fresh), *details]


def _by_now(before: Trial | None, trial: Trial, known: KnownLicense) -> Trial:
    """Return what became of a trial that only an older record mentions."""
    was_bought = before is not None and before.state is State.CONVERTED
    if trial.upgrade_to is not None and not was_bought:
        return upgrade_trial(known.license, trial)
    if was_bought or (_sold_unnamed(known.license) and not _earlier(trial, known.trials)):
        return replace(trial, state=State.CONVERTED, ends=None)
    return replace(trial, state=State.EXPIRED) if trial.state is State.RUNNING else trial


def _untold(known: KnownLicense, seen: License, *, fresh: bool) -> list[Change]:
    """Return what the record implies about trials by not naming them."""
    named = [same_trial(trial, known.trials) for trial in trials_of(seen)]
    rest = [trial for trial in known.trials if trial not in named and trial.reported_on <= seen.updated]
    changes: list[Change] = []
    latest = max((t for t in rest if t.upgrade_to is None), key=lambda t: t.started, default=None)
    for trial in rest:
        if trial is latest and _sold_unnamed(seen):
            changes += _progress(trial, replace(trial, state=State.CONVERTED, ends=None), seen)
        elif trial.state is State.CONVERTED or not fresh:
            continue
        elif trial.upgrade_to is not None:
            changes += _progress(trial, upgrade_trial(seen, trial), seen)
        elif trial.state is State.RUNNING:
            # A record describes one trial at a time: another one that was still running is over.
            changes.append(Ended(trial=replace(trial, state=State.EXPIRED)))
    return changes


def _sold_unnamed(seen: License) -> bool:
    """Return whether the license was bought and the record names no trial."""
    return not seen.is_evaluation and seen.latest_evaluation is None


def _earlier(trial: Trial, trials: Iterable[Trial]) -> bool:
    return any(trial.started < other.started for other in trials if other.upgrade_to is None)


def _first_sight(trial: Trial, seen: License) -> list[Change]:
    started = Started(trial=trial)
    match trial.state:
        case State.RUNNING:
            return [started]
        case State.CONVERTED:
            return [started, _conversion(trial, seen)]
        case _:
            return [started, Ended(trial=trial)]


def _progress(before: Trial, now: Trial, seen: License) -> list[Change]:
    """Return what happened to the trial itself."""
    if now == before:
        return []
    moved = (now.started, now.upgrade_to) != (before.started, before.upgrade_to)
    if now.state is State.CONVERTED:
        if before.state is State.CONVERTED:
            return [Corrected(trial=now, was=before) if moved else Confirmed(trial=now)]
        return [*([Corrected(trial=now, was=before)] if moved else []), _conversion(now, seen)]
    changes: list[Change] = []
    if moved:
        changes.append(Corrected(trial=now, was=before))
    if before.state is not State.RUNNING and now.state is State.RUNNING:
        changes.append(Reopened(trial=now))
    runs = State.RUNNING in {before.state, now.state}
    if runs and before.ends and now.ends and now.ends > before.ends:
        changes.append(Extended(trial=now, before=before.ends))
    if before.state is State.RUNNING and now.state is not State.RUNNING:
        changes.append(Ended(trial=now))
    if changes:
        return changes
    # A cancelled trial becomes inactive after its end date. That is not news.
    return [
        Confirmed(trial=now)
        if replace(now, reported_on=before.reported_on) == before
        else Corrected(trial=now, was=before)
    ]


def _conversion(trial: Trial, seen: License) -> Converted:
    return Converted(
        trial=trial, license_type=seen.license_type, edition=seen.edition, tier=seen.tier, days=seen.days_to_convert
    )


def _repaints(known: KnownLicense, seen: License) -> list[Change]:
    """Return a refresh for every card of the license if its people changed: no card may keep a name that is gone."""
    changed = _people(known.license) != _people(seen)
    return [Refreshed(trial=trial) for trial in known.trials] if changed else []


def _details(known: KnownLicense, seen: License) -> list[Change]:
    """Return the facts about the customer that are known now and were not before."""
    before, reported = known.license, trials_of(seen)
    subject = next((t for t in reported if t.state is State.RUNNING), next(iter(reported), None))
    if subject is None or same_trial(subject, known.trials) is None:
        return []
    runs = subject.state is State.RUNNING
    changes: list[Change] = []
    # A new contact at an old customer is not news. A contact who may no longer be emailed is.
    if _people(before) != _people(seen) and (runs or any(contact.forgotten for contact in seen.contacts)):
        changes.append(ContactChanged(trial=subject))
    if not runs:
        return changes
    facts = tuple(
        fact
        for fact in _LATE_FACTS
        if getattr(before, fact) in (None, False) and getattr(seen, fact) not in _SAYS_NOTHING
    )
    if facts:
        changes.append(Enriched(trial=subject, facts=facts))
    if not changes and any(getattr(before, field) != getattr(seen, field) for field in _shown(seen)):
        changes.append(Refreshed(trial=subject))
    return changes


def _shown(seen: License) -> Iterable[str]:
    """Return the fields whose change shows on a card. A sandbox's tier changes all the time and is left out."""
    return (field for field in _SHOWN if not (seen.sandbox and field == "tier"))


def _people(license_: License) -> list[tuple[str | None, bool]]:
    return [(contact.email and canonical(contact.email), contact.forgotten) for contact in license_.contacts]
