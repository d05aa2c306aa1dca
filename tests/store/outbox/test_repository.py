import asyncio
from datetime import date, datetime, timedelta

import pytest

from bot.domain.evaluation import CardRef
from bot.domain.history import TrialExtended
from bot.domain.outbox import BACKLOG_THRESHOLD, ApiMethod, Delivery, DeliveryKind, DeliveryState
from bot.store import Store, open_store
from bot.store.schema import delivery
from tests.builders import NOON, license_, nov
from tests.machine import limit
from tests.store.steps import CHANNEL, LATER, SECRET, bring, only_card, report, rows, shown

MUCH_LATER = NOON + timedelta(hours=2)


async def take(store: Store, lane: ApiMethod = ApiMethod.POST, *, now: datetime = LATER) -> Delivery:
    """What is surely due."""
    (found,) = await store.outbox.claim(lane, now=now)
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
    under_way = await take(store, ApiMethod.UPDATE)

    await report(store, license_(tier="50 Users"))

    assert await store.outbox.claim(ApiMethod.UPDATE, now=LATER) == []
    await store.outbox.mark_delivered(under_way, ts="1.0")
    assert await bring(store) == ["update card 1"]


async def test_a_note_waits_for_its_card(store: Store) -> None:
    await report(store, license_())
    await report(store, license_(ends=date(2027, 1, 20)))
    card = await take(store)

    assert card.kind is DeliveryKind.CARD
    assert await store.outbox.claim(ApiMethod.POST, now=MUCH_LATER) == []

    await store.outbox.mark_delivered(card, ts="7.5")
    note = await take(store)
    assert (note.kind, note.card, note.channel) == (DeliveryKind.NOTE, CardRef(channel=CHANNEL, ts="7.5"), CHANNEL)
    assert note.entry is not None
    assert note.entry.fact == TrialExtended(to=date(2027, 1, 20), was=date(2026, 12, 20))


async def test_a_note_waits_for_the_repaint_which_finds_out_whether_its_card_is_still_there(store: Store) -> None:
    await report(store, license_())
    await bring(store)
    await report(store, license_(ends=date(2027, 1, 20)))

    assert await store.outbox.claim(ApiMethod.POST, now=LATER) == []
    await store.outbox.mark_delivered(await take(store, ApiMethod.UPDATE), ts="1.0")
    assert (await take(store)).kind is DeliveryKind.NOTE


async def test_what_is_owed_to_a_card_that_is_gone_is_given_up_and_nothing_is_owed_to_it_until_somebody_asks(
    store: Store,
) -> None:
    await report(store, license_())
    await bring(store)
    await report(store, license_(ends=date(2027, 1, 20)))

    await store.outbox.mark_card_deleted(
        await take(store, ApiMethod.UPDATE), at=LATER, error="The card is not there any more."
    )

    assert [row.state for row in await rows(store, delivery)] == [
        DeliveryState.DELIVERED,
        DeliveryState.GIVEN_UP,
        DeliveryState.GIVEN_UP,
    ]
    assert (await only_card(store)).evaluation.card is None
    await report(store, license_(ends=date(2027, 2, 20)))
    await store.evaluations.update_card(1, at=LATER)
    assert await bring(store) == []
    assert [await store.outbox.post_again(1, at=LATER) for _ in range(2)] == [True, False]
    assert await bring(store) == ["post card 1"]


async def test_of_those_who_ask_for_a_card_at_once_one_gets_it(store: Store) -> None:
    await report(store, license_())
    await bring(store)
    await store.evaluations.update_card(1, at=LATER)
    await store.outbox.mark_card_deleted(await take(store, ApiMethod.UPDATE), at=LATER, error="gone")

    asked = await asyncio.gather(*(store.outbox.post_again(1, at=LATER) for _ in range(8)))

    assert (sum(asked), await bring(store)) == (1, ["post card 1"])


@pytest.mark.parametrize("most", [1, 2, 20])
async def test_of_repaints_that_somebody_waits_for_the_oldest_goes_first_and_those_of_midnight_wait(
    store: Store, most: int
) -> None:
    await report(store, *(license_(aliases=frozenset({f"E-{n}"})) for n in range(1, 6)))
    await bring(store)
    midnight, now = NOON, NOON + timedelta(minutes=5)
    for number in (1, 2):
        await store.evaluations.update_card(number, at=midnight + timedelta(seconds=number))
    for number, ago in ((5, 40), (3, 20), (4, 2)):
        await store.evaluations.update_card(number, at=now - timedelta(seconds=ago))

    order = []
    while taken := await store.outbox.claim(ApiMethod.UPDATE, now=now, most=most):
        order += [each.evaluation_id for each in taken]
        for each in taken:
            await store.outbox.mark_delivered(each, ts="1.0")

    assert order == [5, 3, 4, 2, 1]


