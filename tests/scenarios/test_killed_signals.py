"""Killed at any step of a signal and started again: one message, and nothing of what was acknowledged is lost."""

import asyncio
import random
import re
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import aiohttp
import pytest

from bot.demo.scenario.sample_data import CEDAR, LANTERNS, license_record
from tests.machine import limit
from tests.scenarios.process import Life, at_rest, by_the_wall_clock, forked, life
from tests.scenarios.test_crashes import SEED, Kill, Trap, When, slack
from tests.scenarios.test_early_cards import SECRET, signed
from tests.world import World

SETTINGS: Final[dict[str, Any]] = {"early_cards": "all", "signals_secret": SECRET}
POSTING: Final = ("chat.postMessage", "evaluation_card")


async def once_acknowledged(_: World, __: Kill) -> None:
    """The sender kills it, as soon as it has the answer."""


def after(seconds: float) -> Trap:
    """So many seconds after the signal was sent, whether it was answered or not."""

    async def trap(_: World, kill: Kill) -> None:
        asyncio.get_running_loop().call_later(seconds, kill)

    return trap


CHANCE: Final = random.Random(SEED)  # noqa: S311  chance, not secrecy
POINTS: Mapping[str, Sequence[Trap]] = {
    "written": [once_acknowledged],
    **{f"post {when}": [slack(POSTING[0], when, about=POSTING[1])] for when in When},
    **{
        f"look {when}": [
            slack(POSTING[0], When.DONE, about=POSTING[1]),
            slack("conversations.history", when, about="'limit': '100'"),
        ]
        for when in When
    },
    **{f"at some moment {number}": [after(CHANCE.uniform(0, 0.03))] for number in range(6)},
    "three times": [once_acknowledged, slack(POSTING[0], When.RECEIVED, about=POSTING[1]), after(0)],
}
IN_CI: Final = f"post {When.DONE}"
PARAMS = [pytest.param(name, marks=pytest.mark.slow if name == IN_CI else pytest.mark.long) for name in POINTS]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("point", PARAMS)
async def test_killed_at_a_step_of_a_signal_it_posts_one_message(here: World, point: str) -> None:
    by_the_wall_clock(here)
    record = license_record(1, LANTERNS, CEDAR, here.clock.today())
    site = record["cloudSiteHostname"]
    body = {"type": "installed", "app": record["addonKey"], "at": here.clock().isoformat(), "site": site}
    is_known = False
    for trap in POINTS[point]:
        is_known |= await _killed(here, trap, body, is_known=is_known)
    async with life(here, birth=forked, **SETTINGS) as bot:
        if not is_known:  # nobody acknowledged it, so it is sent again
            assert await _send(here, bot, body) in {202, 204}
        await here.card(site)
        await at_rest(here, bot)
        here.marketplace.add(record)
        await here.shows("Email", on=await here.card(site))
        await at_rest(here, bot)
    assert len([each for each in here.workspace.messages() if site in each.shown]) == 1


async def _killed(here: World, trap: Trap, body: Mapping[str, Any], *, is_known: bool) -> bool:
    """A life that ends in a trap. Return whether the signal was acknowledged in it."""
    sprung, is_acknowledged = asyncio.Event(), False
    async with life(here, birth=forked, ends_by=signal.SIGKILL, ready=lambda: True, **SETTINGS) as bot:

        def kill() -> None:
            bot.kill()
            sprung.set()

        await here.until(lambda: _port(bot))
        await trap(here, kill)
        if not is_known:
            with suppress(aiohttp.ClientError):
                is_acknowledged = await _send(here, bot, body) in {202, 204}
        if trap is once_acknowledged:
            kill()
        await asyncio.wait_for(sprung.wait(), timeout=limit(30))
    here.workspace.faults.clear()
    return is_acknowledged


async def _send(here: World, bot: Life, body: Mapping[str, Any]) -> int:
    await here.until(lambda: _port(bot))
    return await signed(here, body, port=_port(bot))


def _port(bot: Life) -> int | None:
    found = re.findall(r"running .* port=(\d+)", bot.log.read_text()) if bot.log.exists() else []
    return int(found[-1]) if found else None
