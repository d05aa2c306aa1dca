"""Socket Mode when it goes wrong: presses come through again, cards never wait, and Slack is not stormed."""

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from bot.concurrency.backoff import Backoff
from bot.demo.fake_slack import NotAcknowledged, faults
from bot.demo.scenario.sample_data import COMPASS, LANTERNS, NORTHWIND, VISTULA, license_record
from bot.slack.client.errors import another_app, scopes_missing
from bot.slack.client.socket_mode import SocketTimeouts
from tests.machine import limit
from tests.world import TODAY, World

pytestmark = pytest.mark.slow

ANA = "U0ANA"
QUICK = SocketTimeouts(
    ping=limit(0.5),
    silent_after=limit(1.5),
    opening=limit(2),
    closing=limit(0.5),
    steady=0.1,
    backoff=Backoff(base=0.01, maximum=limit(5)),
)


@pytest.fixture
def here(here: World) -> World:
    """A world with a trial, and a bot that loses its patience quickly."""
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    here.patience = QUICK
    return here


def _asked(here: World) -> int:
    """How often an address for a socket was asked for."""
    return len(here.workspace.calls("apps.connections.open"))


def _is_connected(here: World, times: int) -> bool:
    """Whether the latest of so many sockets is open, and no other."""
    return _asked(here) == times and here.workspace.sockets == 1


async def _claims(here: World) -> None:
    """Ana's press on the card comes through."""
    card = await here.card(NORTHWIND.company)
    await here.workspace.press(ANA, card, "evaluation.claim")
    await here.shows(f"Owner: <@{ANA}>", on=card)


async def _health(here: World) -> dict[str, Any]:
    url = f"http://127.0.0.1:{here.port}/health"
    figures: dict[str, Any] = await asyncio.to_thread(lambda: json.load(urllib.request.urlopen(url)))
    return figures


async def test_a_socket_that_fell_silent_is_replaced_and_presses_come_through(here: World) -> None:
    async with here.bot():
        here.workspace.delivery.ack_within = 0.1
        here.workspace.delivery.silence_sockets()
        with pytest.raises(NotAcknowledged):
            await here.workspace.command(ANA, "/evaluators today")
        here.workspace.delivery.ack_within = limit(3)
        await here.until(lambda: _asked(here) > 1 and here.workspace.sockets == 1)
        await _claims(here)


@pytest.mark.parametrize("reason", [None, "warning", "refresh_requested", "too_many_websockets"])
async def test_a_socket_that_slack_closes_or_asks_us_to_leave_is_replaced(here: World, reason: str | None) -> None:
    async with here.bot():
        for times in range(2, 5):
            await here.workspace.disconnect_sockets(reason)
            await here.until(partial(_is_connected, here, times))
        await _claims(here)


async def test_one_over_which_nothing_but_pongs_comes_is_replaced(here: World) -> None:
    here.patience = SocketTimeouts(ping=limit(0.5), idle=limit(0.7), steady=0.1)
    async with here.bot():
        await here.until(lambda: _asked(here) > 3)


@pytest.mark.parametrize("fault", [faults.refuse("internal_error"), faults.html(), faults.cut_before()])
async def test_without_a_socket_cards_are_posted_all_the_same(here: World, fault: faults.Fault) -> None:
    here.workspace.faults.add("apps.connections.open", fault, times=10**4)
    settings = here.settings()
    async with here.at_work(settings) as parts:
        await here.card(NORTHWIND.company)
        here.marketplace.add(license_record(2, COMPASS, VISTULA, TODAY))
        await parts.poller.poll()
        await here.card(VISTULA.company)
        figures = await _health(here)
        assert figures["seconds_socket_down"] is not None
        here.workspace.faults.clear()
        await _claims_once_open(here)
        figures = await _health(here)
        assert figures["seconds_socket_down"] is None
        assert figures["seconds_since_socket_heard"] is not None


async def _claims_once_open(here: World) -> None:
    await here.until(lambda: here.workspace.sockets)
    await _claims(here)