async def test_messages_go_before_notes_and_notes_before_cards_and_the_newest_cards_first(store: Store) -> None:
    await report(store, license_())
    await bring(store)
    await report(store, license_(ends=date(2027, 1, 20)))
    await store.outbox.mark_delivered(await take(store, ApiMethod.UPDATE), ts="1.0")
    for number, day in ((2, 20), (3, 22), (4, 21)):
        started = nov(day)
        seen = license_(aliases=frozenset({f"E-{number}"}), starts=started, latest_evaluation=started)
        await report(store, seen, at=NOON + timedelta(seconds=number))
    await store.outbox.enqueue_message("Good morning", channel=CHANNEL, at=LATER)

    order = []
    while taken := await store.outbox.claim(ApiMethod.POST, now=LATER):
        (delivery,) = taken
        order.append(shown(delivery))

    assert order == ["say Good morning", "note extended in 1.0", "post card 3", "post card 4", "post card 2"]


async def test_a_repaint_that_was_asked_for_again_goes_before_those_of_earlier(store: Store) -> None:
    await report(store, *(license_(aliases=frozenset({f"E-{n}"})) for n in range(3)))
    await bring(store)
    for evaluation_id in (1, 2, 3):
        await store.evaluations.update_card(evaluation_id, at=NOON)
    await store.evaluations.update_card(2, at=LATER)

    order = [(await take(store, ApiMethod.UPDATE)).evaluation_id for _ in range(3)]

    assert order == [2, 1, 3]


async def test_many_cards_are_summarised_once_until_none_of_them_waits(store: Store) -> None:
    await report(store, *(license_(aliases=frozenset({f"E-{n}"})) for n in range(BACKLOG_THRESHOLD + 1)))
    summary = await take(store)
    assert (summary.kind, summary.waiting) == (DeliveryKind.SUMMARY, BACKLOG_THRESHOLD + 1)
    await store.outbox.reschedule(summary, until=LATER, error="later", unsure=False)
    await report(store, license_(aliases=frozenset({"E-99"})))
    assert (await take(store)).waiting == BACKLOG_THRESHOLD + 2

    assert len([line for line in await bring(store) if line.startswith("post")]) == BACKLOG_THRESHOLD + 2
    await report(store, *(license_(aliases=frozenset({f"F-{n}"})) for n in range(BACKLOG_THRESHOLD)))
    assert (await take(store)).kind is DeliveryKind.CARD
    await report(store, *(license_(aliases=frozenset({f"G-{n}"})) for n in range(BACKLOG_THRESHOLD)))
    assert (await take(store)).kind is DeliveryKind.SUMMARY


async def test_a_summary_that_comes_too_late_is_not_said(store: Store) -> None:
    await report(store, *(license_(aliases=frozenset({f"E-{n}"})) for n in range(BACKLOG_THRESHOLD + 1)))
    summary = await take(store)
    await store.outbox.reschedule(summary, until=LATER, error="no answer", unsure=True)
    await bring_posts(store)

    looked = await take(store, ApiMethod.HISTORY)
    await store.outbox.reschedule(looked, until=LATER, error="not there", unsure=False)

    assert await store.outbox.waiting() == 0


async def bring_posts(store: Store) -> None:
    """Post whatever is due."""
    while taken := await store.outbox.claim(ApiMethod.POST, now=LATER):
        (delivery,) = taken
        await store.outbox.mark_delivered(delivery, ts=f"{delivery.id}.0")


async def test_cards_that_wait_move_to_another_channel_but_for_those_that_may_stand_already(store: Store) -> None:
    await report(store, *(license_(aliases=frozenset({f"E-{n}"})) for n in range(3)))
    await store.outbox.mark_delivered(await take(store), ts="1.0")
    await store.outbox.reschedule(await take(store), until=LATER, error="no answer", unsure=True)
    await report(store, license_(aliases=frozenset({"E-2"}), ends=date(2027, 1, 20)))

    assert await store.outbox.move("C0ELSE") == 1

    assert (await store.outbox.routes()).keys() == {(ApiMethod.HISTORY, CHANNEL), (ApiMethod.POST, "C0ELSE")}
    assert await store.outbox.move("C0ELSE") == 0


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
    while taken := await store.outbox.claim(ApiMethod.UPDATE, now=LATER):
        (repaint,) = taken
        await store.outbox.mark_delivered(repaint, ts="")
    first = await take(store)
    await store.outbox.reschedule(first, until=MUCH_LATER, error="later", unsure=False)

    brought = [line for line in await bring(store) if line.startswith("note")]

    assert brought == ["note extended in 2.0"] * 2
    assert await bring(store, at=MUCH_LATER) == ["note extended in 1.0"] * 2


