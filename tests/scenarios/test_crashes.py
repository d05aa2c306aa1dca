"""Killed at any moment and started again: one card each, one mail at most, nothing lost."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP

from bot.demo import fake_smtp
from bot.demo.fake_marketplace.server import Handler
from bot.demo.fake_slack import NotPossible
from bot.demo.fake_slack.app_delivery import Envelope
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, Customer, license_record
from tests.machine import limit
from tests.scenarios.crew import BEN, done, insist, nothing_is_lost_or_doubled, work
from tests.scenarios.process import at_rest, by_the_wall_clock, forked, life
from tests.world import Clock, World, world

pytestmark = pytest.mark.long

Kill = Callable[[], None]
Trap = Callable[[World, Kill], Awaitable[None]]
"""Lets the bot be killed once it comes by somewhere."""

AT_ONCE: Final = 6
SEED: Final = int(os.environ.get("CRASH_SEED", time.time()))
CRASHES: Final = int(os.environ.get("CRASHES", "12"))
A_WORLD: Final = 12
"""So many crashes one world has to survive; then there is a fresh one."""


class When(StrEnum):
    """A moment of a request, seen from the server."""

    RECEIVED = "received"
    DONE = "before answering"
    ANSWERED = "on answering"
    LATER = "after answering"


async def _around(
    when: When, request: web.Request, act: Callable[[], Awaitable[web.StreamResponse]], kill: Kill
) -> web.StreamResponse:
    if when is When.RECEIVED:
        kill()
        return web.Response()
    response = await act()
    if when is not When.DONE:
        await response.prepare(request)
        await response.write_eof()
        await asyncio.sleep(0.005 if when is When.LATER else 0)
    kill()
    return response


def slack(method: str, when: When, *, about: str = "") -> Trap:
    """At a call of a method whose arguments name this."""

    async def trap(here: World, kill: Kill) -> None:
        async def fault(request: web.Request, act: Callable[[], Awaitable[web.Response]]) -> web.Response:
            if about in str(here.workspace.requests[-1].args):
                response = await _around(when, request, act, kill)
                assert isinstance(response, web.Response)
                return response
            here.workspace.faults.add(method, fault)
            return await act()

        here.workspace.faults.add(method, fault)

    return trap


def report(path: str, when: When) -> Trap:
    """At a request for the report whose address ends so."""

    async def trap(here: World, kill: Kill) -> None:
        async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not request.path.endswith(path):
                return await handler(request)
            return await _around(when, request, partial(handler, request), kill)

        here.marketplace.around = around

    return trap


def smtp(step: fake_smtp.Step, *, answered: bool = False) -> Trap:
    """At a step of handing a mail over."""

    async def trap(here: World, kill: Kill) -> None:
        async def fault(_: SMTP) -> str:
            if answered:
                asyncio.get_running_loop().call_later(0.002, kill)
            else:
                kill()
            return "250 OK"

        here.mailbox.faults[step] = fault

    return trap


class _Tripwire(list[Envelope]):
    """What Slack sent; something happens so many seconds after the envelope of this number."""

    def __init__(self, number: int, delay: float, then: Kill) -> None:
        super().__init__()
        self._number, self._delay, self._then = number, delay, then

    def append(self, envelope: Envelope) -> None:
        super().append(envelope)
        if len(self) == self._number:
            asyncio.get_running_loop().call_later(self._delay, self._then)


def envelope(number: int, delay: float) -> Trap:
    """So many seconds after something that a person did was sent to the bot."""

    async def trap(here: World, kill: Kill) -> None:
        here.workspace.delivery.sent = _Tripwire(number, delay, kill)

    return trap


EXPORT, PAGE = "/licenses/async/export", "/licenses"
MATRIX: Mapping[str, tuple[Sequence[str], Mapping[str, Sequence[Trap]]]] = {
    "reading": (
        (),
        {f"{path} {when}": [report(path, when)] for path in (EXPORT, "/status", PAGE) for when in When},
    ),
    "posting a card": (
        (),
        {f"post {when}": [slack("chat.postMessage", when, about="evaluation_card")] for when in When}
        | {
            f"look {when}": [
                slack("chat.postMessage", When.DONE, about="evaluation_card"),
                slack("conversations.history", when, about="'limit': '100'"),
            ]
            for when in When
        },
    ),
    "claiming": (
        ("claim",),
        {
            f"{method} {when}": [slack(method, when, about=about)]
            for method, about in (("chat.update", ""), ("chat.postMessage", "evaluation_note"))
            for when in When
        },
    ),
    "mailing": (
        ("mail",),
        {
            "MAIL": [smtp("MAIL")],
            "RCPT": [smtp("RCPT")],
            "DATA": [smtp("DATA")],
            "taken": [smtp("ANSWER")],
            "answered": [smtp("ANSWER", answered=True)],
            "open": [slack("views.open", When.DONE)],
            "fill": [slack("views.update", When.LATER)],
            "preview": [envelope(2, 0)],
            "preview kept": [envelope(2, 0.02)],
            "send": [envelope(3, 0)],
            "told": [slack("views.update", When.RECEIVED, about="'sending'")],
            "painted": [slack("chat.update", When.DONE, about="Welcome")],
            "noted": [slack("chat.postMessage", When.DONE, about="evaluation_note")],
        },
    ),
    "marking": (
        ("mark",),
        {f"{method} {when}": [slack(method, when)] for method in ("views.open", "chat.update") for when in When},
    ),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("act", MATRIX)
async def test_killed_at_a_step_it_goes_on_where_it_was(tmp_path: Path, act: str) -> None:
    jobs, points = MATRIX[act]
    turn = asyncio.Semaphore(AT_ONCE)

    async def survive(number: int, point: str, traps: Sequence[Trap]) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        async with turn, world(folder) as here:
            _begin(here)
            async with _told_of(f"Killed at: {act}, {point}"):
                await _killed_and_started_again(here, traps, jobs)

    async with asyncio.TaskGroup() as group:
        for number, (point, traps) in enumerate(points.items()):
            group.create_task(survive(number, point, traps))


def _is_busy(here: World) -> None:
    here.mailbox.faults["RCPT"] = fake_smtp.answer("451 4.7.1 Come back later")


WAITING: Mapping[str, tuple[Trap, str, Callable[[World], object]]] = {
    "held": (slack("views.update", When.DONE, about="mail.undo"), "60s", lambda _: None),
    "put off": (slack("chat.postMessage", When.DONE, about="is delayed"), "0s", _is_busy),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("state", WAITING)
async def test_killed_while_a_mail_waits_it_goes_out_once_when_its_time_has_come(here: World, state: str) -> None:
    _begin(here)
    trap, hold, before = WAITING[state]
    await _killed(here, trap, ["mail"], before, mail_hold=hold)
    assert here.mailbox.mails == []
    here.clock = Clock(now=here.clock() + timedelta(seconds=61))
    async with here.bot(mail_hold=hold) as parts:
        card = await here.card(NORTHWIND.company)
        await here.shows("sent *Welcome*", on=card)
        await here.noted("sent *Welcome*.", under=card)
        await here.at_rest(parts)
    nothing_is_lost_or_doubled(here, NORTHWIND, jobs=["mail"])


async def test_killed_while_a_mail_is_held_its_sender_can_still_take_it_back(here: World) -> None:
    _begin(here)
    await _killed(here, slack("views.update", When.DONE, about="mail.undo"), ["mail"], mail_hold="60s")
    here.clock = Clock(now=here.clock())
    async with here.bot(mail_hold="60s") as parts:
        card = await here.card(NORTHWIND.company)
        await here.undo(BEN)
        await here.notified(BEN, "Nothing was sent.")
        await here.hides("Email sending", on=card)
        here.pass_by(minutes=2)
        await here.at_rest(parts)
    assert here.mailbox.mails == []


async def _killed_and_started_again(here: World, traps: Sequence[Trap], jobs: Sequence[str]) -> None:
    for trap in traps:
        await _killed(here, trap, jobs)
    async with life(here, birth=forked) as bot:
        await at_rest(here, bot)
        await insist(here, NORTHWIND, jobs=jobs)
        await at_rest(here, bot)
    nothing_is_lost_or_doubled(here, NORTHWIND, jobs=jobs)


async def _killed(
    here: World, trap: Trap, jobs: Sequence[str], before: Callable[[World], object] = lambda _: None, **changes: object
) -> None:
    """A life that ends in a trap, while the team is at work."""
    sprung = asyncio.Event()
    before(here)
    async with life(here, birth=forked, ends_by=signal.SIGKILL, ready=lambda: True, **changes) as bot:

        def kill() -> None:
            bot.kill()
            sprung.set()

        await trap(here, kill)
        working = asyncio.create_task(_until_the_end(work(here, NORTHWIND, jobs=jobs)))
        await asyncio.wait_for(sprung.wait(), timeout=limit(30))
    await _dropped(working)
    here.workspace.faults.clear()
    here.marketplace.around = None


def _begin(here: World) -> None:
    by_the_wall_clock(here)
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, here.clock.today()))


async def _dropped(working: asyncio.Future[Any]) -> None:
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


async def _until_the_end(working: Awaitable[None]) -> None:
    """People's work; the bot may end under their hands."""
    with suppress(NotPossible, TimeoutError):
        await working


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("job", "number"), [("claim", 1), ("mail", 3), ("mark", 2)])
async def test_a_press_that_slack_brings_again_after_a_crash_is_done_or_answered(
    tmp_path: Path, job: str, number: int
) -> None:
    chance = random.Random(SEED)  # noqa: S311  chance, not secrecy
    turn = asyncio.Semaphore(AT_ONCE)

    async def survive(delay: float) -> None:
        folder = tmp_path / str(delay)
        folder.mkdir()
        async with turn, world(folder) as here:
            _begin(here)
            await _killed(here, envelope(number, delay), [job])
            async with life(here, birth=forked) as bot:
                await at_rest(here, bot)
                pressed = here.workspace.delivery.sent[number - 1]
                if pressed.id not in here.workspace.delivery.acknowledged:
                    await here.workspace.redeliver(pressed)
                    await done(here, NORTHWIND, job, or_told="Press Email again")
                await insist(here, NORTHWIND, jobs=[job])
                await at_rest(here, bot)
            nothing_is_lost_or_doubled(here, NORTHWIND, jobs=[job])

    async with _told_of(f"CRASH_SEED={SEED}"), asyncio.TaskGroup() as group:
        for _ in range(CRASHES // 2):
            group.create_task(survive(chance.uniform(0, 0.025)))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("further", range(-(-CRASHES // A_WORLD)))
async def test_killed_at_any_moment_it_goes_on_where_it_was(here: World, further: int) -> None:
    chance, customers = random.Random(SEED + further), list[Customer]()  # noqa: S311  chance, not secrecy
    by_the_wall_clock(here)
    async with _told_of(f"CRASH_SEED={SEED + further}"):
        for number in range(A_WORLD):
            if number % 3 == 0:
                customers.append(_customer(number))
                here.marketplace.add(license_record(number + 1, LANTERNS, customers[-1], here.clock.today()))
            asked = len(here.workspace.requests)
            async with life(here, birth=forked, ends_by=signal.SIGKILL, ready=lambda: True):
                working = asyncio.gather(*(_until_the_end(work(here, each)) for each in customers))
                if chance.random() < 0.8:  # before its first request there is not much to hit
                    await here.until(partial(_has_asked_more_than, here, asked))
                await asyncio.sleep(chance.uniform(0, 2))
            await _dropped(working)
        async with life(here, birth=forked) as bot:
            await at_rest(here, bot)
            for each in customers:
                await insist(here, each)
            await at_rest(here, bot)
        for each in customers:
            nothing_is_lost_or_doubled(here, each, jobs=("claim", "mail", "mark"))


def _has_asked_more_than(here: World, times: int) -> bool:
    return len(here.workspace.requests) > times


def _customer(number: int) -> Customer:
    return replace(NORTHWIND, company=f"Northwind {number} Test", site=f"site-{number}", email=f"a{number}@north.test")


@asynccontextmanager
async def _told_of(what: str) -> AsyncIterator[None]:
    """What goes wrong inside names this, so that it can be done again."""
    try:
        yield
    except BaseException as exc:
        exc.add_note(what)
        raise
