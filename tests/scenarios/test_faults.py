"""Slack fails at any step: each delivery arrives once, nothing storms, and the bot recovers by itself."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from itertools import count

import pytest
from aiohttp import web

from bot.demo.fake_slack import CHANNEL, faults
from bot.demo.fake_slack.faults import Act, Fault
from bot.domain.outbox import BACKLOG_THRESHOLD
from bot.slack.client.errors import ErrorAction, action_for
from tests.desk import LOOK, POST, UPDATE, Desk, desk
from tests.world import World

pytestmark = pytest.mark.slow

Prepare = Callable[[Desk], Awaitable[None]]

CLAIMED = "<@U0ANA> claimed this."
TIMES = 3


async def card_is_owed(found: Desk) -> None:
    """Nothing stands there yet."""
    await found.begin_trial()


async def repaint_is_owed(found: Desk) -> None:
    """The card is posted, and shows something that has changed."""
    await found.begin_trial()
    await found.deliver()
    await found.own()


async def card_is_in_doubt(found: Desk) -> None:
    """It was posted, and nobody knows."""
    await found.begin_trial()
    found.here.workspace.faults.add(POST, faults.cut_after())
    await found.deliver()


STEPS = {
    "the card": (card_is_owed, POST, False),
    "a note": (repaint_is_owed, POST, True),
    "a repaint": (repaint_is_owed, UPDATE, True),
    "the look for a card": (card_is_in_doubt, LOOK, False),
}
FAULTS = {
    "cut before": faults.cut_before(),
    "cut after": faults.cut_after(),
    "hang": faults.hang_after(),
    "slow": faults.slow(partial(asyncio.sleep, 0.01)),
    "internal_error": faults.refuse("internal_error"),
    "fatal_error": faults.refuse("fatal_error"),
    "ratelimited": faults.refuse("ratelimited"),
    "service_unavailable": faults.refuse("service_unavailable"),
    "429": faults.rate_limited(30),
    "429 without Retry-After": faults.rate_limited(None),
    "429 with a Retry-After that makes no sense": faults.rate_limited("soon"),
    "500": faults.server_error(),
    "HTML": faults.html(),
    "HTML that is called well": faults.html(200),
    "no JSON": faults.garbled(),
}
AT_EVERY_STEP = {"cut before", "cut after", "hang", "429", "500"}
"""One of each kind: the client reads the others alike, whatever the method, and in CI they meet a single step."""


def _marks(step: str, fault: str) -> tuple[pytest.MarkDecorator, ...]:
    return () if step == "the card" or fault in AT_EVERY_STEP else (pytest.mark.long,)


@pytest.mark.parametrize(
    ("prepare", "method", "claimed", "fault"),
    [
        pytest.param(*given, fault, id=f"{step}-{name}", marks=_marks(step, name))
        for step, given in STEPS.items()
        for name, fault in FAULTS.items()
    ],
)
async def test_a_fault_is_made_good_once(
    here: World, prepare: Prepare, method: str, fault: Fault, *, claimed: bool
) -> None:
    times = 1 if fault is FAULTS["hang"] else TIMES
    async with desk(here, patience=1 if times == 1 else 30) as found:
        await prepare(found)
        here.workspace.requests.clear()
        here.workspace.faults.add(method, fault, times=times)
        await found.settle()
        [card] = here.workspace.messages()
        assert here.thread(card) == [CLAIMED] * claimed
        assert ("Owner: <@U0ANA>" in card.shown) is claimed
        assert 1 <= found.calls(method) <= times + 1
        assert len(here.workspace.requests) <= 2 * (times + 1) + 1


CLOSING = {
    "not_in_channel",
    "channel_not_found",
    "is_archived",
    "restricted_action",
    "restricted_action_read_only_channel",
    "message_limit_exceeded",
}
TOKEN = {
    "invalid_auth",
    "not_authed",
    "token_revoked",
    "token_expired",
    "account_inactive",
    "org_login_required",
}


def test_each_error_code_that_begins_an_outage_is_in_the_table() -> None:
    assert {action_for(code) for code in CLOSING} == {ErrorAction.CHANNEL}
    assert {action_for(code) for code in TOKEN} == {ErrorAction.TOKEN}
    assert action_for("missing_scope") is ErrorAction.SCOPE


class Shut:
    """Refuses one channel, or all of them, until it is fixed."""

    def __init__(self, here: World, code: str, *, channel: str | None) -> None:
        self.is_fixed = False
        self._here = here
        self._refuse = faults.refuse(code)
        self._channel = channel
        for method in (POST, UPDATE, LOOK):
            here.workspace.faults.add(method, partial(self._meet, method))

    async def _meet(self, method: str, request: web.Request, act: Act) -> web.StreamResponse:
        self._here.workspace.faults.add(method, partial(self._meet, method))
        channel = self._here.workspace.calls(method)[-1].get("channel")
        is_open = self.is_fixed or self._channel not in (None, channel)
        return await (act() if is_open else self._refuse(request, act))


@pytest.mark.parametrize("code", ["not_in_channel", "missing_scope", "invalid_auth"])  # one for each action
async def test_an_outage_raises_one_alert_with_its_fix_and_after_it_everything_goes_out(here: World, code: str) -> None:
    everywhere = code in TOKEN
    here.workspace.add_channel("C0ELSE", "else")
    async with desk(here) as found:
        await found.begin_trial(1)
        await found.deliver()
        shut = Shut(here, code, channel=None if everywhere else CHANNEL)
        here.workspace.requests.clear()
        await found.own(1)
        for number in (2, 3):
            await found.begin_trial(number)
        await found.parts.store.outbox.enqueue_message("Hello", channel="C0ELSE", at=here.clock())
        await found.live(hours=1)
        assert len(here.workspace.messages("C0ELSE")) == (0 if everywhere else 1)
        assert len(found.notified) == (0 if everywhere else 1)
        assert found.calls() + found.calls(UPDATE) <= 2 * (8 + 60 / 5)
        shut.is_fixed = True
        await found.settle(within=timedelta(minutes=6))
        problem, again = found.notified
        assert problem.startswith(":rotating_light: I can't post ")
        assert again.startswith(":white_check_mark: ")
        assert found.posted == 3
        assert here.thread(here.workspace.messages()[0]) == [CLAIMED]
        assert await found.parts.store.incidents.list_open() == []


async def test_a_missing_history_scope_is_named_and_new_cards_go_out(here: World) -> None:
    async with desk(here) as found:
        here.workspace.keys.scopes.discard("channels:history")
        here.workspace.faults.add(POST, faults.cut_after())
        await found.begin_trial(1)
        await found.live(minutes=10)
        await found.begin_trial(2)
        await found.live(minutes=10)
        assert (found.posted, await found.waiting()) == (2, 1)
        [notified] = found.notified
        assert "I can't look up what I posted in <#C0EVALS>. The app lacks the scope channels:history." in notified
        here.workspace.keys.scopes.add("channels:history")
        await found.settle()
        assert found.posted == 2
        assert found.notified[1].startswith(":white_check_mark: I can look up what I posted")


async def test_without_admins_a_closed_channel_is_on_record_and_nobody_is_written_to(here: World) -> None:
    async with desk(here, admins=()) as found:
        await found.begin_trial()
        here.workspace.channels[CHANNEL].is_archived = True
        await found.live(minutes=30)
        assert len(await found.parts.store.incidents.list_open()) == 1
        here.workspace.channels[CHANNEL].is_archived = False
        await found.settle()
        assert (found.posted, await found.parts.store.incidents.list_open()) == (1, [])


async def test_a_revoked_token_is_tried_by_one_request_at_a_time_whatever_waits(here: World) -> None:
    async with desk(here) as found:
        for number, channel in enumerate(("C0A", "C0B", "C0C")):
            here.workspace.add_channel(channel, f"c{number}")
        Shut(here, "token_revoked", channel=None)
        for _, channel in zip(range(30), ("C0A", "C0B", "C0C") * 10, strict=True):
            await found.parts.store.outbox.enqueue_message("Hello", channel=channel, at=here.clock())
        await found.live(hours=1)
        assert len(here.workspace.requests) <= 8 + 60 / 5 + 2


async def test_an_outage_of_hours_with_a_long_queue_costs_a_request_every_few_minutes(here: World) -> None:
    async with desk(here) as found:
        await found.begin_trials(range(BACKLOG_THRESHOLD + 2))
        for method in (POST, UPDATE, LOOK):
            here.workspace.faults.add(method, faults.server_error(), times=1000)
        await found.live(hours=2)
        assert len(here.workspace.requests) <= 2 * (8 + 2 * 60 / 5)
        here.workspace.faults.clear()
        here.workspace.requests.clear()
        await found.settle()
        assert sum("new trials are waiting" in message.shown for message in here.workspace.messages()) <= 1
        cards = [m.metadata for m in here.workspace.messages() if m.metadata and "card" in m.metadata["event_type"]]
        assert len(cards) == len({str(card) for card in cards}) == BACKLOG_THRESHOLD + 2


@pytest.mark.parametrize("code", ["msg_too_long", "msg_blocks_too_long", "invalid_blocks"])
async def test_what_slack_does_not_take_whole_is_said_in_short(here: World, code: str) -> None:
    async with desk(here) as found:
        await found.begin_trial()
        here.workspace.faults.add(POST, faults.refuse(code))
        await found.settle()
        [card] = here.workspace.messages()
        assert (card.blocks, found.calls()) == ([], 2)
        assert "is evaluating" in card.text
        await found.own()
        await found.settle()
        assert "Owner: <@U0ANA>" in here.workspace.messages()[0].shown


async def test_what_slack_takes_in_no_form_is_given_up_on_record_and_holds_up_nothing(here: World) -> None:
    async with desk(here) as found:
        await found.begin_trial()
        here.workspace.faults.add(POST, faults.refuse("invalid_blocks"), times=2)
        await found.settle()
        await found.begin_trial(2)
        await found.settle()
        assert found.posted == 1
        assert await found.parts.store.outbox.given_up(since=here.clock() - timedelta(hours=1)) == 1


@pytest.mark.parametrize("code", ["message_not_found", "cant_update_message", "edit_window_closed"])
async def test_a_card_that_cannot_be_changed_is_posted_again_when_somebody_asks(here: World, code: str) -> None:
    async with desk(here) as found:
        await found.begin_trial()
        await found.deliver()
        await found.own()
        here.workspace.faults.add(UPDATE, faults.refuse(code))
        await found.live(hours=1)
        assert (found.calls(UPDATE), found.calls(), await found.waiting()) == (1, 1, 0)
        await found.wipe()
        assert await found.cards.post_again(1)
        await found.settle()
        [card] = here.workspace.messages()
        assert "Owner: <@U0ANA>" in card.shown


async def test_faults_at_random_everywhere_lose_nothing_and_double_nothing(here: World) -> None:
    number = count(1)
    kinds = [each for name, each in FAULTS.items() if name not in ("hang", "slow")]
    async with desk(here) as found:
        for round_ in range(12):
            for method in (POST, UPDATE, LOOK, "conversations.replies"):
                here.workspace.faults.add(method, kinds[(round_ * 5 + len(method)) % len(kinds)])
            evaluation_id = next(number)
            await found.begin_trial(evaluation_id)
            await found.live(seconds=3)
            await found.own(evaluation_id)
            await found.live(seconds=3)
        here.workspace.faults.clear()
        await found.settle()
        cards = here.workspace.messages()
        assert len(cards) == 12
        assert [here.thread(card) for card in cards] == [[CLAIMED]] * 12
