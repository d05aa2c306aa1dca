"""What a fresh look at a license means: `compare` turns two sights of it into the facts that are new.

The rules rest on how the report behaves: a conversion happens in place on cloud (the type leaves EVALUATION), the
trial's window is the license's maintenance window while the type is EVALUATION, the latest evaluation's start outlives
a purchase, and rows may arrive out of order, in which case the later `updated` is the truth.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from bot.domain.evaluation import License, State, Trial
from bot.domain.trust import normalised


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A trial that was not known before, as it stands."""

    trial: Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Extended:
    """The running trial ends later than known."""

    trial: Trial
    before: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """The report moved the start or shortened the window of a trial already known; nothing began or ended."""

    trial: Trial
    was: Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """The license of the trial was bought (or otherwise granted)."""

    trial: Trial
    license_type: str
    edition: str | None
    tier: str | None
    days: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The trial is over and nothing was bought; `trial.state` says whether it expired or was cancelled."""

    trial: Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """A trial that had ended runs again."""

    trial: Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactChanged:
    """Another person, or nobody any more, stands on the license."""

    trial: Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Enriched:
    """Facts that the report did not have before; `facts` names them as fields of `License`."""

    trial: Trial
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """Something shown on the card changed that is not worth a word."""

    trial: Trial


Change = Started | Extended | Corrected | Converted | Ended | Reopened | ContactChanged | Enriched | Refreshed

_LATE_FACTS: Final = (
    "company",
    "country",
    "opportunity_size",
    "parent_product",
    "parent_edition",
    "sandbox",
    "channel",
)
"""What Atlassian fills in hours to days after the trial began."""

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
    "migration",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the store holds of one license; several `ids` when a fresh row ties together what looked like several."""

    ids: tuple[int, ...]
    license: License
    trials: tuple[Trial, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one record of the report comes to, ready to be stored."""

    known: Known | None
    seen: License
    changes: tuple[Change, ...]
    announce: bool = False
    """Whether what started here gets a card."""

    @property
    def is_news(self) -> bool:
        """Whether anything is to be written: a change, a fresher record, another id, or two licenses that are one."""
        if self.known is None or len(self.known.ids) > 1 or self.changes:
            return True
        known = self.known.license
        return not self.seen.aliases <= known.aliases or (
            self.is_fresh and replace(self.seen, aliases=known.aliases) != known
        )

    @property
    def is_fresh(self) -> bool:
        """Whether the record is at least as young as the one that is stored."""
        return self.known is None or self.seen.updated >= self.known.license.updated


def trial_of(license_: License) -> Trial | None:
    """The latest trial this record tells of; None for a license that nobody tried first."""
    if license_.is_evaluation:
        return Trial(
            started=license_.latest_evaluation or license_.starts, ends=license_.ends, state=_state(license_.status)
        )
    if license_.latest_evaluation is None:
        return None
    return Trial(started=license_.latest_evaluation, ends=None, state=State.CONVERTED)


def compare(known: Known | None, seen: License) -> list[Change]:
    """The facts that `seen` adds to `known`, in the order in which they should be told; empty when nothing is new."""
    trial = trial_of(seen)
    if known is None:
        return [] if trial is None else _first_sight(trial, seen)
    if seen.updated < known.license.updated:
        # An older sight may still tell of a trial nobody saw, which is over: the fresher one does not speak of it.
        if trial is None or _same(trial, known.trials):
            return []
        return _first_sight(replace(trial, state=State.EXPIRED) if trial.state is State.RUNNING else trial, seen)
    return [*_fresh_sight(known, trial, seen), *_other_cards(known, trial, seen)]


def merged(known: Iterable[Known]) -> Known | None:
    """One `Known` out of those that share a license: the freshest record, every trial, the oldest id first."""
    found = sorted(known, key=lambda k: k.ids)
    if not found:
        return None
    trials = {trial.started: trial for k in sorted(found, key=lambda k: k.license.updated) for trial in k.trials}
    return Known(
        ids=tuple(id_ for k in found for id_ in k.ids),
        license=max((k.license for k in found), key=lambda license_: license_.updated),
        trials=tuple(sorted(trials.values(), key=lambda trial: trial.started)),
    )


def _fresh_sight(known: Known, trial: Trial | None, seen: License) -> list[Change]:
    if trial is None:
        open_trial = max((t for t in known.trials if t.state is State.RUNNING), key=lambda t: t.started, default=None)
        return [] if open_trial is None else _conversion(replace(open_trial, state=State.CONVERTED), seen)
    before = _same(trial, known.trials)
    if before is None:
        # The record speaks of one trial at a time: an earlier one that was still running is over.
        over = [t for t in known.trials if t.state is State.RUNNING and t.started < trial.started]
        return [*(Ended(trial=replace(t, state=State.EXPIRED)) for t in over), *_first_sight(trial, seen)]
    return [*_progress(before, trial, seen), *_details(known.license, trial, seen)]


def _other_cards(known: Known, trial: Trial | None, seen: License) -> list[Change]:
    """Every card of the license shows its people: those of its other trials must not keep a name that is gone."""
    if _people(known.license) == _people(seen):
        return []
    told = None if trial is None else _same(trial, known.trials)
    return [Refreshed(trial=other) for other in known.trials if other != told]


def _state(status: str) -> State:
    match status:
        case "inactive":
            return State.EXPIRED
        case "cancelled":
            return State.CANCELLED
        case _:
            return State.RUNNING


def _first_sight(trial: Trial, seen: License) -> list[Change]:
    started = Started(trial=trial)
    match trial.state:
        case State.RUNNING:
            return [started]
        case State.CONVERTED:
            return [started, *_conversion(trial, seen)]
        case _:
            return [started, Ended(trial=trial)]


def _same(trial: Trial, trials: Iterable[Trial]) -> Trial | None:
    """The known trial that `trial` speaks of.

    Equal starts are the same trial. So are windows that overlap while the known one runs: nobody starts a second trial
    of an app inside a running one, so the report has corrected the start.
    """
    for known in trials:
        if known.started == trial.started:
            return known
    for known in trials:
        if known.state is State.RUNNING and _begins_within(trial, known) | _begins_within(known, trial):
            return known
    return None


def _begins_within(inner: Trial, outer: Trial) -> bool:
    return outer.ends is not None and outer.started <= inner.started <= outer.ends


def _progress(before: Trial, now: Trial, seen: License) -> list[Change]:
    """What happened to the trial itself."""
    if before.state is State.CONVERTED:
        return []
    changes: list[Change] = []
    if now.started != before.started:
        changes.append(Corrected(trial=now, was=before))
    if now.state is State.CONVERTED:
        return [*changes, *_conversion(replace(now, ends=before.ends), seen)]
    if before.state is not State.RUNNING and now.state is State.RUNNING:
        changes.append(Reopened(trial=now))
    runs = State.RUNNING in {before.state, now.state}
    if runs and before.ends and now.ends and now.ends > before.ends:
        changes.append(Extended(trial=now, before=before.ends))
    elif now.ends != before.ends and not changes:
        changes.append(Corrected(trial=now, was=before))
    if now.state is not State.RUNNING and now.state is not before.state:
        changes.append(Ended(trial=now))
    return changes


def _conversion(trial: Trial, seen: License) -> list[Change]:
    return [
        Converted(
            trial=trial,
            license_type=seen.license_type,
            edition=seen.edition,
            tier=seen.tier,
            days=seen.days_to_convert,
        )
    ]


def _details(known: License, trial: Trial, seen: License) -> list[Change]:
    """What the report now says of the customer and did not say before."""
    changes: list[Change] = []
    if _people(known) != _people(seen):
        changes.append(ContactChanged(trial=trial))
    facts = tuple(
        fact for fact in _LATE_FACTS if getattr(known, fact) is None and getattr(seen, fact) not in (None, False)
    )
    if trial.state is not State.RUNNING:
        return changes
    if facts:
        changes.append(Enriched(trial=trial, facts=facts))
    if not changes and any(getattr(known, field) != getattr(seen, field) for field in _SHOWN):
        changes.append(Refreshed(trial=trial))
    return changes


def _people(license_: License) -> list[tuple[str | None, bool]]:
    return [(contact.email and normalised(contact.email), contact.forgotten) for contact in license_.contacts]
