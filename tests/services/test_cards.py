"""What is owed to Slack arrives once, whatever Slack does."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.app import Parts, assembled
from bot.demo.cast import LANTERNS, NORTHWIND, license_record
from bot.demo.workspace import CHANNEL, faults
from bot.demo.workspace.faults import Fault
from bot.services.cards import Cards
from bot.services.pace import Pace
from bot.store.deliveries import Lane
from tests.world import TODAY, World

POST = "chat.postMessage"


@dataclass
class Desk:
    """The delivery, by hand: nothing is brought to Slack until a test says so."""

    here: World
    parts: Parts
    cards: Cards

    async def deliver(self, lane: Lane = Lane.POST) -> int:
        """Bring whatever is due now; how many things that were."""
        count = 0
        while await self.cards.deliver(lane):
            count += 1
        return count

    async def wipe(self) -> None:
        """Delete every message, as a person may."""
        for message in self.here.workspace.messages():
            await self.parts.client.chat_delete(channel=message.channel, ts=message.ts)

    @property
    def posted(self) -> int:
        """How many messages stand in the channel."""
        return len(self.here.workspace.messages())


@pytest.fixture
async def desk(here: World) -> AsyncIterator[Desk]:
    """A card is due, and nothing else: the words of the first run are out already."""
    async with assembled(here.settings(), clock=here.clock) as parts:
        cards = Cards(
            parts.store,
            parts.poster,
            paces={lane: Pace(interval=0, clock=here.slack_time, sleep=here.sleep) for lane in Lane},
            workspace_url="https://demo.slack.test/",
            clock=here.clock,
            today=here.clock.today,
        )
        found = Desk(here, parts, cards)
        await parts.watch.run_once()
        await found.deliver()
        await found.wipe()
        here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
        await parts.watch.run_once()
        yield found


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.cut_after(), id="the connection breaks after Slack took it"),
        pytest.param(faults.cut_before(), id="the connection breaks before Slack took it"),
        pytest.param(faults.server_error(), id="Slack answers 500"),
        pytest.param(faults.html(), id="Slack answers HTML"),
        pytest.param(faults.refuse("internal_error"), id="Slack has an internal error"),
        pytest.param(faults.rate_limited(30), id="Slack asks to slow down"),
        pytest.param(faults.rate_limited(None), id="Slack asks to slow down and does not say for how long"),
    ],
)
async def test_a_post_that_goes_wrong_is_made_good_once(desk: Desk, fault: Fault) -> None:
    desk.here.workspace.faults.add(POST, fault)
    await desk.deliver()
    desk.here.pass_by(minutes=1)
    await desk.deliver()
    assert desk.posted == 1
    assert await desk.parts.store.deliveries.waiting() == 0


async def test_asked_to_slow_down_it_is_quiet_for_as_long_as_it_was_asked(desk: Desk) -> None:
    desk.here.workspace.faults.add(POST, faults.rate_limited(30))
    await desk.deliver()
    desk.here.pass_by(seconds=29)
    assert await desk.deliver() == 0
    desk.here.pass_by(seconds=2)
    assert await desk.deliver() == 1


async def test_out_of_the_channel_nothing_storms_and_nothing_is_lost(desk: Desk) -> None:
    desk.here.workspace.channels[CHANNEL].bot_is_member = False
    for _ in range(60):
        await desk.deliver()
        desk.here.pass_by(minutes=1)
    assert len(desk.here.workspace.calls(POST)) < 25
    desk.here.workspace.channels[CHANNEL].bot_is_member = True
    desk.here.pass_by(minutes=10)
    await desk.deliver()
    assert desk.posted == 1


async def test_ten_changes_in_a_burst_are_one_repaint(desk: Desk) -> None:
    await desk.deliver()
    owner = None
    for number in range(10):
        await desk.parts.store.evaluations.assign(1, f"U{number}", instead_of=owner, by="U0ANA", at=desk.here.clock())
        owner = f"U{number}"
    assert await desk.deliver(Lane.UPDATE) == 1
    assert "<@U9>" in desk.here.workspace.messages()[0].shown


async def test_a_day_later_a_running_card_counts_a_day_less_and_one_that_is_over_is_left_alone(desk: Desk) -> None:
    await desk.deliver()
    desk.here.pass_by(days=1)
    await desk.cards.repaint_running()
    assert await desk.deliver(Lane.UPDATE) == 1
    assert "29 days left" in desk.here.workspace.messages()[0].shown
    desk.here.marketplace.change(desk.here.marketplace.records[0]["appEntitlementNumber"], status="cancelled")
    await desk.parts.watch.run_once()
    await desk.deliver(Lane.UPDATE)
    await desk.cards.repaint_running()
    assert await desk.deliver(Lane.UPDATE) == 0


async def test_a_note_waits_for_its_card(desk: Desk) -> None:
    await desk.parts.store.evaluations.assign(1, "U0ANA", instead_of=None, by="U0ANA", at=desk.here.clock())
    desk.here.workspace.faults.add(POST, faults.rate_limited(30))
    assert await desk.deliver() == 1
    assert desk.posted == 0
    desk.here.pass_by(minutes=1)
    assert await desk.deliver() == 2
    [card] = desk.here.workspace.messages()
    assert desk.here.thread(card) == ["<@U0ANA> took this."]


async def test_a_note_whose_outcome_is_unknown_is_looked_for_in_its_thread(desk: Desk) -> None:
    await desk.deliver()
    await desk.parts.store.evaluations.assign(1, "U0ANA", instead_of=None, by="U0ANA", at=desk.here.clock())
    desk.here.workspace.faults.add(POST, faults.cut_after())
    await desk.deliver()
    desk.here.pass_by(minutes=1)
    await desk.deliver()
    [card] = desk.here.workspace.messages()
    assert desk.here.thread(card) == ["<@U0ANA> took this."]


async def test_a_card_that_somebody_deleted_is_not_posted_again_by_itself(desk: Desk) -> None:
    await desk.deliver()
    await desk.wipe()
    await desk.parts.store.evaluations.repaint(1, at=desk.here.clock())
    for _ in range(3):
        await desk.deliver(Lane.UPDATE)
        await desk.deliver()
        desk.here.pass_by(minutes=10)
    assert desk.posted == 0
    assert await desk.parts.store.deliveries.waiting() == 0


async def test_a_bot_whose_clock_is_ahead_of_slacks_still_finds_its_card(desk: Desk) -> None:
    desk.here.slack_is_behind = timedelta(minutes=10)
    desk.here.workspace.faults.add(POST, faults.cut_after())
    await desk.deliver()
    desk.here.pass_by(minutes=1)
    await desk.deliver()
    assert desk.posted == 1