async def test_a_card_is_posted_once_and_updated_from_then_on(store: Store) -> None:
    await report(store, license_())
    card = await take(store)
    assert (card.card, card.attempts, card.at) == (None, 1, NOON)
    assert await store.outbox.claim(ApiMethod.UPDATE, now=LATER) == []
    await store.outbox.mark_delivered(card, ts="7.5")

    await store.evaluations.update_card(1, at=LATER)

    assert await store.outbox.claim(ApiMethod.POST, now=LATER) == []
    assert (await take(store, ApiMethod.UPDATE)).card == CardRef(channel=CHANNEL, ts="7.5")
    assert (await only_card(store)).evaluation.card == CardRef(channel=CHANNEL, ts="7.5")


async def test_a_repaint_delivered_twice_does_not_move_the_card(store: Store) -> None:
    await report(store, license_())
    card = await take(store)
    await store.outbox.mark_delivered(card, ts="7.5")

    await store.outbox.mark_delivered(card, ts="8.5")

    assert (await only_card(store)).evaluation.card == CardRef(channel=CHANNEL, ts="7.5")


@pytest.mark.parametrize(
    "unsure", [pytest.param(True, id="perhaps it arrived"), pytest.param(False, id="it did not arrive")]
)
async def test_what_is_put_off_comes_again_and_is_looked_for_if_it_may_have_arrived(
    store: Store, *, unsure: bool
) -> None:
    await report(store, license_())
    await store.outbox.reschedule(await take(store), until=MUCH_LATER, error="later", unsure=unsure)

    lane = ApiMethod.HISTORY if unsure else ApiMethod.POST
    assert await store.outbox.routes() == {(lane, CHANNEL): MUCH_LATER}
    assert await store.outbox.claim(lane, now=LATER) == []
    assert (await take(store, lane, now=MUCH_LATER)).attempts == 2


async def test_a_post_nobody_knows_the_outcome_of_holds_back_a_second_one(store: Store) -> None:
    await report(store, license_())
    await store.outbox.reschedule(await take(store), until=MUCH_LATER, error="no answer", unsure=True)
    await report(store, license_(tier="25 Users"))

    assert await store.outbox.claim(ApiMethod.POST, now=LATER) == []
    first = await take(store, ApiMethod.HISTORY, now=MUCH_LATER)
    assert await store.outbox.claim(ApiMethod.POST, now=MUCH_LATER) == []
    await store.outbox.mark_delivered(first, ts="7.5")
    assert await bring(store, at=MUCH_LATER) == ["update card 1"]


async def test_a_card_update_that_failed_gives_way_to_a_later_one(store: Store) -> None:
    await report(store, license_())
    await bring(store)
    await report(store, license_(tier="25 Users"))
    failed = await take(store, ApiMethod.UPDATE)
    await report(store, license_(tier="50 Users"))

    await store.outbox.reschedule(failed, until=MUCH_LATER, error="later", unsure=False)

    assert await bring(store) == ["update card 1"]
    assert await store.outbox.waiting() == 0


async def test_what_was_given_up_never_comes_again_and_its_reason_is_kept(store: Store) -> None:
    await report(store, license_())
    await store.outbox.give_up(await take(store), error="Slack refused the card.")

    assert await store.outbox.routes() == {}
    assert await store.outbox.waiting() == 0
    [row] = await rows(store, delivery)
    assert (row.state, row.error) == (DeliveryState.GIVEN_UP, "Slack refused the card.")


async def test_a_card_that_was_given_up_gets_another_chance_when_something_changes(store: Store) -> None:
    await report(store, license_())
    await store.outbox.give_up(await take(store), error="Slack refused the card.")

    await report(store, license_(company="Acme Ltd"))

    assert await bring(store) == ["post card 1"]


