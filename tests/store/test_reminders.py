"""The right to remind, and what came of it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.domain.evaluation import NotForUsReason
from bot.domain.outbox import ApiMethod, Delivery, DeliveryKind
from bot.domain.reminders import LIST, MOST_A_DAY, Reminder, ReminderState, ReminderStep
from bot.domain.snooze import Snooze
from bot.store import Store, open_store
from bot.store.team_tables import reminder as reminder_table
from tests.builders import NOON, TODAY, contact, license_
from tests.store.steps import CHANNEL, SECRET, bring, mailed, order, report, rows

DAY = timedelta(days=1)
ANA = "U0ANA"


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(database_url, secret_keys=[SECRET]) as found:
        yield found


async def with_cards(store: Store, count: int) -> list[int]:
    """The ids of so many evaluations, each with a card in Slack."""
    people = (contact(email=f"ana@company{n}.example") for n in range(count))
    seen = (license_(aliases=frozenset({f"E-{n}"}), technical=each, billing=None) for n, each in enumerate(people))
    await report(store, *seen)
    await bring(store)
    return [each.evaluation_id for each in await store.reminders.candidates(now=NOON)]


async def claim(store: Store, evaluation_id: int, owner: str = ANA) -> None:
    await store.evaluations.assign(evaluation_id, owner, instead_of=None, by=owner, at=NOON)
    await bring(store)


def reminder(evaluation_id: int, **overrides: Any) -> Reminder:  # noqa: ANN401  of its field's type
    given = {"step": ReminderStep.UNTOUCHED, "owner": ANA, "state": ReminderState.SENT, "to": ANA}
    return Reminder(evaluation_id=evaluation_id, **{**given, **overrides})


async def record(store: Store, *decided: Reminder, at: datetime = NOON) -> int:
    began = at - timedelta(hours=12)
    recorded = await store.reminders.record(decided, at=at, day_began={each.to: began for each in decided})
    return sum(each.state is ReminderState.SENT for each in recorded)


async def owed(store: Store) -> list[Delivery]:
    """The reminders that wait for Slack, to be posted or changed."""
    found = [each for method in (ApiMethod.POST, ApiMethod.UPDATE) for each in await _claimed(store, method)]
    return [each for each in found if each.kind in {DeliveryKind.REMINDER, DeliveryKind.MESSAGE}]


async def _claimed(store: Store, method: ApiMethod) -> list[Delivery]:
    return await store.outbox.claim(method, now=NOON + DAY, most=99)


async def test_what_runs_and_has_a_card_may_need_a_reminder(store: Store) -> None:
    free, owned, touched, snoozed, unwanted = await with_cards(store, 5)
    for each in (owned, snoozed):
        await claim(store, each)
    await mailed(store, order(touched))
    await store.snoozes.set(snoozed, Snooze(user=ANA, until=NOON + DAY, at=NOON))
    await store.dispositions.not_for_us(unwanted, NotForUsReason.STUDENT, "", by=ANA, at=NOON)
    await record(store, reminder(owned), reminder(owned, step=ReminderStep.ESCALATED, owner="U0BEN", to=CHANNEL))

    found = {each.evaluation_id: each for each in await store.reminders.candidates(now=NOON)}

    assert set(found) == {free, owned, touched}
    assert (found[free].owner, found[free].first_seen, found[free].touched_at) == (None, NOON, None)
    assert (found[owned].owner, set(found[owned].given)) == (ANA, {ReminderStep.UNTOUCHED})
    assert found[touched].touched_at == NOON
    later = {each.evaluation_id for each in await store.reminders.candidates(now=NOON + DAY)}
    assert later == {free, owned, touched, snoozed}


async def test_however_many_copies_decide_at_once_a_reminder_goes_once(store: Store) -> None:
    [one] = await with_cards(store, 1)
    assert sorted(await asyncio.gather(*(record(store, reminder(one)) for _ in range(5)))) == [0, 0, 0, 0, 1]
    assert [(each.channel, each.text) for each in await owed(store)] == [(ANA, "untouched")]
    assert await record(store, reminder(one, owner="U0BEN", to="U0BEN")) == 1  # the next owner gets their own


async def test_what_is_not_sent_is_recorded_and_not_sent_later(store: Store) -> None:
    [one] = await with_cards(store, 1)
    for state in (ReminderState.SKIPPED, ReminderState.LATE, ReminderState.REHEARSED):
        assert await record(store, reminder(one, owner=state, state=state)) == 0
        assert await record(store, reminder(one, owner=state)) == 0
    assert await owed(store) == []


async def test_the_last_message_of_a_day_is_a_list_that_takes_up_all_others(store: Store) -> None:
    ids = await with_cards(store, MOST_A_DAY + 3)
    for each in ids:
        await claim(store, each)
    assert await record(store, *(reminder(each) for each in ids[:-1])) == len(ids) - 1
    assert await record(store, reminder(ids[0], owner="U0BEN", to="U0BEN")) == 1
    found = [each for each in await owed(store) if each.channel == ANA]
    assert [each.evaluation_id for each in found] == [*ids[: MOST_A_DAY - 1], None]
    the_list = found[-1]
    assert the_list.text == LIST

    assert await record(store, reminder(ids[-1])) == 0  # it is on its way to Slack without this one
    await store.outbox.mark_delivered(the_list, ts="1.5", channel="D0ANA")
    assert await record(store, reminder(ids[-1])) == 1
    [again] = await owed(store)
    assert (again.id, again.channel, again.ts) == (the_list.id, "D0ANA", "1.5")
    await store.outbox.mark_delivered(again, ts="1.5")
    await mailed(store, order(ids[-1]))
    assert len(await store.reminders.settle(now=NOON)) == 1
    listed = {each.evaluation_id: each.is_settled for each in await store.reminders.listed(the_list.id)}
    assert listed == {**dict.fromkeys(ids[MOST_A_DAY - 1 : -1], False), ids[-1]: True}
    assert [each.id for each in await owed(store)] == [the_list.id]
    for message in found:
        await store.outbox.mark_delivered(message, ts="1.5")

    assert await record(store, reminder(ids[0], step=ReminderStep.ENDING), at=NOON + DAY) == 1
    assert [each.text for each in await owed(store)] == [ReminderStep.ENDING]


async def test_a_message_that_slack_takes_on_a_later_day_counts_on_that_day(store: Store) -> None:
    ids = await with_cards(store, MOST_A_DAY + 2)
    for each in ids:
        await claim(store, each)
    *early, fourth, fifth = ids
    assert await record(store, *(reminder(each) for each in early), at=NOON) == len(early)  # and Slack is away

    assert await record(store, reminder(fourth), at=NOON + DAY) == 1
    waiting = [each for each in await owed(store) if each.channel == ANA]
    for minute, message in enumerate(waiting):
        posted = NOON + DAY + timedelta(minutes=minute)
        await store.outbox.mark_delivered(message, ts=f"{posted.timestamp():.6f}", channel="D0ANA")
    assert await record(store, reminder(fifth), at=NOON + DAY) == 1

    assert len(waiting) == MOST_A_DAY
    [again] = await owed(store)
    listed = [each.evaluation_id for each in await store.reminders.listed(again.id)]
    assert listed == [early[-1], fourth, fifth]


async def test_ones_own_digest_is_one_of_the_messages_of_a_day(store: Store) -> None:
    ids = await with_cards(store, MOST_A_DAY)
    await store.digests.switch_own(ANA, on=True, at=NOON)
    await record(store, *(reminder(each) for each in ids))
    assert [each.text for each in await owed(store)] == [ReminderStep.UNTOUCHED, LIST]


async def test_who_hears_of_others_evaluations_gets_no_more_either(store: Store) -> None:
    ids = await with_cards(store, MOST_A_DAY + 2)
    await record(store, *(reminder(each, step=ReminderStep.ESCALATED, to="U0BOSS") for each in ids))
    assert len(await owed(store)) == MOST_A_DAY


async def test_what_was_done_before_the_reminder_went_leaves_nothing_to_send(store: Store) -> None:
    one, other = await with_cards(store, 2)
    for each in (one, other):
        await claim(store, each)
    await record(store, reminder(one), reminder(other))
    await mailed(store, order(one))
    assert len(await store.reminders.settle(now=NOON)) == 1
    assert [each.evaluation_id for each in await owed(store)] == [other]


async def test_a_list_that_was_settled_before_it_went_takes_up_nothing_more(store: Store) -> None:
    ids = await with_cards(store, MOST_A_DAY + 1)
    for each in ids:
        await claim(store, each)
    await record(store, *(reminder(each) for each in ids[:-1]))
    await mailed(store, order(ids[-2]))
    assert len(await store.reminders.settle(now=NOON)) == 1
    await record(store, reminder(ids[-1]))
    assert [each.text for each in await owed(store)] == [*[ReminderStep.UNTOUCHED] * (MOST_A_DAY - 1), LIST]


async def test_what_was_done_while_the_reminder_is_on_its_way_settles_it_once_it_is_there(store: Store) -> None:
    [one] = await with_cards(store, 1)
    await claim(store, one)
    await record(store, reminder(one))
    [under_way] = await owed(store)
    await mailed(store, order(one))
    assert len(await store.reminders.settle(now=NOON)) == 0
    await store.outbox.mark_delivered(under_way, ts="1.5", channel="D0ANA")
    assert len(await store.reminders.settle(now=NOON)) == 1
    assert [(each.id, each.ts) for each in await owed(store)] == [(under_way.id, "1.5")]


async def test_the_card_tells_a_restored_database_which_reminders_there_were(store: Store) -> None:
    [one] = await with_cards(store, 1)
    await record(store, reminder(one))
    trace = await store.installation.trace(one)
    assert trace is not None
    assert [(each.step, each.owner, each.at) for each in trace.reminders] == [("untouched", ANA, NOON)]
    waiting = [each.kind for each in await _claimed(store, ApiMethod.UPDATE)]
    assert waiting == [DeliveryKind.CARD]


async def test_of_two_licenses_that_are_one_nobody_gets_a_step_twice(store: Store) -> None:
    one, other = await with_cards(store, 2)
    await claim(store, other)
    await record(
        store,
        reminder(one),
        reminder(other),
        reminder(other, step=ReminderStep.ENDING),
    )
    both = license_(aliases=frozenset({"E-0", "E-1"}), updated=TODAY + DAY)
    await report(store, both)
    left = [(row.evaluation_id, row.step) for row in await rows(store, reminder_table)]
    [kept] = {number for number, _ in left}
    assert kept in {one, other}
    assert sorted(step for _, step in left) == [ReminderStep.ENDING, ReminderStep.UNTOUCHED]
    [now] = await store.reminders.candidates(now=NOON)
    assert (now.owner, set(now.given)) == (ANA, {ReminderStep.ENDING, ReminderStep.UNTOUCHED})


async def test_a_reminder_without_an_owner_is_a_line_in_the_thread_and_the_others_are_messages(store: Store) -> None:
    [one] = await with_cards(store, 1)
    await record(
        store,
        reminder(one, step=ReminderStep.UNCLAIMED, owner=None, to=CHANNEL),
        reminder(one, step=ReminderStep.ESCALATED, to=CHANNEL),
        reminder(one),
    )
    threads = {each.text: each.card and each.card.ts for each in await owed(store)}
    assert threads == {"unclaimed": f"{one}.0", "escalated": None, "untouched": None}


async def test_what_was_done_settles_a_reminder_and_changes_its_message_where_slack_put_it(store: Store) -> None:
    one, other = await with_cards(store, 2)
    for each in (one, other):
        await claim(store, each)
    await record(store, reminder(one), reminder(other))
    for sent in await owed(store):
        await store.outbox.mark_delivered(sent, ts=f"{sent.evaluation_id}.5", channel="D0ANA")
    assert len(await store.reminders.settle(now=NOON)) == 0

    await mailed(store, order(one))
    assert len(await store.reminders.settle(now=NOON)) == 1
    assert len(await store.reminders.settle(now=NOON)) == 0

    [change] = [each for each in await owed(store) if each.kind is DeliveryKind.REMINDER]
    assert (change.channel, change.ts, change.card) == ("D0ANA", f"{one}.5", None)
    assert await store.reminders.state(change.id) is ReminderState.SETTLED


async def test_a_trial_that_is_over_settles_its_reminders(store: Store) -> None:
    [one] = await with_cards(store, 1)
    await record(store, reminder(one, step=ReminderStep.UNCLAIMED, owner=None, to=CHANNEL))
    ended = license_(aliases=frozenset({"E-0"}), ends=TODAY, status="inactive", updated=TODAY + DAY)
    await report(store, ended)
    assert len(await store.reminders.settle(now=NOON)) == 1
