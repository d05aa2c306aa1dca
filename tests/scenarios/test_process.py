"""The bot as a process: it starts from settings alone, and ends in order, whatever hangs."""

import asyncio
import re
import signal
import socket
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from aiohttp import web

from bot.demo import fake_smtp
from bot.demo.fake_marketplace.server import Handler
from bot.demo.fake_slack import faults
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, VISTULA, license_record
from tests.machine import limit
from tests.scenarios.process import by_the_wall_clock, life
from tests.world import World

pytestmark = pytest.mark.slow

ANA = "U0ANA"


@pytest.fixture
def trial(here: World) -> None:
    """A trial of today, by the clock that a process of its own goes by."""
    by_the_wall_clock(here)
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, here.clock.today()))


def _cards(here: World) -> int:
    return sum(NORTHWIND.company in message.text for message in here.workspace.messages())


async def test_settings_alone_make_it_work_and_sigterm_ends_it_in_order(here: World, trial: None) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(here.folder / "notify"))
        async with life(here, notify_socket=here.folder / "notify") as process:
            await here.card(NORTHWIND.company)
            process.send(signal.SIGTERM)
            assert await process.end() == 0
        systemd.settimeout(0)
        assert [systemd.recv(100) for _ in range(2)] == [b"READY=1", b"STOPPING=1"]
    assert "drained" in process.log.read_text()


async def _mail(here: World) -> None:
    card = await here.card(NORTHWIND.company)
    await here.write(ANA, card)


def _slack_hangs(here: World) -> Callable[[], object]:
    here.workspace.faults.add("chat.postMessage", faults.hang_after(), times=9)
    return lambda: here.workspace.calls("chat.postMessage")


def _slack_hangs_at_start(here: World) -> Callable[[], object]:
    here.workspace.faults.add("auth.test", faults.hang_after())
    return lambda: here.workspace.calls("auth.test")


def _slack_is_away_at_start(here: World) -> Callable[[], object]:
    here.workspace.faults.add("auth.test", faults.server_error(), times=9)
    return lambda: len(here.workspace.calls("auth.test")) > 1


def _the_export_hangs(here: World) -> Callable[[], object]:
    async def hang(request: web.Request, handler: Handler) -> web.StreamResponse:
        if "/async/export/" not in request.path or request.path.endswith("/status"):
            return await handler(request)
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"[")
        await asyncio.sleep(30)
        return response

    here.marketplace.around = hang
    return lambda: any(re.search(r"/export/[^/]+$", url.path) for url in here.marketplace.requests)


HANGING = [_slack_hangs, _slack_hangs_at_start, _slack_is_away_at_start, _the_export_hangs]


@pytest.mark.parametrize("hang", HANGING)
async def test_sigterm_ends_it_within_ten_seconds_whatever_hangs_and_nothing_is_lost_or_doubled(
    here: World, trial: None, hang: Callable[[World], Callable[[], object]]
) -> None:
    async with life(here, ready=hang(here)) as process:
        await asyncio.sleep(0.2)
        process.send(signal.SIGTERM)
        assert await process.end() == 0
    here.workspace.faults.clear()
    here.marketplace.around = None
    async with life(here):
        card = await here.card(NORTHWIND.company)
        await here.workspace.press(ANA, card, "evaluation.claim")
        await here.shows(f"Owner: <@{ANA}>", on=card)
    assert _cards(here) == 1


@pytest.mark.parametrize("step", ["MAIL", "ANSWER"])
async def test_sigterm_ends_it_while_the_mail_server_hangs_and_the_mail_is_not_sent_again(
    here: World, trial: None, step: fake_smtp.Step
) -> None:
    async with life(here) as process:
        here.mailbox.faults[step] = fake_smtp.hang(asyncio.Event())
        await _mail(here)
        await here.until(lambda: step not in here.mailbox.faults)
        process.send(signal.SIGTERM)
        assert await process.end() == 0
    async with life(here):
        [card] = [m for m in here.workspace.messages() if NORTHWIND.company in m.text]
        await here.shows("don't know whether it arrived", on=card)
    assert len(here.mailbox.mails) == (step == "ANSWER")


async def test_sigterm_in_the_middle_of_a_poll_loses_nothing_and_doubles_nothing(here: World, trial: None) -> None:
    first, released = asyncio.Semaphore(1), asyncio.Event()

    async def hold(request: web.Request, handler: Handler) -> web.StreamResponse:
        if "offset" in request.query and first.locked():
            await released.wait()
        elif "offset" in request.query:
            await first.acquire()
        return await handler(request)

    here.marketplace.export_ends.append("FAILED")
    here.marketplace.around = hold
    long_ago = here.clock.today() - timedelta(days=400)
    for number in range(2, 121):
        here.marketplace.add(license_record(number, LANTERNS, VISTULA, long_ago))
    async with life(here, poll_every="24h") as process:
        await here.until(lambda: sum("offset=" in str(url) for url in here.marketplace.requests) == 2)
        process.send(signal.SIGTERM)
        assert await process.end() == 0
    released.set()
    async with life(here, poll_every="24h"):
        await here.card("120 licenses")
        await here.card(NORTHWIND.company)
    assert [m.text for m in here.workspace.messages() if VISTULA.company in m.text] == []
    assert _cards(here) == 1


async def test_a_second_sigterm_ends_it_at_once(here: World, trial: None) -> None:
    async with life(here, ready=_slack_hangs(here)) as process:
        process.send(signal.SIGTERM)
        await asyncio.sleep(0.3)
        began = time.monotonic()
        process.send(signal.SIGTERM)
        assert await process.end() == -signal.SIGTERM
        assert time.monotonic() - began < limit(1)
