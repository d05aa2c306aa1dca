"""Which sights of the report speak of the same license, which of the same trial."""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import reduce
from typing import Any, Final, TypeVar

from bot.domain.evaluation import License, State, Trial

_DETAILS: Final = (
    "company",
    "country",
    "region",
    "site",
    "tier",
    "technical",
    "billing",
    "partner",
    "opportunity_size",
    "parent_product",
    "parent_edition",
    "channel",
    "days_to_convert",
    "sandbox",
)
"""What the report fills in late, and at times leaves out again for a while.

Not so the edition: by it a trial of a higher one is known to be bought, and that is for one record to say.
"""

T = TypeVar("T")

_ENTITLEMENT: Final = "E-"
"""What the number of an entitlement begins with: E-4AB-12C-D3E-F45."""
_CORRECTION: Final = timedelta(days=7)
"""Starts closer than this are one trial: no trial is so short that a second one could follow it."""
_UPGRADE_TRIAL: Final = timedelta(days=30)
"""How long an upgrade trial is taken to last: the shortest on cloud. The report does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLicense:
    """What the store holds of one license; several `ids` when a fresh row ties together what looked like several."""

    ids: tuple[int, ...]
    license: License
    trials: tuple[Trial, ...]


def is_renamed(known: AbstractSet[str], seen: AbstractSet[str]) -> bool:
    """Return whether two sets of aliases, under two app keys, are of one entitlement: the app has got another key.

    Its number and an id beside it are the same, and no id of one is missing in the other. One id alone says nothing:
    apps of one site share the numbers of their host on old records.
    """
    return (known <= seen or seen <= known) and bool(entitlements(known & seen))


def entitlements(aliases: AbstractSet[str]) -> list[str]:
    """Return the numbers of an entitlement among aliases; none where there is no other id to bear them out."""
    numbers = [alias for alias in aliases if alias.startswith(_ENTITLEMENT)]
    return numbers if len(numbers) < len(aliases) else []


def trials_of(seen: License) -> tuple[Trial, ...]:
    """The trials this record tells of: the latest of the license, and that of a higher edition where there is one."""
    if seen.is_evaluation:
        started, upgrade_to = seen.latest_evaluation or seen.starts, None
        if seen.license_type.startswith("UPGRADE"):
            started, upgrade_to = seen.upgrade_started or seen.starts, seen.upgrade_to or seen.edition or "higher"
        state = state_of(seen.status)
        return (Trial(started=started, ends=seen.ends, state=state, reported_on=seen.updated, upgrade_to=upgrade_to),)
    found = []
    if seen.latest_evaluation is not None:
        found.append(Trial(started=seen.latest_evaluation, ends=None, state=State.CONVERTED, reported_on=seen.updated))
    if seen.upgrade_started is not None and seen.upgrade_to:
        started, ends = seen.upgrade_started, seen.upgrade_started + _UPGRADE_TRIAL
        running = Trial(
            started=started, ends=ends, state=State.RUNNING, reported_on=seen.updated, upgrade_to=seen.upgrade_to
        )
        found.append(upgrade_trial(seen, running))
    return tuple(found)


def upgrade_trial(seen: License, trial: Trial) -> Trial:
    """How the trial of a higher edition stands by this record.

    Whether the record's own edition already is the higher one while the trial runs is not documented; so a purchase is
    believed only when the trial is not spoken of any more, or is over by its days.
    """
    bought = (seen.edition or "").lower() == (trial.upgrade_to or "").lower()
    past = trial.ends is not None and seen.updated > trial.ends
    if bought and (past or seen.upgrade_started is None):
        return replace(trial, ends=None, state=State.CONVERTED)
    state = state_of(seen.status)
    return replace(trial, state=State.EXPIRED if past and state is State.RUNNING else state)


def state_of(status: str) -> State:
    """Where a trial stands whose license has this status."""
    match status:
        case "inactive":
            return State.EXPIRED
        case "cancelled":
            return State.CANCELLED
        case _:
            return State.RUNNING


def same_trial(reported: Trial, trials: Iterable[Trial]) -> Trial | None:
    """The one of `trials` that `told` speaks of.

    Equal starts are the same trial, starts less than a week apart too: the report corrects them. So are windows that
    overlap while the known one runs: nobody starts a second trial of an app inside a running one.
    """
    # Which edition is tried may be filled in later; one license tries one at a time.
    alike = [trial for trial in trials if (trial.upgrade_to is None) == (reported.upgrade_to is None)]
    near = min(alike, key=lambda trial: abs(trial.started - reported.started), default=None)
    if near is not None and abs(near.started - reported.started) < _CORRECTION:
        return near
    running = (trial for trial in alike if trial.state is State.RUNNING)
    return next((t for t in running if _begins_within(reported, t) or _begins_within(t, reported)), None)


def group_by_trial(items: Iterable[T], trial_of: Callable[[T], Trial]) -> list[list[T]]:
    """Items whose trials are one and the same, together; in each group the one that was told last comes last."""
    groups: list[list[T]] = []
    for item in sorted(items, key=lambda item: _freshness(trial_of(item))):
        trials = [trial_of(group[-1]) for group in groups]
        found = same_trial(trial_of(item), trials)
        if found is None:
            groups.append([item])
        else:
            groups[trials.index(found)].append(item)
    return groups


def merge_known(known: Sequence[KnownLicense]) -> KnownLicense | None:
    """One `Known` out of those that share a license: the freshest record, every trial, the oldest id first."""
    found = sorted(known, key=lambda k: k.ids)
    if not found:
        return None
    trials = [group[-1] for group in group_by_trial((trial for k in found for trial in k.trials), lambda trial: trial)]
    return KnownLicense(
        ids=tuple(id_ for k in found for id_ in k.ids),
        license=reduce(merge_records, (k.license for k in sorted(found, key=lambda k: k.license.updated))),
        trials=tuple(sorted(trials, key=lambda trial: trial.started)),
    )


def _begins_within(inner: Trial, outer: Trial) -> bool:
    return outer.ends is not None and outer.started <= inner.started <= outer.ends


def _freshness(trial: Trial) -> tuple[object, ...]:
    return (trial.reported_on, trial.state is not State.RUNNING, trial.started, str(trial.ends), trial.state)


def merge_records(known: License, seen: License) -> License:
    """The younger of two records of a license, with every id of both, and each detail as it was last given.

    That a record leaves something out is no statement: the pipeline behind the report is known to blank contacts.
    """
    younger, older = (seen, known) if seen.updated >= known.updated else (known, seen)
    values: dict[str, Any] = {}
    kept: set[tuple[str, date]] = set()
    for detail in _DETAILS:
        given = [one for one in (younger, older) if getattr(one, detail) is not None]
        if not given:
            continue
        # Of two of one day, max takes the first: the younger record.
        source = max(given, key=lambda one: _given_on(one, detail))
        values[detail] = getattr(source, detail)
        if (day := _given_on(source, detail)) < younger.updated:
            kept.add((detail, day))
    return replace(younger, aliases=known.aliases | seen.aliases, carried_over=frozenset(kept), **values)


def _given_on(one: License, detail: str) -> date:
    return next((day for kept, day in one.carried_over if kept == detail), one.updated)
