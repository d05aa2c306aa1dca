"""Problems with the report reach the admins: once when they begin, and once when they are over."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import repeat

import pytest

from bot.app.components import Components
from bot.demo.fake_marketplace.server import Fault
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.errors import MarketplaceError
from tests.world import TODAY, World

ADMIN = "U0ANA"
UNREAD = ":rotating_light: I can't read the licenses report."
AGAIN = ":white_check_mark: I can read the licenses report again, after "


@asynccontextmanager
async def bot(here: World, **changes: object) -> AsyncIterator[Components]:
    """The bot at work, once all the polls of its start are over."""
    async with here.bot(**{"slack_admins": ADMIN, **changes}) as parts:
        async with parts.poller.paused():
            pass
        yield parts


@pytest.fixture
async def alone(here: World) -> World:
    """A world whose bot has said hello to the channel and stopped."""
    async with bot(here):
        await here.card("for the first time")
    return here


async def poll(here: World, parts: Components, times: int, fault: Fault | None = None) -> None:
    """So many polls, ten minutes apart, all of which meet the fault."""
    for _ in range(times):
        here.marketplace.faults.extend(repeat(fault, 100))
        with suppress(MarketplaceError):
            await parts.poller.poll()
        here.marketplace.faults.clear()
        here.pass_by(minutes=10)


async def notified(here: World, parts: Components, *, channel: bool = False) -> list[str]:
    """What the admin, or else the channel, was told so far, once nothing more waits; nobody else was told anything."""
    await here.at_rest(parts)
    to_channel, to_admin = here.workspace.messages()[1:], here.workspace.direct(ADMIN)
    assert (to_admin if channel else to_channel) == []
    return [message.shown for message in (to_channel if channel else to_admin)]


async def test_a_token_that_expired_is_said_once_in_a_direct_message_and_its_end_once(alone: World) -> None:
    async with bot(alone) as parts:
        await poll(alone, parts, 3, Fault(status=401))
        [unread] = await notified(alone, parts)
        assert UNREAD in unread
        assert "put it in MARKETPLACE_TOKEN and restart" in unread
        await poll(alone, parts, 3)
        [_, again] = await notified(alone, parts)
        assert f"{AGAIN}30 min" in again


@pytest.mark.parametrize(("times", "said"), [(2, 0), (3, 1), (6, 1)])
async def test_an_outage_is_said_once_it_lasts(alone: World, times: int, said: int) -> None:
    async with bot(alone) as parts:
        await poll(alone, parts, times, Fault(status=503))
        assert len(await notified(alone, parts)) == said
        await poll(alone, parts, 1)
        assert len(await notified(alone, parts)) == said * 2


async def test_a_restart_says_nothing_again(alone: World) -> None:
    for _ in range(3):
        async with bot(alone, marketplace_token="expired"):
            pass
    async with bot(alone) as parts:
        [unread, again] = await notified(alone, parts)
        assert (UNREAD in unread, AGAIN in again) == (True, True)


async def test_a_row_that_cannot_be_read_is_said_once_however_many_polls_come_by_it(alone: World) -> None:
    alone.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY, maintenanceStartDate="soon"))
    async with bot(alone, sweep_every="1h") as parts:
        await poll(alone, parts, 10)
        [unread] = await notified(alone, parts)
        assert "I can't read 1 row of the licenses report and skipped it." in unread
        alone.marketplace.records.clear()
        await poll(alone, parts, 10)
        [_, again] = await notified(alone, parts)
        assert "Every row of the licenses report can be read again" in again


async def test_without_admins_the_channel_gets_the_alert(alone: World) -> None:
    async with bot(alone, slack_admins=()) as parts:
        await poll(alone, parts, 3, Fault(status=410))
        assert len(await notified(alone, parts, channel=True)) == 1
        await poll(alone, parts, 1)
        assert len(await notified(alone, parts, channel=True)) == 2


async def test_every_admin_gets_the_alert_even_if_one_of_them_does_not_exist(alone: World) -> None:
    async with bot(alone, slack_admins=f"U0NOBODY,{ADMIN},U0BEN") as parts:
        await poll(alone, parts, 3, Fault(status=401))
        assert len(await notified(alone, parts)) == len(alone.workspace.direct("U0BEN")) == 1
