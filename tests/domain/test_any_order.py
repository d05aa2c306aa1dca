"""The same records in any order, as often as they come, end in the same license and tell each fact once."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

from hypothesis import given, note
from hypothesis import strategies as st

from bot.domain.changes import (
    Change,
    Confirmed,
    Converted,
    Corrected,
    Ended,
    Enriched,
    Extended,
    Refreshed,
    Reopened,
    Started,
    compare,
)
from bot.domain.evaluation import License, State, Trial
from bot.domain.identity import KnownLicense, merge_known, merge_records, same_trial
from tests.examples import drawn
from tests.histories import histories

Key = tuple[date, str | None]


def key(trial: Trial) -> Key:
    return trial.started, trial.upgrade_to or ""


@dataclass
class Shelf:
    """What a store does with changes, without one."""

    known: list[KnownLicense] = field(default_factory=list)

    def record(self, seen: License) -> list[Change]:
        """Keep what a record says; what is told of it."""
        tied = [k for k in self.known if k.license.aliases & seen.aliases]
        before = merge_known(tied)
        changes = compare(before, seen)
        trials = {} if before is None else {key(trial): trial for trial in before.trials}
        for change in changes:
            if isinstance(change, Corrected):
                del trials[key(change.was)]
            # Only what begins, or is set right, comes under a day that was not taken.
            assert (key(change.trial) in trials) is not isinstance(change, Started | Corrected), change
            if not isinstance(change, Refreshed):
                trials[key(change.trial)] = change.trial
        one = KnownLicense(
            ids=(min((k.ids[0] for k in tied), default=len(self.known)),),
            license=seen if before is None else merge_records(before.license, seen),
            trials=tuple(sorted(trials.values(), key=key)),
        )
        self.known = [*(k for k in self.known if k not in tied), one]
        reported: list[Change] = [change for change in changes if not isinstance(change, Confirmed | Refreshed)]
        note(f"{seen.updated} {seen.license_type} {seen.status} {sorted(seen.aliases)}: {reported}")
        return reported

    def view(self) -> list[tuple[License, list[tuple[object, ...]]]]:
        """All there is, without the day on which it was told."""
        return [(k.license, [(*key(t), t.ends, t.state) for t in k.trials]) for k in self.known]


@drawn
@given(data=st.data(), reported=histories())
def test_whatever_order_the_records_come_in_the_license_and_its_trials_are_the_same(
    data: st.DataObject, reported: list[License]
) -> None:
    one, other = Shelf(), Shelf()
    for seen in reported:
        one.record(seen)
    for seen in data.draw(st.permutations(reported)):
        other.record(seen)
    assert one.view() == other.view()
    assert len(one.known) == 1


@drawn
@given(data=st.data(), reported=histories())
def test_a_record_that_comes_again_at_any_later_moment_tells_nothing(
    data: st.DataObject, reported: list[License]
) -> None:
    shelf, came = Shelf(), list[License]()
    for seen in data.draw(st.permutations(reported)):
        shelf.record(seen)
        came.append(seen)
        for again in data.draw(st.lists(st.sampled_from(came), max_size=3)):
            assert shelf.record(again) == []


@drawn
@given(data=st.data(), reported=histories(one_id=True))
def test_every_fact_of_a_trial_is_reported_once_in_any_order_of_records(
    data: st.DataObject, reported: list[License]
) -> None:
    shelf = Shelf()
    changes = [change for seen in data.draw(st.permutations(reported)) for change in shelf.record(seen)]
    [one] = shelf.known
    for trial in one.trials:
        of_it = [change for change in changes if same_trial(change.trial, one.trials) == trial]
        count = Counter(type(change) for change in of_it)
        assert count[Started] == 1
        assert count[Converted] == (trial.state is State.CONVERTED)
        assert count[Ended] <= 1 + count[Reopened]
        assert count[Enriched] <= 1
        ends = [change.trial.ends for change in of_it if isinstance(change, Extended) and trial.upgrade_to is None]
        assert len(ends) == len(set(ends))
