"""Decide which records of the report belong to one license, and which trials are the same."""

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
    "cloud_id",
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
"""Details that the report fills in late, and sometimes leaves out again for a while.

The edition is not one of them: it tells whether a trial of a higher edition was bought, and one record must decide
that.
"""

T = TypeVar("T")

_ENTITLEMENT: Final = "E-"
"""The prefix of an entitlement number, such as E-4AB-12C-D3E-F45."""
_CORRECTION: Final = timedelta(days=7)
"""Starts closer together than this are one trial: no trial is so short that a second one could follow it."""
_UPGRADE_TRIAL: Final = timedelta(days=30)
"""How long an upgrade trial is assumed to last: the shortest on cloud. The report does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLicense:
    """What the store holds about one license. Several `ids` if a fresh row ties together what looked like several."""

    ids: tuple[int, ...]
    license: License
    trials: tuple[Trial, ...]


def is_renamed(known: AbstractSet[str], seen: AbstractSet[str]) -> bool:
    """Return whether two sets of aliases, under two app keys, belong to one entitlement whose app got a new key.

    Both sets must share the entitlement number and another id, and one set must contain the other. One shared id proves
    nothing: on old records, apps of one site share the numbers of their host product.
    """
    return (known <= seen or seen <= known) and bool(entitlements(known & seen))


def entitlements(aliases: AbstractSet[str]) -> list[str]:
    """Return the entitlement numbers among the aliases; none unless another id confirms them."""
    numbers = [alias for alias in aliases if alias.startswith(_ENTITLEMENT)]
    return numbers if len(numbers) < len(aliases) else []


def trials_of(seen: License) -> tuple[Trial, ...]:
    """Return the trials in this record: the latest one, and that of a higher edition if there is one."""
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
    """Return the state of a higher edition's trial by this record.

    It is not documented whether the record's own edition already is the higher one while the trial runs. So a purchase
    counts only once the record no longer names the trial, or its last day has passed.
    """
    bought = (seen.edition or "").lower() == (trial.upgrade_to or "").lower()
    past = trial.ends is not None and seen.updated > trial.ends
    if bought and (past or seen.upgrade_started is None):
        return replace(trial, ends=None, state=State.CONVERTED)
    state = state_of(seen.status)
    return replace(trial, state=State.EXPIRED if past and state is State.RUNNING else state)


def state_of(status: str) -> State:
    """Return the state of a trial whose license has this status."""
    match status:
        case "inactive":
            return State.EXPIRED
        case "cancelled":
            return State.CANCELLED
        case _:
            return State.RUNNING


def same_trial(reported: Trial, trials: Iterable[Trial]) -> Trial | None:
    """Return the one of `trials` that `reported` describes, or None.

    Starts less than a week apart are the same trial: the report corrects dates. So are windows that overlap while the
    known one runs: nobody starts a second trial of an app inside a running one.
    """
    # The edition on trial may be filled in later; a license has one edition on trial at a time.
    alike = [trial for trial in trials if (trial.upgrade_to is None) == (reported.upgrade_to is None)]
    near = min(alike, key=lambda trial: abs(trial.started - reported.started), default=None)
    if near is not None and abs(near.started - reported.started) < _CORRECTION:
        return near
    running = (trial for trial in alike if trial.state is State.RUNNING)
    return next((t for t in running if _begins_within(reported, t) or _begins_within(t, reported)), None)


def group_by_trial(items: Iterable[T], trial_of: Callable[[T], Trial]) -> list[list[T]]:
    """Group items whose trials are the same; in each group the one reported last comes last."""
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
    """Merge what is known about one license: the freshest record, every trial, the oldest id first."""
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
    """Return the younger of two records of a license, with the ids of both and each detail as last given.

    A missing field means *unknown*, not *removed*: the report is known to blank contacts.
    """
    younger, older = (seen, known) if seen.updated >= known.updated else (known, seen)
    values: dict[str, Any] = {}
    kept: set[tuple[str, date]] = set()
    for detail in _DETAILS:
        given = [one for one in (younger, older) if getattr(one, detail) is not None]
        if not given:
            continue
        # Of two records of one day, max takes the first: the younger one.
        source = max(given, key=lambda one: _given_on(one, detail))
        values[detail] = getattr(source, detail)
        if (day := _given_on(source, detail)) < younger.updated:
            kept.add((detail, day))
    return replace(younger, aliases=known.aliases | seen.aliases, carried_over=frozenset(kept), **values)


def _given_on(one: License, detail: str) -> date:
    return next((day for kept, day in one.carried_over if kept == detail), one.updated)
