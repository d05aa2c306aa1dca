"""Deliveries arrive once, in order, at Slack's pace."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.fake_slack import CHANNEL, faults
from bot.domain.outbox import BACKLOG_THRESHOLD, ApiMethod
from bot.services.slack_delivery.rate_limits import SLACK_LIMITS
from tests.desk import ADMIN, LOOK, POST, UPDATE, Desk, desk
from tests.world import World, world


@pytest.fixture
async def owed(here: World) -> AsyncIterator[Desk]:
    """A card is owed, and nothing else."""
    async with desk(here) as found:
        await found.begin_trial()
        yield found


@pytest.fixture
async def posted(owed: Desk) -> Desk:
    """A card is out, and nothing is owed."""
    await owed.deliver()
    return owed


async def test_ten_changes_in_a_burst_are_one_update(posted: Desk) -> None:
    owner = None
    for number in range(10):
        await posted.own(owner=f"U{number}", was=owner)
        owner = f"U{number}"
    await posted.deliver()
    assert posted.calls(UPDATE) == 1
    assert "<@U9>" in posted.here.workspace.messages()[0].shown


async def test_a_day_later_a_running_card_counts_a_day_less_and_one_that_is_over_is_left_alone(posted: Desk) -> None:
    posted.here.pass_by(days=1)
    await posted.cards.update_running()
    await posted.deliver()
    assert "29 days left" in posted.here.workspace.messages()[0].shown
    posted.here.marketplace.change(posted.here.marketplace.records[0]["appEntitlementNumber"], status="cancelled")
    await posted.parts.poller.poll()
    await posted.deliver()
    await posted.cards.update_running()
    assert await posted.waiting() == 0


async def test_a_note_waits_for_its_card(owed: Desk) -> None:
    await owed.own()
    owed.here.workspace.faults.add(POST, faults.rate_limited(30))
    await owed.deliver()
    assert owed.posted == 0
    await owed.settle()
    [card] = owed.here.workspace.messages()
    assert owed.here.thread(card) == ["<@U0ANA> claimed this."]


async def test_asked_to_slow_down_in_a_channel_it_is_quiet_there_for_as_long_as_it_was_asked(owed: Desk) -> None:
    owed.here.workspace.add_channel("C0ELSE", "else")
    owed.here.workspace.faults.add(POST, faults.rate_limited(30))
    await owed.deliver()
    await owed.begin_trial(2)
    await owed.parts.store.outbox.enqueue_message("Hello", channel="C0ELSE", at=owed.here.clock())
    await owed.live(seconds=29)
    assert (owed.calls(), owed.posted, len(owed.here.workspace.messages("C0ELSE"))) == (1, 0, 1)
    await owed.settle(within=timedelta(seconds=5))
    assert (owed.calls(), owed.posted) == (3, 2)


async def test_asked_to_slow_down_with_updates_all_of_them_wait_and_posts_go_on(posted: Desk) -> None:
    await posted.own()
    posted.here.workspace.faults.add(UPDATE, faults.rate_limited(30))
    await posted.deliver()
    await posted.begin_trial(2)
    await posted.live(seconds=29)
    assert (posted.calls(UPDATE), posted.posted) == (1, 2)
    await posted.settle(within=timedelta(seconds=5))
    assert (posted.calls(UPDATE), posted.here.thread(posted.here.workspace.messages()[0])) == (
        2,
        ["<@U0ANA> claimed this."],
    )


async def test_a_channel_where_slack_hangs_holds_up_no_other(here: World) -> None:
    async with desk(here) as found:
        await found.begin_trial()
        go_on = asyncio.Event()
        here.workspace.faults.add(POST, faults.slow(go_on.wait))
        await found.worker.dispatch_due()
        await here.until(found.calls)
        await found.parts.store.outbox.enqueue_message("Hello", channel=ADMIN, at=here.clock())
        await found.worker.dispatch_due()
        await here.until(lambda: found.notified)
        assert found.posted == 0
        go_on.set()
        await found.settle()
        assert found.posted == 1


async def test_a_long_queue_is_announced_once_and_goes_out_newest_first(here: World) -> None:
    async with desk(here) as found:
        for number in range(BACKLOG_THRESHOLD + 2):
            await found.begin_trial(number)
            here.pass_by(minutes=1)
        await found.settle()
        summary, *cards = here.workspace.messages()
        assert summary.shown.startswith(f":inbox_tray: {BACKLOG_THRESHOLD + 2} new trials are waiting for a card here.")
        notified = [message.metadata["event_payload"]["evaluation"] for message in cards if message.metadata]
        assert notified == list(range(BACKLOG_THRESHOLD + 2, 0, -1))


async def test_through_an_outage_the_queue_is_announced_first_and_with_the_number_at_its_end(here: World) -> None:
    async with desk(here) as found:
        here.workspace.channels[CHANNEL].bot_is_member = False
        for number in range(2):
            await found.begin_trial(number)
            await found.live(minutes=2)
        await found.begin_trials(range(2, BACKLOG_THRESHOLD + 2))
        await found.live(minutes=2)
        here.workspace.channels[CHANNEL].bot_is_member = True
        await found.settle()
        summary, *cards = here.workspace.messages()
        assert f"{BACKLOG_THRESHOLD + 2} new trials" in summary.shown
        assert len(cards) == BACKLOG_THRESHOLD + 2


async def test_as_many_as_usual_are_not_announced(here: World) -> None:
    async with desk(here) as found:
        await found.begin_trials(range(BACKLOG_THRESHOLD))
        await found.settle()
        assert found.posted == BACKLOG_THRESHOLD


async def test_thirty_cards_go_out_as_fast_as_slack_allows_and_never_faster(tmp_path: Path) -> None:
    async with world(tmp_path, rate_limits=True) as here, desk(here, limits=SLACK_LIMITS) as found:
        await found.begin_trials(range(30))
        here.pass_by(minutes=1)
        begin = here.clock()
        await found.settle()
        assert here.clock() - begin < timedelta(seconds=31 / 0.95)
        assert (found.posted, found.calls()) == (31, 31)


async def test_a_repaint_that_somebody_waits_for_goes_before_those_of_the_night(here: World) -> None:
    async with desk(here, limits=SLACK_LIMITS) as found:
        await found.begin_trials(range(12))
        await found.settle()
        here.pass_by(days=1)
        await found.cards.update_running()
        await found.deliver()
        here.pass_by(seconds=1)
        await found.own(1)
        while not any("<@U0ANA>" in message.shown for message in here.workspace.messages()):
            await found.wait()
            await found.deliver()
        assert await found.waiting() > 1


async def test_as_many_repaints_as_slack_takes_at_once_are_taken_from_the_outbox_at_once(here: World) -> None:
    async with desk(here, limits=SLACK_LIMITS) as found:
        burst = SLACK_LIMITS[ApiMethod.UPDATE].workspace.burst
        await found.begin_trials(range(1, burst + 4))
        await found.settle()
        for number in range(1, burst + 4):
            await found.own(number)
        before, writes = found.calls(UPDATE), found.parts.store.database.writes
        await found.worker.dispatch_due()
        assert found.parts.store.database.writes == writes + 1
        await here.until(lambda: found.calls(UPDATE) >= before + burst)
        assert found.calls(UPDATE) == before + burst
        await found.settle()


async def test_a_card_that_somebody_deleted_is_posted_again_when_a_person_asks_and_not_before(posted: Desk) -> None:
    await posted.wipe()
    await posted.own()
    await posted.live(minutes=30)
    assert (posted.posted, posted.calls(UPDATE), await posted.waiting()) == (0, 1, 0)
    await posted.own(was="U0ANA", owner="U0BEN")
    await posted.cards.update_running()
    await posted.live(minutes=30)
    assert (posted.posted, await posted.waiting()) == (0, 0)
    assert [await posted.cards.post_again(1) for _ in range(3)] == [True, False, False]
    await posted.settle()
    [card] = posted.here.workspace.messages()
    assert "<@U0BEN>" in card.shown
    await posted.own(was="U0BEN", owner="U0ANA")
    await posted.settle()
    assert len(posted.here.thread(card)) == 1


@pytest.mark.parametrize("ahead", [{"minutes": 10}, {"days": 3}, {"days": 400}], ids=str)
async def test_a_bot_whose_clock_is_ahead_of_slacks_still_finds_its_card(here: World, ahead: dict[str, int]) -> None:
    here.slack_is_behind = timedelta(**ahead)
    async with desk(here) as found:
        await found.begin_trial()
        here.workspace.faults.add(POST, faults.cut_after())
        await found.settle()
        assert (found.posted, found.calls(), found.calls(LOOK)) == (1, 1, 1)


async def test_a_card_that_was_posted_while_the_clock_was_ahead_is_found_once_it_is_right(here: World) -> None:
    here.slack_is_behind = timedelta(days=90)
    async with desk(here) as found:
        await found.begin_trial()
        here.workspace.faults.add(POST, faults.cut_after())
        await found.deliver()
        here.slack_is_behind = timedelta(0)
        here.pass_by(days=-90, hours=2)
        await found.settle()
        assert (found.posted, found.calls(), await found.waiting()) == (1, 1, 0)


async def test_what_is_owed_at_a_time_far_ahead_is_owed_now(here: World) -> None:
    async with desk(here) as found:
        ahead = here.clock() + timedelta(days=365)
        await found.parts.store.outbox.enqueue_message("Good morning", channel=CHANNEL, at=ahead)
        await found.deliver()
        assert (found.posted, await found.waiting()) == (1, 0)


async def test_an_error_nobody_foresaw_costs_one_card_a_pause_and_the_others_nothing(
    owed: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = owed.parts.store.evaluations.card

    async def broken(evaluation_id: int) -> object:
        if evaluation_id == 1:
            raise KeyError("nobody foresaw this")
        return await find(evaluation_id)

    monkeypatch.setattr(owed.parts.store.evaluations, "card", broken)
    await owed.begin_trial(2)
    await owed.live(minutes=10)
    assert (owed.posted, owed.calls(LOOK) < 15) == (1, True)
    monkeypatch.undo()
    await owed.settle()
    assert (owed.posted, owed.calls()) == (2, 2)


@pytest.mark.parametrize(("fault", "times"), [(faults.cut_before(), 1), (faults.cut_after(), 2)], ids=["lost", "taken"])
async def test_a_direct_message_whose_outcome_is_unknown_comes_twice_rather_than_never(
    here: World, fault: faults.Fault, times: int
) -> None:
    async with desk(here) as found:
        await found.parts.store.outbox.enqueue_message("Trouble", channel=ADMIN, at=here.clock())
        here.workspace.faults.add(POST, fault)
        await found.settle()
        assert found.notified == ["Trouble"] * times


@pytest.mark.parametrize("code", ["channel_not_found", "user_not_found", "cannot_dm_bot", "messages_tab_disabled"])
async def test_who_cannot_be_written_to_holds_up_neither_the_cards_nor_the_other_admins(owed: Desk, code: str) -> None:
    owed.here.workspace.faults.add(POST, faults.refuse(code))
    await owed.parts.store.outbox.enqueue_message("Trouble", channel="U0GONE", at=owed.here.clock())
    await owed.parts.store.outbox.enqueue_message("Trouble", channel=ADMIN, at=owed.here.clock())
    owed.here.workspace.faults.clear()
    await owed.deliver()
    assert (owed.posted, owed.notified, await owed.waiting()) == (1, ["Trouble"], 0)
    assert await owed.parts.store.outbox.given_up(since=owed.here.clock()) == 1


async def test_cards_that_wait_follow_when_another_channel_is_chosen(owed: Desk) -> None:
    owed.here.workspace.add_channel("C0ELSE", "else")
    owed.here.workspace.channels[CHANNEL].is_archived = True
    await owed.own()
    await owed.live(minutes=1)
    assert await owed.parts.store.outbox.move("C0ELSE") == 1
    await owed.deliver()
    [card] = owed.here.workspace.messages("C0ELSE")
    assert owed.here.thread(card) == ["<@U0ANA> claimed this."]
