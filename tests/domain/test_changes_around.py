"""What two records of a license say about its contacts and the facts around its trials."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from bot.domain.changes import (
    Change,
    Confirmed,
    ContactChanged,
    Converted,
    Ended,
    Enriched,
    Refreshed,
    Started,
    compare,
)
from bot.domain.evaluation import Contact, Partner, State
from tests.builders import contact, ids, known, license_, nov, trial

JAN_3 = date(2027, 1, 3)
SOLD: dict[str, Any] = {"license_type": "COMMERCIAL", "latest_evaluation": None}
RUNNING, EXPIRED = trial(), trial(state=State.EXPIRED)
LAST_YEAR = trial(started=date(2025, 3, 1), ends=date(2025, 3, 31))
BO = contact(email="bo@acme.example", name="Bo Beech")
GONE = Contact(forgotten=True)
NAMED = Contact(name="Ana Ash")
PEOPLE_CHANGED = [Refreshed(trial=RUNNING), ContactChanged(trial=RUNNING)]


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    ids(
        {
            "another": (contact(), BO, PEOPLE_CHANGED),
            "forgotten": (contact(), GONE, PEOPLE_CHANGED),
            "forgotten, with nothing known but a name": (NAMED, GONE, PEOPLE_CHANGED),
            "nobody any more: that a record leaves them out is no statement": (contact(), None, []),
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

    assert compare(both, license_(technical=GONE)) == [
        Refreshed(trial=past),
        *PEOPLE_CHANGED,
    ]
    assert compare(both, license_(**again)) == [
        Refreshed(trial=past),
        Refreshed(trial=RUNNING),
        Started(trial=trial(started=JAN_3, ends=None)),
        Ended(trial=EXPIRED),
    ]
    refreshed, bought = compare(known(license_(), past), license_(**SOLD, technical=GONE))
    assert isinstance(bought, Converted)
    assert refreshed == Refreshed(trial=past)


def test_a_new_trial_with_another_contact_is_only_a_new_trial() -> None:
    before = license_(starts=date(2025, 3, 1), latest_evaluation=date(2025, 3, 1), status="inactive")
    [past] = known(before).trials
    assert compare(known(before), license_(technical=BO)) == [Refreshed(trial=past), Started(trial=RUNNING)]


def test_another_contact_of_a_customer_is_on_the_card_and_not_worth_a_word() -> None:
    sold = {"license_type": "COMMERCIAL"}
    [refreshed] = compare(known(license_(**sold)), license_(**sold, technical=BO))
    assert isinstance(refreshed, Refreshed)


def test_a_contact_who_leaves_a_trial_that_is_over_leaves_its_card_too() -> None:
    seen = license_(status="inactive", technical=GONE)
    assert compare(known(license_(status="inactive")), seen) == [
        Refreshed(trial=EXPIRED),
        ContactChanged(trial=EXPIRED),
    ]


LATE: dict[str, Any] = {
    "company": "Acme",
    "country": "Norway",
    "opportunity_size": "50",
    "parent_product": "Jira",
    "parent_edition": "Premium",
    "sandbox": True,
    "channel": "Marketplace",
    "migration": True,
}


@pytest.mark.parametrize("fact", LATE)
def test_a_late_fact_is_reported_once(fact: str) -> None:
    bare = license_(company=None)
    fuller = replace(bare, **{fact: LATE[fact]})
    assert compare(known(bare), fuller) == [Enriched(trial=RUNNING, facts=(fact,))]
    assert compare(known(fuller), fuller) == []


def test_facts_that_come_together_are_reported_together() -> None:
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
            "a size computed again": (
                {"opportunity_size": "5"},
                {"opportunity_size": "50"},
                [Refreshed(trial=RUNNING)],
            ),
            "a fact that vanished": ({"country": "Norway"}, {}, []),
            "a date of the record alone": ({"updated": nov(22)}, {}, [Confirmed(trial=RUNNING)]),
            "the tier of a sandbox": ({"sandbox": True, "tier": "10 Users"}, {"sandbox": True, "tier": "25 Users"}, []),
            "the tier and the date of a sandbox": (
                {"sandbox": True, "tier": "10 Users", "updated": nov(22)},
                {"sandbox": True, "tier": "25 Users"},
                [Confirmed(trial=RUNNING)],
            ),
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
