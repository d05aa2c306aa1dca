"""What two sights of a license come to, case by case."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.changes import (
    Change,
    ContactChanged,
    Converted,
    Corrected,
    Ended,
    Enriched,
    Extended,
    Finding,
    Known,
    Refreshed,
    Reopened,
    Started,
    compare,
    merged,
    trial_of,
)
from bot.domain.evaluation import Contact, License, Partner, State, Trial
from tests.builders import TODAY, contact, known, license_, nov, trial

JAN_3 = date(2027, 1, 3)
BOUGHT: dict[str, Any] = {"license_type": "COMMERCIAL", "edition": "Standard", "tier": "50 Users", "days_to_convert": 3}
"""What conversion in place does to a cloud record; `latest_evaluation` outlives it."""
RUNNING, EXPIRED, CANCELLED = trial(), trial(state=State.EXPIRED), trial(state=State.CANCELLED)
CONVERTED = trial(state=State.CONVERTED)
SEEN_CONVERTED = replace(CONVERTED, ends=None)
"""A sold record says when the trial began; its end has become the end of the maintenance."""


def converted(trial_: Trial) -> Converted:
    return Converted(trial=trial_, license_type="COMMERCIAL", edition="Standard", tier="50 Users", days=3)


def ids(table: dict[str, tuple[Any, ...]]) -> Any:  # noqa: ANN401  pytest names no type for this
    return [pytest.param(*row, id=name) for name, row in table.items()]


@pytest.mark.parametrize(
    ("seen", "told"),
    ids(
        {
            "running": ({}, RUNNING),
            "an unknown status runs": ({"status": "in grace"}, RUNNING),
            "inactive": ({"status": "inactive"}, EXPIRED),
            "cancelled": ({"status": "cancelled"}, CANCELLED),
            "began when the maintenance did, where nothing else is said": ({"latest_evaluation": None}, RUNNING),
            "began later than the license: tried again": (
                {"starts": date(2024, 1, 1), "latest_evaluation": nov(21)},
                trial(started=nov(21)),
            ),
            "a kind of evaluation nobody has seen yet": ({"license_type": "UPGRADE_EVALUATION"}, RUNNING),
            "bought after a trial, whatever the status": (BOUGHT | {"status": "inactive"}, SEEN_CONVERTED),
            "bought without one": (BOUGHT | {"latest_evaluation": None}, None),
        }
    ),
)
def test_a_record_tells_of_its_latest_trial(seen: dict[str, Any], told: Trial | None) -> None:
    assert trial_of(license_(**seen)) == told


@pytest.mark.parametrize(
    ("seen", "changes"),
    ids(
        {
            "running": ({}, [Started(trial=RUNNING)]),
            "expired": ({"status": "inactive"}, [Started(trial=EXPIRED), Ended(trial=EXPIRED)]),
            "cancelled": ({"status": "cancelled"}, [Started(trial=CANCELLED), Ended(trial=CANCELLED)]),
            "bought": (BOUGHT, [Started(trial=SEEN_CONVERTED), converted(SEEN_CONVERTED)]),
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
            "cancelled, and then run out": (CANCELLED, {"status": "inactive"}, [Ended(trial=EXPIRED)]),
            "cut short by the cancellation": (
                RUNNING,
                {"status": "cancelled", "ends": nov(30)},
                [
                    Corrected(trial=replace(CANCELLED, ends=nov(30)), was=RUNNING),
                    Ended(trial=replace(CANCELLED, ends=nov(30))),
                ],
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
                    Corrected(trial=replace(MOVED, ends=None, state=State.CONVERTED), was=RUNNING),
                    converted(replace(MOVED, state=State.CONVERTED)),
                ],
            ),
            "bought once: the maintenance is no longer a trial": (CONVERTED, BOUGHT | {"ends": JAN_3}, []),
            "bought without a trial that was open": (EXPIRED, BOUGHT | {"latest_evaluation": None}, []),
            "tried again": (replace(LAST_YEAR, state=State.EXPIRED), {}, [Started(trial=RUNNING)]),
            "tried again, and the end of the trial before was never told": (
                LAST_YEAR,
                {},
                [Ended(trial=replace(LAST_YEAR, state=State.EXPIRED)), Started(trial=RUNNING)],
            ),
            "tried again after it was bought": (replace(CONVERTED, started=nov(1)), {}, [Started(trial=RUNNING)]),
            "tried again inside the window of one that was cancelled": (
                CANCELLED,
                IN_WINDOW,
                [Started(trial=MOVED)],
            ),
            "tried again, bought, and seen only now": (
                replace(LAST_YEAR, state=State.EXPIRED),
                BOUGHT,
                [Started(trial=SEEN_CONVERTED), converted(SEEN_CONVERTED)],
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
    assert [type(change) for change in compare(known(license_(), ended_yesterday), license_())] == [Ended, Started]
    assert [type(change) for change in compare(known(license_(), ends_on_the_day), license_())] == [Corrected, Extended]


def test_of_several_open_trials_the_latest_is_the_one_that_was_bought() -> None:
    seen = license_(**BOUGHT | {"latest_evaluation": None})
    assert compare(known(seen, RUNNING, LAST_YEAR), seen) == [converted(CONVERTED)]


OLDER: dict[str, Any] = {"updated": nov(22)}


@pytest.mark.parametrize(
    ("of", "seen", "changes"),
    ids(
        {
            "its end, its state and its people count for nothing": (
                known(),
                {"status": "cancelled", "ends": JAN_3, "technical": None, "country": "Norway"},
                [],
            ),
            "a purchase that was taken back": (known(), BOUGHT, []),
            "nor does a license without a trial": (known(), BOUGHT | {"latest_evaluation": None}, []),
            "a trial nobody saw, over by now": (
                known(license_(), LAST_YEAR),
                {"status": "inactive"},
                [Started(trial=EXPIRED), Ended(trial=EXPIRED)],
            ),
            "a trial that ran, on a license that tells of a later one": (
                known(license_(latest_evaluation=TODAY, starts=TODAY)),
                {"starts": nov(1), "latest_evaluation": nov(1), "ends": nov(15)},
                [
                    Started(trial=trial(started=nov(1), ends=nov(15), state=State.EXPIRED)),
                    Ended(trial=trial(started=nov(1), ends=nov(15), state=State.EXPIRED)),
                ],
            ),
            "a trial that ran, on a license that has been bought since": (
                known(license_(**BOUGHT | {"latest_evaluation": None})),
                {},
                [Started(trial=EXPIRED), Ended(trial=EXPIRED)],
            ),
        }
    ),
)
def test_an_older_sight_tells_of_trials_nobody_saw_and_makes_nothing_run(
    of: Known, seen: dict[str, Any], changes: list[Change]
) -> None:
    assert compare(of, license_(**OLDER | seen)) == changes


BO = contact(email="bo@acme.example", name="Bo Beech")
GONE = Contact(forgotten=True)
NAMED = Contact(name="Ana Ash")
PEOPLE_CHANGED = [ContactChanged(trial=RUNNING)]


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    ids(
        {
            "another": (contact(), BO, PEOPLE_CHANGED),
            "forgotten": (contact(), GONE, PEOPLE_CHANGED),
            "forgotten, of whom only a name was known": (NAMED, GONE, PEOPLE_CHANGED),
            "nobody any more": (contact(), None, PEOPLE_CHANGED),
            "somebody at last": (None, contact(), PEOPLE_CHANGED),
            "the same, spelled otherwise": (
                contact(),
                contact(email="Ana@ACME.example"),
                [Refreshed(trial=RUNNING)],
            ),
            "the same, with another name": (contact(), contact(name="Ana Oak"), [Refreshed(trial=RUNNING)]),
            "the same": (contact(), contact(), []),
        }
    ),
)
def test_another_contact_is_news_and_another_spelling_is_not(
    before: Contact | None, after: Contact | None, changes: list[Change]
) -> None:
    assert compare(known(license_(technical=before)), license_(technical=after)) == changes


def test_a_contact_who_is_gone_is_gone_from_every_card_of_the_license() -> None:
    past = replace(LAST_YEAR, state=State.EXPIRED)
    both = known(license_(), past, RUNNING)
    again = {"starts": JAN_3, "latest_evaluation": JAN_3, "ends": None, "technical": GONE}

    assert compare(both, license_(technical=GONE)) == [ContactChanged(trial=RUNNING), Refreshed(trial=past)]
    assert compare(both, license_(**again)) == [
        Ended(trial=EXPIRED),
        Started(trial=trial(started=JAN_3, ends=None)),
        Refreshed(trial=past),
        Refreshed(trial=RUNNING),
    ]
    sold = license_(**BOUGHT | {"latest_evaluation": None, "technical": GONE})
    assert compare(known(license_(), past), sold) == [Refreshed(trial=past)]


def test_a_contact_who_leaves_a_trial_that_is_over_leaves_its_card_too() -> None:
    seen = license_(status="inactive", technical=GONE)
    assert compare(known(license_(status="inactive")), seen) == [ContactChanged(trial=EXPIRED)]


LATE: dict[str, Any] = {
    "company": "Acme",
    "country": "Norway",
    "opportunity_size": "50",
    "parent_product": "Jira",
    "parent_edition": "Premium",
    "sandbox": True,
    "channel": "Marketplace",
}


@pytest.mark.parametrize("fact", LATE)
def test_a_fact_that_comes_late_is_told_once(fact: str) -> None:
    bare = license_(company=None)
    fuller = replace(bare, **{fact: LATE[fact]})
    assert compare(known(bare), fuller) == [Enriched(trial=RUNNING, facts=(fact,))]
    assert compare(known(fuller), fuller) == []


def test_facts_that_come_together_are_told_together() -> None:
    assert compare(known(license_(company=None)), license_(**LATE)) == [Enriched(trial=RUNNING, facts=tuple(LATE))]


@pytest.mark.parametrize(
    "shown",
    [
        {"app_name": "Roadmaps for Jira"},
        {"hosting": "Data Center"},
        {"edition": "Advanced"},
        {"tier": "10 Users"},
        {"site": "acme.atlassian.net"},
        {"partner": Partner(name="Resell & Co")},
        {"billing": Contact(name="Cy Cedar")},
        {"atlassian": True},
        {"migration": True},
    ],
    ids=lambda shown: next(iter(shown)),
)
def test_whatever_a_card_shows_repaints_it(shown: dict[str, Any]) -> None:
    before = license_(billing=Contact(name="Bo Beech"))
    assert compare(known(before), replace(before, **shown)) == [Refreshed(trial=RUNNING)]


@pytest.mark.parametrize(
    ("before", "seen", "changes"),
    ids(
        {
            "no sandbox is what everybody takes for granted": ({}, {"sandbox": False}, [Refreshed(trial=RUNNING)]),
            "a size computed anew": ({"opportunity_size": "5"}, {"opportunity_size": "50"}, [Refreshed(trial=RUNNING)]),
            "a fact that vanished": ({"country": "Norway"}, {}, [Refreshed(trial=RUNNING)]),
            "a date of the record alone": ({"updated": nov(22)}, {}, []),
            "what no card shows": ({}, {"days_to_convert": 4}, []),
            "a late fact of a trial that is over": (
                {"status": "inactive"},
                {"status": "inactive", "country": "Norway"},
                [],
            ),
        }
    ),
)
def test_what_is_not_worth_a_word_repaints_the_card_at_most(
    before: dict[str, Any], seen: dict[str, Any], changes: list[Change]
) -> None:
    assert compare(known(license_(**before)), license_(**seen)) == changes


@pytest.mark.parametrize(
    ("finding", "is_news"),
    ids(
        {
            "a license never seen": (Finding(known=None, seen=license_(), changes=()), True),
            "the same again": (Finding(known=known(), seen=license_(), changes=()), False),
            "a change": (Finding(known=known(), seen=license_(), changes=(Started(trial=RUNNING),)), True),
            "another id": (
                Finding(known=known(), seen=license_(aliases=frozenset({"SEN-7"}), **OLDER), changes=()),
                True,
            ),
            "fewer ids": (
                Finding(
                    known=known(license_(aliases=frozenset({"E-1", "SEN-7"}))),
                    seen=license_(aliases={"E-1"}),
                    changes=(),
                ),
                False,
            ),
            "a fresher date": (Finding(known=known(license_(**OLDER)), seen=license_(), changes=()), True),
            "a fact no card shows": (Finding(known=known(), seen=license_(region="EMEA"), changes=()), True),
            "an older record": (Finding(known=known(), seen=license_(region="EMEA", **OLDER), changes=()), False),
            "two licenses that are one": (
                Finding(known=replace(known(), ids=(1, 2)), seen=license_(**OLDER), changes=()),
                True,
            ),
        }
    ),
)
def test_a_finding_is_written_only_where_it_says_something_new(finding: Finding, *, is_news: bool) -> None:
    assert finding.is_news is is_news


@pytest.mark.parametrize(
    ("of", "is_fresh"),
    ids(
        {
            "nothing is known": (None, True),
            "the same day": (known(), True),
            "a day older": (known(license_(**OLDER)), True),
            "a day younger": (known(license_(updated=nov(24))), False),
        }
    ),
)
def test_of_two_records_the_one_of_the_later_day_is_the_truth(of: Known | None, *, is_fresh: bool) -> None:
    assert Finding(known=of, seen=license_(), changes=()).is_fresh is is_fresh


def test_licenses_that_are_one_keep_every_id_every_trial_and_the_freshest_record() -> None:
    old = Known(ids=(4,), license=license_(**OLDER), trials=(replace(RUNNING, ends=nov(30)), LAST_YEAR))
    new = Known(ids=(9,), license=license_(status="inactive"), trials=(EXPIRED,))
    one = Known(ids=(4, 9), license=new.license, trials=(LAST_YEAR, EXPIRED))
    assert merged([new, old]) == merged([old, new]) == one
    assert merged([old]) == replace(old, trials=(LAST_YEAR, replace(RUNNING, ends=nov(30))))
    assert merged([]) is None


DAYS = st.dates(nov(1) - timedelta(days=40), nov(1) + timedelta(days=40))
CONTACTS = st.none() | st.builds(
    Contact, email=st.none() | st.sampled_from(["a@acme.example", "b@acme.example"]), forgotten=st.booleans()
)
LICENSES = st.builds(
    license_,
    license_type=st.sampled_from(["EVALUATION", "COMMERCIAL", "COMMUNITY"]),
    status=st.sampled_from(["active", "inactive", "cancelled", "odd"]),
    starts=DAYS,
    updated=DAYS,
    ends=st.none() | DAYS,
    latest_evaluation=st.none() | DAYS,
    technical=CONTACTS,
    country=st.sampled_from([None, "Norway"]),
    sandbox=st.sampled_from([None, True, False]),
)
TRIALS = st.builds(Trial, started=DAYS, ends=st.none() | DAYS, state=st.sampled_from(State))
KNOWN = st.builds(
    Known,
    ids=st.just((1,)),
    license=LICENSES,
    trials=st.lists(TRIALS, max_size=4, unique_by=lambda t: t.started).map(tuple),
)


@given(seen=LICENSES)
def test_the_same_record_again_is_never_news(seen: License) -> None:
    again = known(seen)
    assert compare(again, seen) == []
    assert not Finding(known=again, seen=seen, changes=()).is_news


@given(before=KNOWN, seen=LICENSES)
def test_whatever_is_known_every_change_speaks_of_a_trial_that_is_on_record_by_then(
    before: Known, seen: License
) -> None:
    on_record = {t.started for t in before.trials}
    for change in compare(before, seen):
        if isinstance(change, Started):
            assert change.trial.started not in on_record
        if isinstance(change, Corrected):
            assert change.was.started in on_record
            on_record.remove(change.was.started)
        if isinstance(change, Started | Corrected):
            on_record.add(change.trial.started)
        assert change.trial.started in on_record


@given(before=KNOWN, seen=LICENSES)
def test_an_older_record_never_makes_a_trial_run(before: Known, seen: License) -> None:
    older = replace(seen, updated=before.license.updated - timedelta(days=1))
    assert all(change.trial.state is not State.RUNNING for change in compare(before, older))
