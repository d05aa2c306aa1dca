"""A post that nobody answered may show up late: it is looked for later, and of two messages one is kept."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import web

from bot.demo.fake_slack import Message, faults
from bot.demo.fake_slack.faults import Act, Fault
from bot.domain.outbox import DeliveryState
from bot.store.schema import delivery
from tests.desk import ADMIN, LOOK, POST, Desk, desk
from tests.store.steps import rows
from tests.world import World

CLAIMED = "<@U0ANA> claimed this."
HALF_A_MINUTE, TEN_MINUTES = 30, 610


@pytest.fixture
async def owed(here: World) -> AsyncIterator[Desk]:
    """A card is owed, and nothing else."""
    async with desk(here, patience=1) as found:
        await found.begin_trial()
        yield found


def nothing_yet() -> Fault:
    """Answer that nothing stands in the channel, as a history that lags behind does."""

    async def fault(_request: web.Request, _act: Act) -> web.Response:
        return web.json_response({"ok": True, "messages": [], "has_more": False})

    return fault


async def _looks_after(owed: Desk) -> float:
    """Seconds until it is looked for what the first post left."""
    await owed.deliver()
    before = owed.here.clock()
    while not owed.calls(LOOK):
        await owed.wait(at_most=1)
    return (owed.here.clock() - before).total_seconds()


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        (faults.cut_before(), True),
        (faults.cut_after(), True),
        (faults.hang_after(), True),
        (faults.refuse("internal_error"), False),
        (faults.server_error(), False),
    ],
    ids=["cut", "cut after it was taken", "timed out", "internal error", "500"],
)
async def test_a_post_that_nobody_answered_is_looked_for_later_than_one_that_broke(
    owed: Desk, fault: Fault, *, waits: bool
) -> None:
    owed.here.workspace.faults.add(POST, fault)
    assert (await _looks_after(owed) >= HALF_A_MINUTE) is waits
    await owed.settle()
    assert owed.posted == 1


async def test_while_one_post_is_awaited_the_others_go_on(owed: Desk) -> None:
    owed.here.workspace.faults.add(POST, faults.cut_before())
    await owed.deliver()
    await owed.begin_trial(2)
    await owed.live(seconds=HALF_A_MINUTE / 2)
    assert (owed.posted, owed.calls(LOOK)) == (1, 0)


async def _twice(owed: Desk) -> None:
    """Post a card twice: the first time it arrives after the second."""
    arrives = asyncio.Event()
    owed.here.workspace.faults.add(POST, faults.late(arrives.wait))
    await owed.settle()
    assert (owed.posted, await owed.waiting()) == (1, 0)
    arrives.set()
    await owed.here.until(lambda: owed.posted == 2)


async def test_when_the_first_post_arrives_after_the_second_the_younger_message_is_deleted(owed: Desk) -> None:
    await _twice(owed)
    kept, _ = owed.here.workspace.messages()
    await owed.own()
    await owed.live(seconds=TEN_MINUTES)
    [card] = owed.here.workspace.messages()
    assert (card.ts, owed.here.thread(card)) == (kept.ts, [CLAIMED])
    assert "Owner: <@U0ANA>" in card.shown


async def test_it_is_looked_once_for_a_second_message_and_never_again(owed: Desk) -> None:
    await _twice(owed)
    await owed.live(seconds=TEN_MINUTES)
    looks = owed.calls(LOOK)
    await owed.live(hours=6)
    assert owed.calls(LOOK) == looks
    assert [row.state for row in await rows(owed.parts.store, delivery) if row.kind == "card"] == [
        DeliveryState.DELIVERED
    ]


async def test_what_went_well_at_first_or_was_only_put_off_is_not_looked_for(owed: Desk) -> None:
    owed.here.workspace.faults.add(POST, faults.rate_limited(1))
    await owed.live(hours=1)
    assert (owed.posted, owed.calls(LOOK)) == (1, 0)


async def test_when_the_older_message_shows_late_it_becomes_the_card_with_all_that_was_said(owed: Desk) -> None:
    owed.here.workspace.faults.add(POST, faults.cut_after())
    owed.here.workspace.faults.add(LOOK, nothing_yet())
    await owed.own()
    await owed.settle()
    older, younger = owed.here.workspace.messages()
    assert (owed.here.thread(older), owed.here.thread(younger)) == ([], [CLAIMED])
    await owed.live(seconds=TEN_MINUTES + HALF_A_MINUTE)
    [card] = owed.here.workspace.messages()
    assert (card.ts, owed.here.thread(card)) == (older.ts, [CLAIMED])
    assert owed.here.workspace.thread(card.channel, younger.ts) == []
    await owed.own(was="U0ANA", owner="U0BEN")
    await owed.settle()
    assert "Owner: <@U0BEN>" in card.shown
    assert len(owed.here.thread(card)) == 2


async def test_a_line_in_a_thread_that_arrives_late_is_said_once(owed: Desk) -> None:
    await owed.deliver()
    arrives = asyncio.Event()
    await owed.own()
    owed.here.workspace.faults.add(POST, faults.late(arrives.wait))
    await owed.settle()
    [card] = owed.here.workspace.messages()
    arrives.set()
    await owed.here.until(lambda: owed.here.thread(card) == [CLAIMED] * 2)
    await owed.live(seconds=TEN_MINUTES)
    assert owed.here.thread(card) == [CLAIMED]


async def test_a_message_of_its_own_that_arrives_late_is_said_once(here: World) -> None:
    async with desk(here) as found:
        arrives = asyncio.Event()
        here.workspace.faults.add(POST, faults.late(arrives.wait))
        await found.parts.store.outbox.enqueue_message("Hello", channel="C0EVALS", at=here.clock())
        await found.settle()
        arrives.set()
        await here.until(lambda: found.posted == 2)
        await found.live(seconds=TEN_MINUTES)
        assert [message.shown for message in here.workspace.messages()] == ["Hello"]


@pytest.mark.parametrize(
    ("fault", "left"),
    [
        (faults.rate_limited(5), 1),
        (faults.server_error(), 1),
        (faults.cut_after(), 1),
        (faults.refuse("message_not_found"), 2),
        (faults.refuse("cant_delete_message"), 2),
    ],
    ids=["429", "500", "cut", "gone already", "not ours to delete"],
)
async def test_a_deletion_that_fails_for_a_moment_is_tried_again_and_one_that_is_refused_is_not(
    owed: Desk, fault: Fault, left: int
) -> None:
    await _twice(owed)
    owed.here.workspace.faults.add("chat.delete", fault)
    await owed.live(seconds=TEN_MINUTES + 120)
    assert (owed.posted, await owed.waiting()) == (left, 0)
    assert {row.state for row in await rows(owed.parts.store, delivery)} == {DeliveryState.DELIVERED}


async def test_a_bot_that_is_killed_between_the_two_looks_deletes_the_younger_message_all_the_same(
    owed: Desk,
) -> None:
    await _twice(owed)
    owed.here.workspace.faults.add("chat.delete", faults.hang_after())
    owed.here.pass_by(seconds=TEN_MINUTES)
    await owed.worker.dispatch_due()
    await owed.here.until(lambda: owed.here.workspace.calls("chat.delete"))
    assert await owed.parts.store.outbox.recover_in_flight() == 1
    await owed.settle()
    assert owed.posted == 1


async def test_a_card_that_a_person_deleted_meanwhile_is_not_looked_for_for_ever(owed: Desk) -> None:
    owed.here.workspace.faults.add(POST, faults.cut_before())
    await owed.own()
    await owed.settle()
    await owed.wipe()
    await owed.live(hours=2)
    assert await owed.waiting() == 0
    assert owed.calls(LOOK) + owed.calls("conversations.replies") <= 4


async def test_a_direct_message_is_never_looked_for(here: World) -> None:
    async with desk(here) as found:
        await found.parts.store.outbox.enqueue_message("Trouble", channel=ADMIN, at=here.clock())
        here.workspace.faults.add(POST, faults.cut_before(), times=3)
        await found.live(hours=1)
        assert (found.notified, here.workspace.calls(LOOK)) == (["Trouble"], [])


async def test_a_line_that_is_being_rewritten_when_the_bot_stops_is_rewritten(owed: Desk) -> None:
    await owed.own()
    await owed.settle()
    async with owed.parts.store.database.write() as connection:
        note = delivery.c.kind == "note"
        await connection.execute(delivery.update().where(note).values(state=DeliveryState.SENDING))
    await owed.parts.store.outbox.recover_in_flight()
    owed.here.workspace.requests.clear()
    await owed.settle()
    assert (owed.calls("chat.update"), owed.calls(POST)) == (1, 0)


async def test_posts_that_arrive_at_random_moments_stand_once_in_the_end(owed: Desk) -> None:
    """Every third post goes unanswered and shows up after minutes, before or after it was posted again."""
    moments = itertools.cycle([0, 1, 40, 200])
    waiting: list[tuple[timedelta, asyncio.Event]] = []
    for number in range(2, 10):
        arrives = asyncio.Event()
        waiting.append((timedelta(seconds=next(moments)), arrives))
        owed.here.workspace.faults.add(POST, faults.late(arrives.wait))
        owed.here.workspace.faults.add(POST, faults.slow(lambda: asyncio.sleep(0)), times=2)
        await owed.begin_trial(number)
    began = owed.here.clock()
    while waiting or await owed.waiting():
        await owed.wait(at_most=10)
        for after, arrives in waiting:
            if owed.here.clock() - began >= after:
                arrives.set()
        waiting = [each for each in waiting if not each[1].is_set()]
        await asyncio.sleep(0)
    await owed.live(seconds=2 * TEN_MINUTES)
    cards: list[Message] = owed.here.workspace.messages()
    assert len(cards) == len({str(card.metadata) for card in cards}) == 9