async def test_what_was_under_way_when_the_bot_stopped_may_have_arrived(url: str) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store:
        await report(store, license_(), license_(aliases=frozenset({"E-2"})))
        await take(store)

    async with open_store(url, secret_keys=[SECRET]) as store:
        assert await store.outbox.recover_in_flight() == 1
        first, second = await take(store, ApiMethod.HISTORY), await take(store)
    assert (first.evaluation_id, second.evaluation_id) == (1, 2)


async def test_several_are_taken_at_once_in_order_each_with_its_words_and_none_of_them_twice(store: Store) -> None:
    await report(store, license_())
    await bring(store)
    await report(store, license_(ends=date(2027, 1, 20)))
    await store.outbox.mark_delivered(await take(store, ApiMethod.UPDATE), ts="1.0")
    await report(store, *(license_(aliases=frozenset({f"E-{n}"})) for n in (2, 3)))
    await store.outbox.enqueue_message("Good morning", channel=CHANNEL, at=LATER)

    three = await store.outbox.claim(ApiMethod.POST, now=LATER, most=3)
    rest = await store.outbox.claim(ApiMethod.POST, now=LATER, most=3)

    assert [shown(each) for each in three] == ["say Good morning", "note extended in 1.0", "post card 2"]
    assert [shown(each) for each in rest] == ["post card 3"]
    assert [each.attempts for each in (*three, *rest)] == [1, 1, 1, 1]
    assert await store.outbox.claim(ApiMethod.POST, now=LATER, most=3) == []


async def test_twenty_workers_at_once_get_one_delivery_each_and_none_twice(store: Store) -> None:
    await report(store, *(license_(aliases=frozenset({f"E-{n}"})) for n in range(7)))

    taken = await asyncio.gather(*(store.outbox.claim(ApiMethod.POST, now=LATER) for _ in range(20)))

    assert sorted(each.evaluation_id or 0 for some in taken for each in some) == [1, 2, 3, 4, 5, 6, 7]


async def test_two_copies_of_the_bot_never_take_the_same_delivery(store: Store, url: str) -> None:
    await report(store, license_())
    async with open_store(url, secret_keys=[SECRET]) as other:
        taken = await asyncio.gather(
            *(each.outbox.claim(ApiMethod.POST, now=LATER) for each in (store, other) for _ in range(10))
        )

    assert len([each for some in taken for each in some]) == 1


@pytest.mark.parametrize(
    ("now", "is_due"),
    [
        pytest.param(NOON - timedelta(seconds=1), False, id="before"),
        pytest.param(NOON, True, id="at its moment"),
        pytest.param(LATER, True, id="after"),
    ],
)
async def test_a_delivery_that_was_put_off_is_due_from_its_moment_on(
    store: Store, *, now: datetime, is_due: bool
) -> None:
    await report(store, license_(), at=NOON)
    await store.outbox.reschedule(await take(store), until=NOON, error="later", unsure=False)

    assert await store.outbox.routes() == {(ApiMethod.POST, CHANNEL): NOON}
    assert bool(await store.outbox.claim(ApiMethod.POST, now=now)) is is_due


async def test_a_new_delivery_is_due_also_by_a_clock_behind_that_of_the_copy_that_wrote_it(store: Store) -> None:
    await report(store, license_(), at=NOON + timedelta(hours=1))

    [due] = (await store.outbox.routes()).values()
    assert due < NOON
    assert await store.outbox.claim(ApiMethod.POST, now=NOON)


async def test_a_message_of_its_own_waits_for_no_card(store: Store) -> None:
    await report(store, license_())
    await take(store)

    await store.outbox.enqueue_message("Good morning", channel="C0ELSE", at=NOON)

    message = await take(store)
    assert (message.kind, message.text, message.channel, message.card) == (
        DeliveryKind.MESSAGE,
        "Good morning",
        "C0ELSE",
        None,
    )


async def test_everything_that_is_owed_counts_as_waiting(store: Store) -> None:
    await report(store, license_())
    await report(store, license_(ends=nov(30)), at=LATER)
    await report(store, license_(status="cancelled", ends=nov(30)), at=LATER)
    assert await store.outbox.waiting() == 2  # the card, and the line that it ended

    await take(store)
    assert await store.outbox.waiting() == 2


async def test_a_change_wakes_everybody_who_waits_for_one(store: Store) -> None:
    moment = store.database.writes
    waiting = asyncio.create_task(store.database.written(moment, seconds=30))

    await store.outbox.enqueue_message("Good morning", channel=CHANNEL, at=NOON)

    async with asyncio.timeout(limit(5)):
        await waiting


