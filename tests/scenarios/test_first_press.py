"""A press after a start waits for nothing that Slack says of the bot itself, and is done or answered."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from bot.demo.fake_slack import Message, faults
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.slack.client.socket_mode import SocketTimeouts
from tests.world import TODAY, World

ANA = "U0ANA"
HASTY = SocketTimeouts(identity=0.2)
ANSWERS_500 = (
    "Slack, or a proxy on the way, cannot answer now (500). Try again later; if it lasts, look at slack-status.com."
)
FIVE_WAYS: dict[str, Callable[[], faults.Fault]] = {
    "slow": faults.hang,
    "429": lambda: faults.rate_limited(60),
    "5xx": faults.server_error,
    "cut": faults.cut_before,
    "HTML": faults.html,
}


@pytest.fixture
async def card(here: World) -> Message:
    """A card in the channel, posted by a bot that has stopped since."""
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot():
        return await here.card(NORTHWIND.company)


@pytest.fixture(params=[True, False], ids=["over the socket", "over HTTP"])
def by_socket(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


async def _health(here: World) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{here.port}/health") as answer:
        figures: dict[str, Any] = await answer.json()
        return figures


async def _acknowledged(here: World, press: Callable[[], object], *, within: float = 1.0) -> None:
    """The press is acknowledged, without waiting for what is done about it; NotAcknowledged if not in time."""
    here.workspace.delivery.ack_within = within
    awaitable = press()
    assert asyncio.iscoroutine(awaitable)
    await awaitable


async def test_the_first_press_is_acknowledged_within_a_second_and_done(
    here: World, card: Message, *, by_socket: bool
) -> None:
    changes = {} if by_socket else {"slack_app_token": None}
    async with here.bot(**changes):
        if not by_socket:
            here.workspace.request_url = f"http://127.0.0.1:{here.port}/slack/events"
        here.workspace.faults.add("auth.test", faults.hang(), times=10**3)
        asked = len(here.workspace.calls("auth.test"))
        await _acknowledged(here, lambda: here.workspace.press(ANA, card, "evaluation.claim"))
        await here.shows(f"Owner: <@{ANA}>", on=card)
        assert len(here.workspace.calls("auth.test")) == asked


@pytest.mark.parametrize("way", FIVE_WAYS)
async def test_with_slack_away_from_the_start_on_a_press_is_acknowledged_and_done(
    here: World,
    card: Message,
    way: str,
) -> None:
    here.patience = HASTY
    here.workspace.faults.add("auth.test", FIVE_WAYS[way](), times=10**3)
    async with here.at_work(here.settings()):
        await here.until(lambda: here.workspace.sockets)
        await _acknowledged(here, lambda: here.workspace.press(ANA, card, "evaluation.claim"))
        await here.shows(f"Owner: <@{ANA}>", on=card)


async def test_what_needs_the_workspace_is_answered_while_it_is_unknown_and_done_once_it_is(
    here: World,
    card: Message,
) -> None:
    here.patience = HASTY
    here.workspace.faults.add("auth.test", faults.server_error(), times=10**3)
    async with here.at_work(here.settings()):
        await here.until(lambda: here.workspace.sockets)
        await _acknowledged(here, lambda: here.workspace.command(ANA, "/evaluators today"))
        await here.notified(ANA, "Please press again in a minute.")
        assert (await _health(here))["problems"] == [ANSWERS_500]
        asked = len(here.workspace.calls("bots.info"))
        here.workspace.faults.clear()
        await here.until(lambda: len(here.workspace.calls("bots.info")) > asked)
        await here.workspace.command(ANA, "/evaluators today")
        await here.notified(ANA, "Evaluations on 23 Nov 2026")
        assert (await _health(here))["problems"] == []


async def test_the_end_does_not_wait_for_an_identity_that_never_comes(
    here: World,
) -> None:
    here.patience = HASTY
    here.workspace.faults.add("auth.test", faults.hang(), times=10**3)
    async with here.at_work(here.settings()):
        began = time.monotonic()
    assert time.monotonic() - began < 5
