"""What two records of a license mean, case by case."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    compare,
)
from bot.domain.evaluation import Contact, License, State, Trial
from bot.domain.identity import KnownLicense, same_trial, trials_of
from tests.builders import TODAY, contact, ids, known, license_, nov, trial

JAN_3 = date(2027, 1, 3)
BOUGHT: dict[str, Any] = {"license_type": "COMMERCIAL", "edition": "Standard", "tier": "50 Users", "days_to_convert": 3}
"""What conversion in place does to a cloud record; `latest_evaluation` outlives it."""
RUNNING, EXPIRED, CANCELLED = trial(), trial(state=State.EXPIRED), trial(state=State.CANCELLED)
CONVERTED = trial(state=State.CONVERTED, ends=None)
"""A sold record says when the trial began; its end has become the end of the maintenance."""


def converted(trial_: Trial) -> Converted:
    return Converted(trial=trial_, license_type="COMMERCIAL", edition="Standard", tier="50 Users", days=3)


@pytest.mark.parametrize(
    ("seen", "changes"),
    ids(
        {
            "running": ({}, [Started(trial=RUNNING)]),
            "expired": ({"status": "inactive"}, [Started(trial=EXPIRED), Ended(trial=EXPIRED)]),
            "cancelled": ({"status": "cancelled"}, [Started(trial=CANCELLED), Ended(trial=CANCELLED)]),
            "bought": (BOUGHT, [Started(trial=CONVERTED), converted(CONVERTED)]),
            "never tried": (BOUGHT | {"latest_evaluation": None}, []),
        }
    ),
)
def test_at_first_sight_a_license_tells_all_of_its_trial(seen: dict[str, Any], changes: list[Change]) -> None:
    assert compare(None, license_(**seen)) == changes


MOVED = trial(started=nov(22))
LONGER, SHORTER = trial(ends=JAN_3), trial(ends=nov(30))
OVER_LATER = replace(EXPIRED, ends=JAN_3)
LAST_YEAR = trial(started=date(2025, 3, 1), ends=date(2025, 3, 31))
IN_WINDOW = {"starts": nov(22), "latest_evaluation": nov(22)}


@pytest.mark.parametrize(
    ("before", "seen", "changes"),
    ids(
        {
            "extended": (RUNNING, {"ends": JAN_3}, [Extended(trial=LONGER, before=date(2026, 12, 20))]),
            "shortened": (RUNNING, {"ends": nov(30)}, [Corrected(trial=SHORTER, was=RUNNING)]),
            "given an end": (trial(ends=None), {}, [Corrected(trial=RUNNING, was=trial(ends=None))]),
            "robbed of its end": (RUNNING, {"ends": None}, [Corrected(trial=trial(ends=None), was=RUNNING)]),
            "begun later than thought": (RUNNING, IN_WINDOW, [Corrected(trial=MOVED, was=RUNNING)]),
            "begun earlier than thought": (MOVED, {}, [Corrected(trial=RUNNING, was=MOVED)]),
            "moved and extended": (
                RUNNING,
                IN_WINDOW | {"ends": JAN_3},
                [
                    Corrected(trial=replace(MOVED, ends=JAN_3), was=RUNNING),
                    Extended(trial=replace(MOVED, ends=JAN_3), before=date(2026, 12, 20)),
                ],
            ),
            "expired": (RUNNING, {"status": "inactive"}, [Ended(trial=EXPIRED)]),
            "cancelled": (RUNNING, {"status": "cancelled"}, [Ended(trial=CANCELLED)]),
            "expired, and its end moved": (
                EXPIRED,
                {"status": "inactive", "ends": JAN_3},
                [Corrected(trial=OVER_LATER, was=EXPIRED)],
            ),
            "extended and expired": (
                RUNNING,
                {"status": "inactive", "ends": JAN_3},
                [Extended(trial=OVER_LATER, before=date(2026, 12, 20)), Ended(trial=OVER_LATER)],
            ),
            "cancelled, and then run out: ended once": (
                CANCELLED,
                {"status": "inactive"},
                [Corrected(trial=EXPIRED, was=CANCELLED)],
            ),
            "cut short by the cancellation": (
                RUNNING,
                {"status": "cancelled", "ends": nov(30)},
                [Ended(trial=replace(CANCELLED, ends=nov(30)))],
            ),
            "moved and expired": (
                RUNNING,
                IN_WINDOW | {"status": "inactive"},
                [
                    Corrected(trial=replace(MOVED, state=State.EXPIRED), was=RUNNING),
                    Ended(trial=replace(MOVED, state=State.EXPIRED)),
                ],
            ),
            "reopened": (EXPIRED, {}, [Reopened(trial=RUNNING)]),
            "reopened for a shorter time": (EXPIRED, {"ends": nov(30)}, [Reopened(trial=SHORTER)]),
            "reopened and extended": (
                EXPIRED,
                {"ends": JAN_3},
                [Reopened(trial=LONGER), Extended(trial=LONGER, before=date(2026, 12, 20))],
            ),
            "bought": (RUNNING, BOUGHT, [converted(CONVERTED)]),
            "bought after it had ended": (EXPIRED, BOUGHT, [converted(CONVERTED)]),
            "bought, and the record no longer says when it began": (
                RUNNING,
                BOUGHT | {"latest_evaluation": None},
                [converted(CONVERTED)],
            ),
            "bought, and the start moved": (
                RUNNING,
                BOUGHT | {"latest_evaluation": nov(22)},
                [
                    Corrected(trial=replace(CONVERTED, started=nov(22)), was=RUNNING),
                    converted(replace(CONVERTED, started=nov(22))),
                ],
            ),
            "bought once: the maintenance is no longer a trial": (CONVERTED, BOUGHT | {"ends": JAN_3}, []),
            "bought, and the start of what was bought moved": (
                CONVERTED,
                BOUGHT | {"latest_evaluation": nov(22)},
                [Corrected(trial=replace(CONVERTED, started=nov(22)), was=CONVERTED)],
            ),
            "bought long after it had ended, and the record does not say what was tried": (
                EXPIRED,
                BOUGHT | {"latest_evaluation": None},
                [converted(CONVERTED)],
            ),
            "bought, taken back, and running again": (CONVERTED, {}, [Reopened(trial=RUNNING)]),
            "tried again": (replace(LAST_YEAR, state=State.EXPIRED), {}, [Started(trial=RUNNING)]),
            "tried again, and the end of the trial before was never told": (
                LAST_YEAR,
                {},
                [Started(trial=RUNNING), Ended(trial=replace(LAST_YEAR, state=State.EXPIRED))],
            ),
            "tried again after it was bought": (replace(CONVERTED, started=nov(1)), {}, [Started(trial=RUNNING)]),
            "tried again two days after one that was cancelled: no trial is that short, it runs again": (
                CANCELLED,
                IN_WINDOW,
                [Corrected(trial=MOVED, was=CANCELLED), Reopened(trial=MOVED)],
            ),
            "tried again a week after one that was cancelled": (
                CANCELLED,
                {"starts": nov(27), "latest_evaluation": nov(27)},
                [Started(trial=trial(started=nov(27)))],
            ),
            "begun a week later than thought, while it runs": (
                RUNNING,
                {"starts": nov(27), "latest_evaluation": nov(27)},
                [Corrected(trial=trial(started=nov(27)), was=RUNNING)],
            ),
            "tried again, bought, and seen only now": (
                replace(LAST_YEAR, state=State.EXPIRED),
                BOUGHT,
                [Started(trial=CONVERTED), converted(CONVERTED)],
            ),
        }
    ),
)
def test_a_fresh_sight_tells_what_became_of_the_trial(
    before: Trial, seen: dict[str, Any], changes: list[Change]
) -> None:
    assert compare(known(license_(**seen), before), license_(**seen)) == changes


def test_a_start_that_nearly_touches_the_window_before_it_is_another_trial() -> None:
    ended_yesterday = trial(started=nov(1), ends=nov(19))
    ends_on_the_day = trial(started=nov(1), ends=nov(20))
    assert [type(change) for change in compare(known(license_(), ended_yesterday), license_())] == [Started, Ended]
    assert [type(change) for change in compare(known(license_(), ends_on_the_day), license_())] == [Corrected, Extended]


def test_of_several_trials_the_latest_is_the_one_that_was_bought_and_the_others_are_over() -> None:
    seen = license_(**BOUGHT | {"latest_evaluation": None})
    over = replace(LAST_YEAR, state=State.EXPIRED)
    assert compare(known(seen, RUNNING, over), seen) == [converted(CONVERTED)]
    assert compare(known(seen, RUNNING, LAST_YEAR), seen) == [converted(CONVERTED), Ended(trial=over)]


def test_a_fresher_record_that_says_the_same_changes_only_the_day_of_the_report() -> None:
    for status in ("active", "inactive", "cancelled"):
        seen = license_(status=status, updated=nov(24))
        [before] = known(license_(status=status)).trials
        assert compare(known(license_(status=status)), seen) == [Confirmed(trial=replace(before, reported_on=nov(24)))]
    sold = license_(**BOUGHT)
    assert compare(known(sold), replace(sold, updated=nov(24))) == [
        Confirmed(trial=replace(CONVERTED, reported_on=nov(24)))
    ]


SOLD = license_(**BOUGHT | {"latest_evaluation": None})
OLDER: dict[str, Any] = {"updated": nov(22)}
OLD_CONVERTED_LAST_YEAR = replace(LAST_YEAR, state=State.CONVERTED, ends=None, reported_on=nov(22))
OLD_EXPIRED, OLD_CONVERTED = replace(EXPIRED, reported_on=nov(22)), replace(CONVERTED, reported_on=nov(22))


@pytest.mark.parametrize(
    ("of", "seen", "changes"),
    ids(
        {
            "its end, its state and its people count for nothing": (
                known(),
                {"status": "cancelled", "ends": JAN_3, "technical": contact(email="bo@acme.example")},
                [],
            ),
            "what it alone gave is filled in": (
                known(),
                {"country": "Norway", "technical": None},
                [Refreshed(trial=RUNNING)],
            ),
            "a purchase that was taken back": (known(), {"license_type": "COMMERCIAL"}, []),
            "nor does a license without a trial": (
                known(),
                {"license_type": "COMMERCIAL", "latest_evaluation": None},
                [],
            ),
            "a trial nobody saw, over by now": (
                known(license_(), replace(LAST_YEAR, state=State.EXPIRED)),
                {"status": "inactive"},
                [Started(trial=OLD_EXPIRED), Ended(trial=OLD_EXPIRED)],
            ),
            "a trial that ran, on a license that tells of a later one": (
                known(license_(latest_evaluation=TODAY, starts=TODAY)),
                {"starts": nov(1), "latest_evaluation": nov(1), "ends": nov(15)},
                [
                    Started(trial=trial(started=nov(1), ends=nov(15), state=State.EXPIRED, reported_on=nov(22))),
                    Ended(trial=trial(started=nov(1), ends=nov(15), state=State.EXPIRED, reported_on=nov(22))),
                ],
            ),
            "a trial that ran, on a license that has been bought since": (
                known(SOLD),
                {},
                [Started(trial=OLD_CONVERTED), converted(OLD_CONVERTED)],
            ),
            "a trial that was over, on a license that has been bought since": (
                known(SOLD),
                {"status": "cancelled"},
                [Started(trial=OLD_CONVERTED), converted(OLD_CONVERTED)],
            ),
            "a trial that ran before the one that was bought": (
                known(SOLD, CONVERTED),
                {"starts": date(2025, 3, 1), "latest_evaluation": date(2025, 3, 1), "ends": date(2025, 3, 31)},
                [
                    Started(trial=replace(LAST_YEAR, state=State.EXPIRED, reported_on=nov(22))),
                    Ended(trial=replace(LAST_YEAR, state=State.EXPIRED, reported_on=nov(22))),
                ],
            ),
            "that a trial was cancelled which a later one had ended": (
                known(
                    license_(latest_evaluation=TODAY, starts=TODAY),
                    trial(started=nov(1), ends=nov(15), state=State.EXPIRED, reported_on=nov(2)),
                    trial(started=TODAY),
                ),
                {"starts": nov(1), "latest_evaluation": nov(1), "ends": nov(15), "status": "cancelled"},
                [
                    Corrected(
                        trial=trial(started=nov(1), ends=nov(15), state=State.CANCELLED, reported_on=nov(22)),
                        was=trial(started=nov(1), ends=nov(15), state=State.EXPIRED, reported_on=nov(2)),
                    )
                ],
            ),
            "the start of a trial that was bought since, set right": (
                known(SOLD, replace(CONVERTED, reported_on=nov(21))),
                {"latest_evaluation": nov(22), "starts": nov(22)},
                [
                    Corrected(
                        trial=replace(CONVERTED, started=nov(22), reported_on=nov(22)),
                        was=replace(CONVERTED, reported_on=nov(21)),
                    )
                ],
            ),
            "a purchase of a trial nobody saw, before the one that runs now": (
                known(license_(edition="Advanced", tier="Evaluation")),
                BOUGHT | {"latest_evaluation": date(2025, 3, 1)},
                [
                    Started(trial=OLD_CONVERTED_LAST_YEAR),
                    converted(OLD_CONVERTED_LAST_YEAR),
                ],
            ),
            "a purchase before the trial that runs now": (
                known(
                    license_(edition="Advanced", tier="Evaluation"),
                    replace(LAST_YEAR, state=State.EXPIRED, reported_on=nov(1)),
                    RUNNING,
                ),
                BOUGHT | {"latest_evaluation": None},
                [converted(replace(LAST_YEAR, state=State.CONVERTED, ends=None, reported_on=nov(1)))],
            ),
        }
    ),
)
def test_an_older_sight_tells_of_trials_nobody_saw_and_makes_nothing_run(
    of: KnownLicense, seen: dict[str, Any], changes: list[Change]
) -> None:
    assert compare(of, license_(**OLDER | seen)) == changes


def test_merged_licenses_keep_what_the_youngest_leaves_out() -> None:
    """An older row ties them together: the trial that only the older license knew is over."""
    over = replace(LAST_YEAR, state=State.EXPIRED)
    both = replace(known(license_(), LAST_YEAR, RUNNING), ids=(1, 2))
    assert compare(both, license_(**OLDER)) == [Ended(trial=over)]
    assert compare(both, license_()) == [Ended(trial=over)]
    sold = replace(known(SOLD, RUNNING), ids=(1, 2))
    assert compare(sold, license_(**OLDER)) == [converted(CONVERTED)]
    again = license_(updated=nov(24), starts=JAN_3, latest_evaluation=JAN_3, ends=None)
    assert compare(sold, again) == [
        converted(CONVERTED),
        Started(trial=trial(started=JAN_3, ends=None, reported_on=nov(24))),
    ]


FIRST = nov(1) - timedelta(days=40)
DAYS = st.dates(FIRST, nov(1) + timedelta(days=40))
CONTACTS = st.none() | st.builds(
    Contact, email=st.none() | st.sampled_from(["a@acme.example", "b@acme.example"]), forgotten=st.booleans()
)
LICENSES = st.builds(
    license_,
    license_type=st.sampled_from(["EVALUATION", "UPGRADE_EVALUATION", "COMMERCIAL", "COMMUNITY"]),
    status=st.sampled_from(["active", "inactive", "cancelled", "odd"]),
    starts=DAYS,
    updated=DAYS,
    ends=st.none() | DAYS,
    latest_evaluation=st.none() | DAYS,
    technical=CONTACTS,
    country=st.sampled_from([None, "Norway"]),
    sandbox=st.sampled_from([None, True, False]),
    upgrade_started=st.none() | DAYS,
    upgrade_to=st.sampled_from([None, "Advanced"]),
    edition=st.sampled_from([None, "Standard", "Advanced"]),
)


@st.composite
def knowns(draw: st.DrawFn) -> KnownLicense:
    """A license with the trials that its record tells of, and others of which no younger record has told."""
    seen = draw(LICENSES)
    trials = st.builds(
        Trial,
        started=DAYS,
        ends=st.none() | DAYS,
        state=st.sampled_from(State),
        reported_on=st.dates(FIRST, seen.updated),
        upgrade_to=st.sampled_from([None, "Advanced"]),
    )
    named = trials_of(seen)
    others = [t for t in draw(st.lists(trials, max_size=4, unique_by=_key)) if same_trial(t, named) is None]
    return KnownLicense(ids=draw(st.sampled_from([(1,), (1, 2)])), license=seen, trials=(*named, *others))


def _key(of: Trial) -> tuple[date, str | None]:
    return of.started, of.upgrade_to


@given(before=knowns(), seen=LICENSES)
def test_whatever_is_known_every_change_speaks_of_a_trial_that_is_on_record_by_then(
    before: KnownLicense, seen: License
) -> None:
    on_record = {_key(t) for t in before.trials}
    for change in compare(before, seen):
        if isinstance(change, Started):
            assert _key(change.trial) not in on_record
        if isinstance(change, Corrected):
            assert _key(change.was) in on_record
            on_record.remove(_key(change.was))
        if isinstance(change, Started | Corrected):
            on_record.add(_key(change.trial))
        assert _key(change.trial) in on_record


@given(before=knowns(), seen=LICENSES)
def test_an_older_record_makes_no_trial_run_but_one_of_a_higher_edition_of_which_nothing_else_is_known(
    before: KnownLicense, seen: License
) -> None:
    older = replace(seen, updated=before.license.updated - timedelta(days=1))
    reported = compare(replace(before, ids=(1,)), older)
    of_trials = (change for change in reported if not isinstance(change, Enriched | ContactChanged | Refreshed))
    assert all(each.trial.state is not State.RUNNING for each in of_trials if each.trial.upgrade_to is None)