async def test_an_app_token_of_another_app_is_named_and_once_it_is_right_presses_come_through(
    here: World, logged: Callable[[], str]
) -> None:
    here.workspace.delivery.app_id = "A0OTHER"
    async with here.at_work(here.settings()):
        await here.until(lambda: _asked(here) > 1)
        figures = await _health(here)
        [problem] = figures["problems"]
        assert problem == another_app("A0OTHER", "A0DEMO")
        assert figures["seconds_socket_down"] is not None
        assert problem in logged()
        here.workspace.delivery.app_id = "A0DEMO"
        await here.until(lambda: here.workspace.sockets)
        await _claims(here)
        assert (await _health(here))["problems"] == []


async def test_socket_mode_that_is_switched_off_is_named(here: World) -> None:
    async with here.bot():
        here.workspace.delivery.turns_away = "link_disabled"
        await here.workspace.disconnect_sockets("link_disabled")
        await here.until(lambda: _asked(here) > 2)
        [problem] = (await _health(here))["problems"]
        assert problem.startswith("Socket Mode is switched off for this Slack app.")


async def test_scopes_that_the_app_lacks_are_named_by_a_running_bot(here: World, logged: Callable[[], str]) -> None:
    here.workspace.keys.scopes -= {"channels:history", "users:read.email"}
    async with here.at_work(here.settings()):
        await here.until(lambda: here.workspace.sockets)
        sentence = scopes_missing({"channels:history", "users:read.email"})
        assert (await _health(here))["problems"] == [sentence]
        assert sentence in logged()
        await here.workspace.command(ANA, "/evaluators health")
        await here.notified(ANA, sentence)


async def test_a_socket_without_hello_is_none(here: World) -> None:
    here.patience = SocketTimeouts(opening=limit(0.2), backoff=Backoff(base=0.01, maximum=300.0))
    here.workspace.delivery.greets = False
    async with here.at_work(here.settings()):
        await here.until(lambda: _asked(here) > 2)
        here.workspace.delivery.greets = True
        await _claims_once_open(here)


@pytest.mark.parametrize("storm", ["refused", "hung up"])
async def test_attempts_in_a_row_are_further_and_further_apart(here: World, storm: str) -> None:
    here.patience = SocketTimeouts(opening=limit(1), backoff=Backoff(base=limit(0.01), maximum=300.0))
    if storm == "refused":
        here.workspace.faults.add("apps.connections.open", faults.refuse("not_allowed_token_type"), times=10**4)
    async with here.at_work(here.settings()):
        began = time.monotonic()
        while time.monotonic() - began < limit(1):
            await here.workspace.disconnect_sockets(None)
            await asyncio.sleep(0.01)
        assert 3 <= _asked(here) <= 8  # after 0, 0.01, 0.03, 0.07, 0.15, 0.31, 0.63 s on an idle machine


async def test_when_slack_says_how_long_to_wait_it_is_waited(here: World) -> None:
    here.workspace.faults.add("apps.connections.open", faults.rate_limited(1))
    async with here.at_work(here.settings()):
        began = time.monotonic()
        await here.until(lambda: here.workspace.sockets)
        assert time.monotonic() - began > 0.9
        assert _asked(here) == 2


async def test_the_end_does_not_wait_for_a_silent_socket(here: World) -> None:
    here.patience = SocketTimeouts(closing=0.3)
    async with here.bot():
        here.workspace.delivery.silence_sockets()
        began = time.monotonic()
    assert time.monotonic() - began < limit(2)


async def test_an_envelope_that_comes_again_over_another_socket_does_nothing_twice(here: World) -> None:
    async with here.bot():
        await _claims(here)
        await here.workspace.disconnect_sockets()
        await here.until(lambda: _asked(here) > 1 and here.workspace.sockets == 1)
        await here.workspace.redeliver()
        card = await here.card(NORTHWIND.company)
        await here.noted(f"<@{ANA}> claimed this.", under=card)
    assert len(here.thread(card)) == 1
