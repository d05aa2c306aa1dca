"""Rows that come again, and again otherwise: what the report does all day."""

from dataclasses import replace
from datetime import date

import pytest

from bot.domain.evaluation import Contact
from bot.domain.history import Kind
from bot.security import keyring
from bot.store import Store, open_store
from bot.store.schema import history, processed_row
from tests.builders import license_, nov
from tests.store.steps import SECRET, bring, cards, only_card, poll, report, rows

BO = Contact(email="bo@acme.example", name="Bo Birch")
TWICE = (license_(), license_(technical=BO))
"""The same license, on the same day, with two people."""


async def test_a_license_that_is_reported_twice_with_other_people_has_one_card_and_no_word_of_them(
    store: Store,
) -> None:
    for number in range(10):
        await poll(store, *(TWICE if number % 2 else TWICE[::-1]))
        assert await bring(store) == ([] if number else ["post card 1"])

    assert [row.kind for row in await rows(store, history)] == [Kind.STARTED]


async def test_a_license_that_is_reported_twice_on_two_pages_has_one_card_and_one_word_of_them_at_most(
    store: Store,
) -> None:
    for number in range(10):
        for seen in TWICE if number % 2 else TWICE[::-1]:
            await poll(store, seen)

    assert [row.kind for row in await rows(store, history)] == [Kind.STARTED, Kind.CONTACT_CHANGED]
    assert len(await cards(store)) == 1


async def test_a_row_that_was_read_before_is_not_read_again(store: Store) -> None:
    await poll(store, license_(), license_(aliases=frozenset({"E-2"})))

    again = await store.licenses.filter_new([repr(license_()), repr(license_(company="Acme Ltd"))])

    assert again[0] is None
    assert again[1] is not None


async def test_another_version_of_the_bot_reads_every_row_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row = repr(license_())
    found = []
    for version in ("1.4.0", "1.4.0", "1.4.1", "1.4.0"):
        monkeypatch.setattr(keyring, "version", {"evaluator-bot": version}.__getitem__)
        async with open_store(url, secret_keys=[SECRET]) as store:
            [digest] = await store.licenses.filter_new([row])
            found.append(digest is not None)
            await poll(store, license_())

    assert found == [True, False, True, False]


async def test_a_row_that_could_not_be_recorded_is_read_again(store: Store) -> None:
    with pytest.raises(OverflowError):
        await poll(store, license_(days_to_convert=10**30), license_(aliases=frozenset({"E-2"})))

    assert None not in await store.licenses.filter_new([repr(license_(aliases=frozenset({"E-2"})))])


async def test_of_a_license_only_the_rows_of_its_last_day_are_kept_in_mind(store: Store) -> None:
    for day in range(1, 20):
        await poll(store, license_(updated=nov(day)), license_(updated=nov(day), technical=BO))

    assert len(await rows(store, processed_row)) == 2


async def test_old_rows_that_come_back_after_a_younger_one_tell_nothing(store: Store) -> None:
    old = license_(updated=nov(21)), license_(updated=nov(22), country="Norway", technical=BO)
    await poll(store, *old, license_(status="cancelled"))
    await bring(store)
    before = await rows(store, history)

    for number in range(4):
        await poll(store, *(old if number % 2 else old[::-1]))

    assert await bring(store) == []
    assert await rows(store, history) == before


async def test_a_batch_may_hold_all_the_life_of_a_license_in_any_order(store: Store) -> None:
    longer = date(2027, 1, 20)
    await report(
        store,
        license_(updated=nov(24), ends=longer, license_type="COMMERCIAL"),
        license_(updated=nov(20)),
        license_(updated=nov(22), ends=longer),
    )

    assert [row.kind for row in await rows(store, history)] == [Kind.STARTED, Kind.EXTENDED, Kind.CONVERTED]
    assert await bring(store) == ["post card 1", "note extended in 1.0", "note converted in 1.0"]


async def test_a_detail_that_comes_and_goes_is_reported_once_and_stays_on_the_card(store: Store) -> None:
    """Polls and sweeps ask in different ways, and one of them may not say what the other does."""
    bare, full = license_(technical=None), license_(country="Norway", channel="Marketplace")
    await report(store, license_(technical=None))
    for day in range(24, 30):
        await report(store, replace(full if day % 2 else bare, updated=nov(day)))

    assert [row.kind for row in await rows(store, history)] == [Kind.STARTED, Kind.CONTACT_CHANGED, Kind.ENRICHED]
    shown = (await only_card(store)).evaluation.license
    assert (shown.country, shown.channel, shown.technical) == ("Norway", "Marketplace", full.technical)


async def test_the_tier_of_a_sandbox_changes_all_the_time_and_is_no_news(store: Store) -> None:
    await report(store, license_(sandbox=True, tier="0 Users"))
    await bring(store)
    for day in range(24, 30):
        await report(store, license_(sandbox=True, tier=f"{day} Users", updated=nov(day)))

    assert await bring(store) == []
    assert [row.kind for row in await rows(store, history)] == [Kind.STARTED]
    assert (await only_card(store)).evaluation.license.tier == "29 Users"


async def test_a_trial_of_a_higher_edition_has_a_card_of_its_own(store: Store) -> None:
    sold = license_(license_type="COMMERCIAL", edition="Standard")
    await report(store, sold)
    assert await bring(store) == []  # the first trial was over when it was seen
    tries = replace(sold, upgrade_started=nov(23), upgrade_to="Advanced", updated=nov(24))

    await report(store, tries)
    await report(store, replace(tries, updated=nov(25)))
    await report(store, replace(sold, edition="Advanced", updated=nov(26)))

    assert await bring(store) == ["post card 2", "note converted in 2.0"]
    assert [card.evaluation.trial.upgrade_to for card in await cards(store)] == [None, "Advanced"]
