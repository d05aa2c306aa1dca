"""Evaluations found by words, on either engine."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.domain.evaluation import License
from bot.domain.listing import Criteria, Found
from bot.domain.search_terms import read_terms
from bot.store import Store, find, open_store
from bot.store.schema import company_word
from bot.store.schema import license_ as license_table
from tests.builders import NOON, contact, license_, nov
from tests.store.steps import SECRET, report, rows

ACME = license_(
    aliases=frozenset({"E-1AA-2BB", "SEN-4711", "entitlement-1"}),
    company="Acme Rockets GmbH",
    site="acme-dev.atlassian.net",
    technical=contact(email="ana@rockets.example"),
)
MUELLER = license_(
    aliases=frozenset({"E-2"}),
    app_key="gantt",
    app_name="Gantt for Jira",
    company="Müller & Söhne GmbH",
    site="mueller.atlassian.net",
    technical=None,
    billing=contact(email="bo@mueller.example"),
)
WILD = license_(
    aliases=frozenset({"E-3"}),
    app_key="gantt",
    app_name="Gantt for Jira",
    company="100% Acme_Wild",
    technical=contact(email="cy@gmail.com"),
)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """A store with three customers, the last of which came last."""
    async with open_store(database_url, secret_keys=[SECRET]) as found:
        for seen in (ACME, MUELLER, WILD):
            await report(found, seen)
        yield found


async def looked_for(store: Store, *words: str, most: int = 10, criteria: Criteria | None = None) -> Found:
    terms = read_terms(words, await store.lists.apps())
    return await store.lists.find(terms, criteria or Criteria(), most=most)


async def companies(store: Store, *words: str) -> list[str]:
    """The first words of the companies that are found."""
    found = await looked_for(store, *words)
    return [(row.evaluation.license.company or "").split()[0] for row in found.rows]


FOUND = {
    "acme": ["100%", "Acme"],
    "ACME": ["100%", "Acme"],
    "rock": ["Acme"],
    "acmerockets": ["Acme"],
    "muller": ["Müller"],
    "MÜLLER": ["Müller"],
    "sohne": ["Müller"],
    "gmbh acme": ["Acme"],
    "gmbh gantt": ["Müller"],
    "gmbh": ["Müller", "Acme"],
    "gmbh wild": [],
    "acme-dev": ["Acme"],
    "https://acme-dev.atlassian.net/browse/X": ["Acme"],
    "mueller.atlassian.net": ["Müller"],
    "rockets.example": ["Acme"],
    "@mueller.example": ["Müller"],
    "gmail.com": [],
    "E-1AA-2BB": ["Acme"],
    "e-1aa": ["Acme"],
    "4711": ["Acme"],
    "entitlement-1": ["Acme"],
    "entitlement-1 gmbh": ["Acme"],
    "gantt": ["100%", "Müller"],
    "gantt.": ["100%", "Müller"],
    "ana@rockets.example": ["Acme"],
    "Ana@Rockets.example": ["Acme"],
    "bo@mueller.example gantt": ["Müller"],
    "ana@rockets.example gantt": [],
    "ana@rockets": [],
    "ckets": [],
    "Ana Ash": [],
    "100%": ["100%"],
    "acme_w": ["100%"],
    "acme-rockets": ["Acme"],
    "rockets.gmbh.acme": ["Acme"],
    "rockets-sohne": [],
    "g-m-a-c-m-e": [],
    "gmbh a r": ["Acme"],
    "a r g e-1aa gmbh rockets acmerockets": ["Acme"],
    "%": [],
    "_": [],
    "\\": [],
    "a%e": [],
    "Acme Rockets": ["Acme"],
}


async def test_a_word_is_found_wherever_it_may_stand_and_the_newest_comes_first(store: Store) -> None:
    for typed, expected in FOUND.items():
        assert await companies(store, *typed.split()) == expected, typed
    assert await companies(store, "Acme Rockets GmbH") == ["Acme"]


async def test_only_some_are_returned_and_all_are_counted(store: Store) -> None:
    found = await looked_for(store, "gantt", most=1)
    assert ([row.evaluation.id for row in found.rows], found.total, found.is_partial) == ([3], 2, False)
    found = await looked_for(store, "gmbh", criteria=Criteria(app_keys=frozenset({"gantt"})))
    assert [row.evaluation.id for row in found.rows] == [2]


async def test_a_search_that_stops_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "MOST_CANDIDATES", 1)
    assert (await looked_for(store, "gmbh")).is_partial
    assert not (await looked_for(store, "rockets")).is_partial
    for words in (["gmbh", "rockets"], ["gmbh-rockets"]):  # the rarest word leads, also of a term with several
        found = await looked_for(store, *words)
        assert ([row.evaluation.id for row in found.rows], found.is_partial) == ([1], False)


async def words_of(store: Store) -> set[str]:
    return {row.word for row in await rows(store, company_word)}


async def test_a_company_that_is_renamed_is_found_by_its_new_name_alone(store: Store) -> None:
    renamed = replace(ACME, company="Zenith", updated=nov(24))
    await report(store, renamed)
    assert await companies(store, "zenith") == ["Zenith"]
    assert await companies(store, "acmerockets") == []
    assert not {"rockets", "acmerocketsgmbh"} & await words_of(store)
    assert "gmbh" in await words_of(store)  # of another company


async def test_two_licenses_that_become_one_leave_no_words_behind(store: Store) -> None:
    await report(store, replace(MUELLER, app_key=ACME.app_key, aliases=frozenset({"E-9"}), company="Orphan AG"))
    one = replace(ACME, aliases=frozenset({"E-1AA-2BB", "E-9"}), updated=nov(24))
    await report(store, one)
    assert await companies(store, "acme", "rockets") == ["Acme"]
    assert "orphan" not in await words_of(store)


async def test_a_person_who_is_erased_is_found_no_more(store: Store) -> None:
    person: License = license_(
        aliases=frozenset({"E-4"}), company="Dee Dark", technical=contact(email="dee@dark.example", name="Dee Dark")
    )
    await report(store, person)
    assert (await looked_for(store, "dee@dark.example")).total == (await looked_for(store, "dee")).total == 1
    await store.personal_data.erase("dee@dark.example", at=NOON, by="somebody")
    assert (await looked_for(store, "dee@dark.example")).total == (await looked_for(store, "dee")).total == 0
    assert not {"dee", "dark", "deedark"} & await words_of(store)
    assert all(row.company != "Dee Dark" for row in await rows(store, license_table))
