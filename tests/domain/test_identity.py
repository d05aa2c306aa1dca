"""Which records are one license, which trials are one trial."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from bot.domain.evaluation import State, Trial
from bot.domain.identity import KnownLicense, group_by_trial, merge_known, same_trial, trials_of, upgrade_trial
from tests.builders import TODAY, ids, known, license_, nov, trial

RUNNING, EXPIRED, CANCELLED = trial(), trial(state=State.EXPIRED), trial(state=State.CANCELLED)
CONVERTED = trial(state=State.CONVERTED, ends=None)
SOLD: dict[str, Any] = {"license_type": "COMMERCIAL", "edition": "Standard", "latest_evaluation": None}
BOUGHT = SOLD | {"latest_evaluation": nov(20)}
UPGRADE = trial(started=nov(10), ends=date(2026, 12, 10), upgrade_to="Advanced")
UPGRADING = SOLD | {"upgrade_started": nov(10), "upgrade_to": "Advanced"}


@pytest.mark.parametrize(
    ("seen", "reported"),
    ids(
        {
            "running": ({}, [RUNNING]),
            "an unknown status runs": ({"status": "in grace"}, [RUNNING]),
            "inactive": ({"status": "inactive"}, [EXPIRED]),
            "cancelled": ({"status": "cancelled"}, [CANCELLED]),
            "told on the day of the record": ({"updated": nov(21)}, [trial(reported_on=nov(21))]),
            "began when the maintenance did, where nothing else is said": ({"latest_evaluation": None}, [RUNNING]),
            "began later than the license: tried again": (
                {"starts": date(2024, 1, 1), "latest_evaluation": nov(21)},
                [trial(started=nov(21))],
            ),
            "a kind of evaluation nobody has seen yet": ({"license_type": "NET_NEW_EVALUATION"}, [RUNNING]),
            "bought after a trial, whatever the status": (BOUGHT | {"status": "inactive"}, [CONVERTED]),
            "bought without one": (SOLD, []),
            "a higher edition, in a type of its own": (
                {"license_type": "UPGRADE_EVALUATION", "upgrade_started": nov(10), "upgrade_to": "Advanced"},
                [trial(started=nov(10), upgrade_to="Advanced")],
            ),
            "a higher edition that only the record's own field names": (
                {"license_type": "UPGRADE_EVALUATION", "edition": "Advanced"},
                [trial(upgrade_to="Advanced")],
            ),
            "a higher edition that nothing names": (
                {"license_type": "UPGRADE_EVALUATION"},
                [trial(upgrade_to="higher")],
            ),
            "a higher edition, on a license that was bought": (UPGRADING, [UPGRADE]),
            "a higher edition, on a license that was bought after a trial": (
                UPGRADING | {"latest_evaluation": nov(20)},
                [CONVERTED, UPGRADE],
            ),
            "a day without an edition is no trial of one": (UPGRADING | {"upgrade_to": None}, []),
            "an edition without a day is no trial of it": (UPGRADING | {"upgrade_started": None}, []),
        }
    ),
)
def test_a_record_tells_of_its_latest_trial_and_of_that_of_a_higher_edition(
    seen: dict[str, Any], reported: list[Trial]
) -> None:
    assert trials_of(license_(**seen)) == tuple(reported)


@pytest.mark.parametrize(
    ("seen", "state"),
    ids(
        {
            "it is spoken of": (UPGRADING, State.RUNNING),
            "its edition is the license's, while it is spoken of": (
                UPGRADING | {"edition": "Advanced"},
                State.RUNNING,
            ),
            "its edition is the license's, and it is spoken of no more": (
                SOLD | {"edition": "advanced"},
                State.CONVERTED,
            ),
            "its edition is the license's, after its thirty days": (
                UPGRADING | {"edition": "Advanced", "updated": date(2026, 12, 11)},
                State.CONVERTED,
            ),
            "on its last day": (UPGRADING | {"updated": date(2026, 12, 10)}, State.RUNNING),
            "after its thirty days": (UPGRADING | {"updated": date(2026, 12, 11)}, State.EXPIRED),
            "spoken of no more": (SOLD, State.RUNNING),
            "spoken of no more, after its thirty days": (SOLD | {"updated": date(2026, 12, 11)}, State.EXPIRED),
            "the license was cancelled": (UPGRADING | {"status": "cancelled"}, State.CANCELLED),
            "the license ran out": (UPGRADING | {"status": "inactive"}, State.EXPIRED),
        }
    ),
)
def test_the_trial_of_a_higher_edition_stands_as_the_days_and_the_edition_say(
    seen: dict[str, Any], state: State
) -> None:
    ends = None if state is State.CONVERTED else UPGRADE.ends
    assert upgrade_trial(license_(**seen), UPGRADE) == replace(UPGRADE, state=state, ends=ends)


LAST_YEAR = trial(started=date(2025, 3, 1), ends=date(2025, 3, 31), state=State.EXPIRED)


@pytest.mark.parametrize(
    ("reported", "others", "same"),
    ids(
        {
            "none is known": (RUNNING, [], None),
            "it starts on the same day": (RUNNING, [LAST_YEAR, CONVERTED], CONVERTED),
            "it starts six days later": (trial(started=nov(26)), [EXPIRED], EXPIRED),
            "it starts six days earlier": (trial(started=nov(14)), [EXPIRED], EXPIRED),
            "it starts a week later: another": (trial(started=nov(27)), [EXPIRED], None),
            "it starts a week later, while it runs: a correction": (trial(started=nov(27)), [RUNNING], RUNNING),
            "it starts on the last day of a running one": (trial(started=date(2026, 12, 20)), [RUNNING], RUNNING),
            "it starts after a running one ends": (trial(started=date(2026, 12, 21)), [RUNNING], None),
            "its own window holds the start of a running one": (
                trial(started=nov(1), ends=nov(20), state=State.EXPIRED),
                [RUNNING],
                RUNNING,
            ),
            "it ended before a running one": (trial(started=nov(1), ends=nov(19)), [RUNNING], None),
            "a running one has no end": (trial(started=nov(28)), [trial(ends=None)], None),
            "two are near: the nearer": (
                trial(started=nov(24)),
                [trial(started=nov(19)), trial(started=nov(27))],
                trial(started=nov(27)),
            ),
            "a higher edition is another trial": (trial(upgrade_to="Advanced"), [RUNNING], None),
            "and so is the license itself": (RUNNING, [trial(upgrade_to="Advanced")], None),
            "one higher edition is tried at a time, whatever it is called": (
                trial(upgrade_to="Advanced"),
                [trial(upgrade_to="higher")],
                trial(upgrade_to="higher"),
            ),
        }
    ),
)
def test_two_words_of_a_trial_are_of_the_same_one_within_a_week_or_while_it_runs(
    reported: Trial, others: list[Trial], same: Trial | None
) -> None:
    assert same_trial(reported, others) == same


@pytest.mark.parametrize(
    ("trials", "groups"),
    ids(
        {
            "none": ([], []),
            "two days apart: one, the younger word last": (
                [trial(), trial(started=nov(22), reported_on=nov(22))],
                [[trial(started=nov(22), reported_on=nov(22)), trial()]],
            ),
            "far apart: two": ([RUNNING, LAST_YEAR], [[LAST_YEAR], [RUNNING]]),
            "told on the same day: what is over counts": ([EXPIRED, RUNNING], [[RUNNING, EXPIRED]]),
            "a higher edition is kept apart": (
                [trial(upgrade_to="Advanced"), RUNNING],
                [[trial(upgrade_to="Advanced")], [RUNNING]],
            ),
        }
    ),
)
def test_trials_that_are_one_come_together(trials: list[Trial], groups: list[list[Trial]]) -> None:
    for order in (trials, trials[::-1]):
        found = group_by_trial(order, lambda item: item)
        assert sorted(found, key=str) == sorted(groups, key=str)


def test_licenses_that_are_one_keep_every_id_every_trial_and_the_freshest_record() -> None:
    before = trial(ends=nov(30), reported_on=nov(22))
    old = KnownLicense(ids=(4,), license=license_(updated=nov(22)), trials=(before, LAST_YEAR))
    new = KnownLicense(ids=(9,), license=license_(status="inactive"), trials=(EXPIRED,))
    one = KnownLicense(ids=(4, 9), license=new.license, trials=(LAST_YEAR, EXPIRED))
    assert merge_known([new, old]) == merge_known([old, new]) == one
    assert merge_known([old]) == replace(old, trials=(LAST_YEAR, before))
    assert merge_known([]) is None


def test_three_licenses_whose_trials_start_days_apart_have_the_trial_reported_last() -> None:
    three = [
        replace(known(license_(), trial(started=nov(18 + n), reported_on=nov(20 + n))), ids=(n,)) for n in range(3)
    ]
    for order in (three, three[::-1]):
        one = merge_known(order)
        assert one is not None
        assert (one.ids, one.trials) == ((0, 1, 2), (trial(started=nov(20), reported_on=nov(22)),))


def test_the_trial_of_a_higher_edition_is_not_merged_with_that_of_the_license() -> None:
    apart = trial(upgrade_to="Advanced")
    one = merge_known([known(license_(), RUNNING), replace(known(license_(), apart), ids=(2,))])
    assert one is not None
    assert set(one.trials) == {RUNNING, apart}
    assert one.license.updated == TODAY