async def test_a_change_between_the_look_and_the_wait_is_not_slept_through(store: Store) -> None:
    moment = store.database.writes
    await store.outbox.enqueue_message("Good morning", channel=CHANNEL, at=NOON)

    async with asyncio.timeout(limit(5)):
        await store.database.written(moment, seconds=30)


async def test_a_wait_for_one_table_goes_on_while_others_change(store: Store) -> None:
    moment = store.database.writes
    for_delivery = asyncio.create_task(store.outbox.changed(moment, seconds=30))
    for_mail = asyncio.create_task(store.mails.changed(moment, seconds=30))

    await store.interactions.record("a press", at=NOON)
    await asyncio.wait({for_delivery, for_mail}, timeout=0.05)
    assert not for_delivery.done()
    await report(store, license_())

    async with asyncio.timeout(limit(5)):
        await for_delivery
    assert not for_mail.done()
    for_mail.cancel()


async def test_a_wait_ends_by_itself_when_nothing_changes(store: Store) -> None:
    async with asyncio.timeout(limit(5)):
        await store.database.written(store.database.writes, seconds=0.01)


async def test_what_was_posted_again_is_looked_up_once_more_and_nothing_waits_for_that(store: Store) -> None:
    await report(store, license_())
    await report(store, license_(ends=date(2027, 1, 20)))

    await store.outbox.mark_delivered(await take(store), ts="7.5", look_again=MUCH_LATER)

    assert (await take(store)).kind is DeliveryKind.NOTE
    assert await store.outbox.claim(ApiMethod.HISTORY, now=LATER) == []
    looked = await take(store, ApiMethod.HISTORY, now=MUCH_LATER)
    assert (looked.evaluation_id, looked.ts) == (1, "7.5")
    await store.outbox.mark_delivered(looked, ts="7.5")
    assert await store.outbox.claim(ApiMethod.HISTORY, now=MUCH_LATER) == []


async def test_the_older_of_two_cards_takes_over_what_was_said_under_the_younger_and_nothing_said_before(
    store: Store,
) -> None:
    await report(store, license_())
    await report(store, license_(ends=date(2027, 1, 20)))
    await store.outbox.mark_delivered(await take(store), ts="7.5", look_again=LATER)
    await store.outbox.mark_delivered(await take(store), ts="6.5")  # under a card that was deleted since
    await report(store, license_(ends=date(2027, 2, 20)))
    await store.outbox.mark_delivered(await take(store, ApiMethod.UPDATE), ts="7.5")
    await store.outbox.mark_delivered(await take(store), ts="8.5")
    assert await store.outbox.waiting() == 0

    await store.outbox.adopt(await take(store, ApiMethod.HISTORY), ts="7.1", at=LATER)

    assert (await only_card(store)).evaluation.card == CardRef(channel=CHANNEL, ts="7.1")
    assert await store.outbox.recover_in_flight() == 1
    assert (await take(store, ApiMethod.HISTORY)).ts == "7.1"
    assert await store.outbox.recover_in_flight() == 1
    await store.outbox.mark_delivered(await take(store, ApiMethod.HISTORY), ts="7.1")
    assert await bring(store) == ["note extended in 7.1", "update card 1"]


async def test_a_change_that_comes_to_the_younger_card_after_its_deletion_says_nothing_of_the_older(
    store: Store,
) -> None:
    await report(store, license_())
    await store.outbox.mark_delivered(await take(store), ts="7.5", look_again=LATER)
    await report(store, license_(ends=date(2027, 1, 20)))
    repaint = await take(store, ApiMethod.UPDATE)
    looked = await take(store, ApiMethod.HISTORY)
    await store.outbox.adopt(looked, ts="7.1", at=LATER)

    await store.outbox.mark_card_deleted(repaint, at=LATER, error="The card is not there any more.")

    await store.outbox.mark_delivered(looked, ts="7.1")
    assert (await only_card(store)).evaluation.card == CardRef(channel=CHANNEL, ts="7.1")
    assert await bring(store) == ["note extended in 7.1", "update card 1"]


async def test_a_new_leader_does_not_wait_for_what_a_clock_ahead_put_off(store: Store) -> None:
    await report(store, license_())
    put_off = await take(store)
    await store.outbox.reschedule(put_off, until=MUCH_LATER, error="", unsure=False)
    assert await store.outbox.claim(ApiMethod.POST, now=LATER) == []
    await store.outbox.forget_waits(at=LATER)
    assert await bring(store) == ["post card 1"]
