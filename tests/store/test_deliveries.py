import asyncio
from datetime import date, datetime, timedelta

import pytest

from bot.domain.evaluation import CardRef
from bot.store import Store, open_store
from bot.store.deliveries import Delivery, Lane, What
from bot.store.schema import delivery
from tests.builders import NOON, license_, nov
from tests.store.steps import CHANNEL, LATER, SECRET, bring, only_card, report, rows

MUCH_LATER = NOON + timedelta(days=1)


async def take(store: Store, lane: Lane = Lane.POST, *, now: datetime = LATER) -> Delivery:
    """What is surely due."""
    found = await store.deliveries.take(lane, now=now)
    assert found is not None
    return found


async def test_ten_changes_of_a_card_are_one_repaint(store: Store) -> None:
    await report(store, license_())
    await bring(store)
    for users in range(10):
        await report(store, license_(tier=f"{users} Users"))

    assert await bring(store) == ["update card 1"]


async def test_ten_changes_before_the_first_post_are_one_post(store: Store) -> None:
    for users in range(10):
        await report(store, license_(tier=f"{users} Users"))

    assert await bring(store) == ["post card 1"]


async def test_a_change_during_a_repaint_is_painted_after_it(store: Store) -> None:
    await report(store, license_())
    await bring(store)
    await report(store, license_(tier="25 Users"))
    under_way = await take(store, Lane.UPDATE)

    await report(store, license_(tier="50 Users"))

    assert await store.deliveries.take(Lane.UPDATE, now=LATER) is None
    await store.deliveries.done(under_way, ts="1.0")
    assert await bring(store) == ["update card 1"]


async def test_a_note_waits_for_its_card(store: Store) -> None:
    await report(store, license_())
    await report(store, license_(ends=date(2027, 1, 20)))
    card = await take(store)

    assert card.what is What.CARD
    assert await store.deliveries.take(Lane.POST, now=MUCH_LATER) is None

    await store.deliveries.done(card, ts="7.5")
    note = await take(store)
    assert (note.what, note.card, note.channel) == (What.NOTE, CardRef(channel=CHANNEL, ts="7.5"), CHANNEL)
    assert note.entry is not None
    assert note.entry.details == {"to": "2027-01-20", "was": "2026-12-20"}


async def test_notes_of_a_card_come_in_the_order_of_what_happened(store: Store) -> None:
    await report(store, license_())
    await report(store, license_(ends=date(2027, 1, 20)))
    await report(store, license_(ends=date(2027, 1, 20), status="inactive"))

    assert await bring(store) == ["post card 1", "note extended in 1.0", "note ended in 1.0"]


async def test_a_note_that_is_put_off_holds_back_those_after_it_and_no_other_card(store: Store) -> None:
    await report(store, license_(), license_(aliases=frozenset({"E-2"})))
    await bring(store)
    for end in (date(2027, 1, 20), date(2027, 2, 20)):
        await report(store, license_(ends=end), license_(aliases=frozenset({"E-2"}), ends=end))
    first = await take(store)
    await store.deliveries.postpone(first, until=MUCH_LATER, error="later", unsure=False)

    brought = [line for line in await bring(store) if line.startswith("note")]

    assert brought == ["note extended in 2.0"] * 2
    assert await bring(store, at=MUCH_LATER) == ["note extended in 1.0"] * 2


async def test_a_card_is_posted_once_and_updated_from_then_on(store: Store) -> None:
    await report(store, license_())
    card = await take(store)
    assert (card.card, card.attempts, card.unsure, card.at) == (None, 1, False, NOON)
    assert await store.deliveries.take(Lane.UPDATE, now=LATER) is None
    await store.deliveries.done(card, ts="7.5")

    await store.evaluations.repaint(1, at=LATER)

    assert await store.deliveries.take(Lane.POST, now=LATER) is None
    assert (await take(store, Lane.UPDATE)).card == CardRef(channel=CHANNEL, ts="7.5")
    assert (await only_card(store)).evaluation.card == CardRef(channel=CHANNEL, ts="7.5")


async def test_a_repaint_delivered_twice_does_not_move_the_card(store: Store) -> None:
    await report(store, license_())
    card = await take(store)
    await store.deliveries.done(card, ts="7.5")

    await store.deliveries.done(card, ts="8.5")

    assert (await only_card(store)).evaluation.card == CardRef(channel=CHANNEL, ts="7.5")


@pytest.mark.parametrize(
    ("unsure", "next_time"),
    [pytest.param(True, True, id="perhaps it arrived"), pytest.param(False, False, id="it did not arrive")],
)
async def test_what_is_put_off_comes_again_knowing_whether_it_may_have_arrived(
    store: Store, *, unsure: bool, next_time: bool
) -> None:
    await report(store, license_())
    await store.deliveries.postpone(await take(store), until=MUCH_LATER, error="later", unsure=unsure)

    assert await store.deliveries.take(Lane.POST, now=LATER) is None
    assert await store.deliveries.next_due(Lane.POST) == MUCH_LATER
    again = await take(store, now=MUCH_LATER)
    assert (again.unsure, again.attempts) == (next_time, 2)


