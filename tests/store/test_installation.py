"""Ids never come twice, and what a card shows is known after the database went back in time."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.card_snapshot import PostedCard, UnmatchedCard
from bot.domain.evaluation import CardRef
from bot.domain.history import Kind
from bot.domain.mail import MailState
from bot.domain.outbox import ApiMethod, DeliveryState
from bot.store import Store, open_store
from bot.store.columns import has_own_ids
from bot.store.engine.bulk import reserve_ids
from bot.store.engine.generation import first_generation
from bot.store.schema import delivery, evaluation, mail, metadata
from tests.builders import NOON, license_, nov
from tests.scenarios.test_two_copies import url as either  # noqa: F401  pytest finds a fixture where its name is
from tests.store.steps import CHANNEL, LATER, SECRET, ask, bring, mailed, order, report, rows

OTHER = frozenset({"E-2"})


async def test_ids_of_a_new_generation_are_above_all_that_were_ever_given(either: str) -> None:  # noqa: F811
    async with open_store(either, secret_keys=[SECRET]) as store:
        await report(store, license_())
        await ask(store, order(1))
        await store.installation.go_back(at=LATER, above=1 << 40, steps=lambda: 3)
        await report(store, *[license_(aliases=frozenset({f"E-{n}"})) for n in range(2, 5)])
        await report(store, license_(aliases=OTHER, updated=nov(24), status="cancelled"))
        number = (await store.installation.generation()).number
        ids = [row.id for row in await rows(store, evaluation)]
        await ask(store, order(ids[2], 2))

        assert number == (1 << 40) + 3 * (1 << 24)
        assert ids == [1, number + 1, number + 2, number + 3]
        assert [row.id for row in await rows(store, mail)] == [1, number + 1]
        assert {row.id > number for row in await rows(store, delivery) if row.evaluation_id != 1} == {True}


async def test_every_table_whose_ids_leave_the_database_goes_on_above_the_generation(either: str) -> None:  # noqa: F811
    async with open_store(either, secret_keys=[SECRET]) as store:
        await store.installation.go_back(at=LATER, above=1 << 40, steps=lambda: 3)
        number = (await store.installation.generation()).number
        tables = [table for table in metadata.sorted_tables if has_own_ids(table)]
        async with store.database.write() as connection:
            following = {table.name: (await reserve_ids(connection, table, 1))[0] for table in tables}

    assert following == dict.fromkeys(
        "app_signal delivery departure evaluation feedback mail note reply webhook_event".split(), number + 1
    )


async def test_a_new_database_has_a_generation_by_chance(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("bot.store.engine.migrate.first_generation", first_generation)
    found = set()
    for name in ("one", "two"):
        async with open_store(f"sqlite+aiosqlite:///{tmp_path / name}", secret_keys=[SECRET]) as store:
            await report(store, license_())
            found |= {row.id >> 24 for row in await rows(store, evaluation)}
    assert len(found - {0}) == 2


async def _shown(store: Store) -> list[PostedCard]:
    """The messages in Slack."""
    done = [row for row in await rows(store, delivery) if row.state == DeliveryState.DELIVERED and row.kind == "card"]
    return [
        PostedCard(
            channel=CHANNEL,
            ts=f"{row.evaluation_id}.0",
            delivery_id=row.id,
            evaluation_id=row.evaluation_id,
            trace=await store.installation.trace(row.evaluation_id),
        )
        for row in done
    ]


Restore = Callable[[], None]


@pytest.fixture
def saved(file: Path) -> tuple[Restore, Restore]:
    """How the file is saved and put back, while nobody has it open."""
    copy = file.with_name("copy")
    return (lambda: (shutil.copy(file, copy), None)[1]), (lambda: (shutil.copy(copy, file), None)[1])


@pytest.mark.parametrize("is_recorded", [True, False])
async def test_a_card_that_was_posted_after_the_backup_is_found_and_not_posted_again(
    url: str, saved: tuple[Restore, Restore], *, is_recorded: bool
) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store:
        await report(store, license_(), *([license_(aliases=OTHER)] if is_recorded else []))
    saved[0]()
    async with open_store(url, secret_keys=[SECRET]) as store:
        await report(store, license_(aliases=OTHER))
        assert await bring(store) == ["post card 1", "post card 2"]
        await mailed(store, order(2))
        shown = await _shown(store)
        assert await store.installation.went_back(shown) is None
    saved[1]()
    async with open_store(url, secret_keys=[SECRET]) as store:
        above = await store.installation.went_back(shown)
        assert above is not None
        back = await store.installation.go_back(at=LATER, above=above)
        assert back is not None
        assert back.to == NOON
        assert await bring(store) == []
        assert await store.installation.adopt(shown, text="", to=(), at=LATER) == 1 + is_recorded
        if not is_recorded:
            there = CardRef(channel=CHANNEL, ts="2.0")
            assert await store.evaluations.on_card(2, there) is UnmatchedCard.AWAITED
            await report(store, license_(aliases=OTHER))
        assert {line.split()[0] for line in await bring(store)} == {"update"}
        [known] = [row for row in await rows(store, evaluation) if row.card_ts == "2.0"]
        assert await store.evaluations.on_card(1, CardRef(channel=CHANNEL, ts="2.0")) == known.id
        assert [(row.state, row.evaluation_id) for row in await rows(store, mail)] == [(MailState.SENT, known.id)]
        assert await store.installation.went_back(await _shown(store)) is None


async def test_a_delivery_that_was_never_begun_and_stands_in_slack_shows_that_it_went_back(store: Store) -> None:
    await report(store, license_())
    [owed] = await rows(store, delivery)
    there = PostedCard(channel=CHANNEL, ts="1.0", delivery_id=owed.id, evaluation_id=1)
    assert await store.installation.went_back([there]) == owed.id
    await store.outbox.claim(ApiMethod.POST, now=LATER)
    assert await store.installation.went_back([there]) is None


async def test_what_is_lost_for_good_is_found_once(store: Store) -> None:
    lost = PostedCard(channel=CHANNEL, ts="1.0", delivery_id=77)
    assert await store.installation.went_back([lost]) == 77
    await store.installation.go_back(at=NOON, above=77)
    await store.installation.adopt([lost], text="", to=(), at=NOON)
    assert await store.installation.went_back([lost]) is None


async def test_a_press_is_about_the_card_it_stands_on_and_not_about_the_number_on_its_button(store: Store) -> None:
    await report(store, license_(), license_(aliases=OTHER))
    first, second = (CardRef(channel=CHANNEL, ts=f"{n}.0") for n in (1, 2))
    assert await store.evaluations.on_card(1, first) is UnmatchedCard.REPLACED  # it is not being posted
    await store.outbox.claim(ApiMethod.POST, now=LATER, most=2)
    assert await store.evaluations.on_card(1, first) == 1  # its timestamp is on its way
    await store.outbox.recover_in_flight()
    await bring(store)
    for claimed in (1, 2, 99):
        assert await store.evaluations.on_card(claimed, second) == 2
    stranger = CardRef(channel=CHANNEL, ts="3.0")
    assert await store.evaluations.on_card(1, stranger) is UnmatchedCard.REPLACED
    assert await store.evaluations.on_card(99, stranger) is UnmatchedCard.UNKNOWN


async def test_a_fact_that_may_have_been_posted_is_looked_up_and_an_act_of_a_person_is_posted(store: Store) -> None:
    await report(store, license_())
    await bring(store)
    await store.installation.go_back(at=NOON + timedelta(days=365))
    await report(store, license_(updated=nov(24), status="cancelled"), at=LATER)
    await store.evaluations.assign(1, "U0BO", instead_of=None, by="U0BO", at=LATER)
    notes = [row for row in await rows(store, delivery) if row.kind == "note"]
    assert [row.state for row in notes] == [DeliveryState.UNKNOWN, DeliveryState.DUE]
    [card] = await store.outbox.claim(ApiMethod.UPDATE, now=LATER)
    await store.outbox.mark_delivered(card, ts="1.0")
    [looked] = await store.outbox.claim(ApiMethod.HISTORY, now=LATER)
    assert looked.entry is not None
    assert looked.entry.kind is Kind.ENDED


async def test_a_report_that_was_read_before_it_was_found_out_leaves_each_card_with_its_company(
    url: str, saved: tuple[Restore, Restore]
) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store:
        await report(store, license_())
    saved[0]()
    third = license_(aliases=frozenset({"E-3"}))
    async with open_store(url, secret_keys=[SECRET]) as store:
        await report(store, license_(aliases=OTHER))
        await bring(store)
        shown = await _shown(store)
    saved[1]()
    async with open_store(url, secret_keys=[SECRET]) as store:
        await report(store, third, license_(aliases=OTHER))  # the same ids, the other way round
        await store.installation.go_back(at=LATER)
        await store.installation.adopt(shown, text="", to=(), at=LATER)
        [second] = [row for row in await rows(store, evaluation) if row.card_ts == "2.0"]
        card = await store.evaluations.card(second.id)
        assert card is not None
        assert card.evaluation.license.aliases == OTHER