async def test_a_post_nobody_knows_the_outcome_of_holds_back_a_second_one(store: Store) -> None:
    await report(store, license_())
    await store.deliveries.postpone(await take(store), until=MUCH_LATER, error="no answer", unsure=True)
    await report(store, license_(tier="25 Users"))

    assert await store.deliveries.take(Lane.POST, now=LATER) is None
    first = await take(store, now=MUCH_LATER)
    assert first.unsure
    assert await store.deliveries.take(Lane.POST, now=MUCH_LATER) is None
    await store.deliveries.done(first, ts="7.5")
    assert await bring(store, at=MUCH_LATER) == ["update card 1"]


async def test_a_repaint_that_failed_gives_way_to_a_later_one(store: Store) -> None:
    await report(store, license_())
    await bring(store)
    await report(store, license_(tier="25 Users"))
    failed = await take(store, Lane.UPDATE)
    await report(store, license_(tier="50 Users"))

    await store.deliveries.postpone(failed, until=MUCH_LATER, error="later", unsure=False)

    assert await bring(store) == ["update card 1"]
    assert await store.deliveries.waiting() == 0


async def test_what_was_given_up_never_comes_again_and_its_reason_is_kept(store: Store) -> None:
    await report(store, license_())
    await store.deliveries.give_up(await take(store), error="Slack refused the card.")

    assert await store.deliveries.next_due(Lane.POST) is None
    assert await store.deliveries.waiting() == 0
    [row] = await rows(store, delivery)
    assert (row.state, row.error) == ("given_up", "Slack refused the card.")


async def test_a_card_that_was_given_up_gets_another_chance_when_something_changes(store: Store) -> None:
    await report(store, license_())
    await store.deliveries.give_up(await take(store), error="Slack refused the card.")

    await report(store, license_(company="Acme Ltd"))

    assert await bring(store) == ["post card 1"]


async def test_what_was_under_way_when_the_bot_stopped_may_have_arrived(url: str) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store:
        await report(store, license_(), license_(aliases=frozenset({"E-2"})))
        await take(store)

    async with open_store(url, secret_keys=[SECRET]) as store:
        assert await store.deliveries.settle_interrupted() == 1
        first, second = await take(store), await take(store)
    assert [(each.evaluation_id, each.unsure) for each in (first, second)] == [(1, True), (2, False)]


async def test_twenty_workers_at_once_get_one_delivery_each_and_none_twice(store: Store) -> None:
    await report(store, *(license_(aliases=frozenset({f"E-{n}"})) for n in range(7)))

    taken = await asyncio.gather(*(store.deliveries.take(Lane.POST, now=LATER) for _ in range(20)))

    assert sorted(each.evaluation_id or 0 for each in taken if each is not None) == [1, 2, 3, 4, 5, 6, 7]


async def test_two_copies_of_the_bot_never_take_the_same_delivery(store: Store, url: str) -> None:
    await report(store, license_())
    async with open_store(url, secret_keys=[SECRET]) as other:
        taken = await asyncio.gather(
            *(each.deliveries.take(Lane.POST, now=LATER) for each in (store, other) for _ in range(10))
        )

    assert len([each for each in taken if each is not None]) == 1


@pytest.mark.parametrize(
    ("now", "is_due"),
    [
        pytest.param(NOON - timedelta(seconds=1), False, id="before"),
        pytest.param(NOON, True, id="at its moment"),
        pytest.param(LATER, True, id="after"),
    ],
)
async def test_a_delivery_is_due_from_its_moment_on(store: Store, *, now: datetime, is_due: bool) -> None:
    await report(store, license_(), at=NOON)

    assert await store.deliveries.next_due(Lane.POST) == NOON
    assert await store.deliveries.next_due(Lane.UPDATE) is None
    assert (await store.deliveries.take(Lane.POST, now=now) is not None) is is_due


async def test_a_message_of_its_own_waits_for_no_card(store: Store) -> None:
    await report(store, license_())
    await take(store)

    await store.deliveries.say("Good morning", channel="C0ELSE", at=NOON)

    message = await take(store)
    assert (message.what, message.text, message.channel, message.card) == (What.MESSAGE, "Good morning", "C0ELSE", None)


async def test_everything_that_is_owed_counts_as_waiting(store: Store) -> None:
    await report(store, license_())
    await report(store, license_(ends=nov(30)), at=LATER)
    await report(store, license_(status="cancelled", ends=nov(30)), at=LATER)
    assert await store.deliveries.waiting() == 2  # the card, and the line that it ended

    await take(store)
    assert await store.deliveries.waiting() == 2


async def test_whoever_waits_for_a_change_is_woken_by_it(store: Store) -> None:
    moment = store.database.writes
    waiting = asyncio.create_task(store.database.written(moment, seconds=30))

    await store.deliveries.say("Good morning", channel=CHANNEL, at=NOON)

    async with asyncio.timeout(5):
        await waiting


async def test_a_change_between_the_look_and_the_wait_is_not_slept_through(store: Store) -> None:
    moment = store.database.writes
    await store.deliveries.say("Good morning", channel=CHANNEL, at=NOON)

    async with asyncio.timeout(5):
        await store.database.written(moment, seconds=30)


async def test_a_wait_ends_by_itself_when_nothing_changes(store: Store) -> None:
    async with asyncio.timeout(5):
        await store.database.written(store.database.writes, seconds=0.01)
