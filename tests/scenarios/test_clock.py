"""The clock was wrong, and is set: nothing is missed, nothing waits for the wrong day, and health says so."""

from datetime import timedelta

import aiohttp
import pytest

from bot.app.components import open_components
from bot.demo.scenario.sample_data import COMPASS, KIWI, LANTERNS, NORTHWIND, license_record
from bot.domain.outbox import ApiMethod
from bot.services.operations.clock_watch import ClockWatch
from bot.services.operations.health import Health
from bot.slack.views.health import health_message
from tests.world import TODAY, World

BEN = "U0BEN"
NEVER = {"sweep_every": "365d"}


@pytest.mark.parametrize("ahead", [{"hours": 30}, {"days": 30}, {"days": 400}], ids=str)
async def test_trials_that_begin_after_the_clock_was_ahead_are_found_by_the_next_poll(
    here: World, ahead: dict[str, int]
) -> None:
    async with open_components(here.settings(**NEVER), clock=here.clock) as parts:
        await parts.poller.poll()
        here.pass_by(**ahead)
        await parts.poller.poll()
        here.clock.now -= timedelta(**ahead)
        here.pass_by(days=9)
        seen = here.clock.today() - timedelta(days=6)
        here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY) | {"lastUpdated": str(seen)})
        assert (await parts.poller.poll()).announced == 1


async def test_trials_that_were_read_while_the_clock_was_ahead_get_their_card_once_it_is_right(here: World) -> None:
    async with open_components(here.settings(), clock=here.clock) as parts:
        await parts.poller.poll()
        here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
        here.marketplace.add(license_record(2, COMPASS, KIWI, TODAY - timedelta(days=29)))
        here.pass_by(days=400)
        await parts.poller.poll()
        here.pass_by(days=-400)
        await parts.poller.poll()
        owed = await parts.store.outbox.claim(ApiMethod.POST, now=here.clock(), most=9)
        assert [each.evaluation_id for each in owed if each.evaluation_id is not None] == [1]


async def test_the_whole_report_is_read_again_although_the_last_time_is_dated_ahead(here: World) -> None:
    here.pass_by(days=30)
    async with open_components(here.settings(), clock=here.clock) as parts:
        await parts.poller.poll()
        here.pass_by(days=-30)
        hidden = license_record(1, LANTERNS, NORTHWIND, TODAY - timedelta(days=20))
        here.marketplace.add(hidden | {"lastUpdated": str(TODAY - timedelta(days=20))})
        await parts.poller.poll()
        good = await parts.store.polls.last_good(is_full=True)
        assert good is not None
        assert good.started_at == here.clock()


@pytest.mark.parametrize(("moved", "says"), [({"hours": -3}, "back by 3 h"), ({"days": 9}, "forward by 9 days")])
async def test_health_says_for_a_day_that_the_clock_moved(here: World, moved: dict[str, int], says: str) -> None:
    seconds = 0.0
    async with open_components(here.settings(), clock=here.clock) as parts:
        await parts.poller.poll()
        health = Health(parts.store, poll_every=timedelta(minutes=10), clock=here.clock)
        watch = ClockWatch(parts.store, clock=here.clock, elapsed=lambda: seconds)
        for _ in range(3):
            await watch.look()
            here.pass_by(seconds=10)
            seconds += 10
        assert (await health.report()).clock_moved is None
        here.pass_by(**moved)
        await watch.look()
        shown = str(health_message(await health.report()).blocks)
        assert f"moved {says}" in shown
        assert "NTP" in shown
        figures = await health.figures()
        assert figures["seconds_clock_moved"] == timedelta(**moved).total_seconds()
        assert all(value >= 0 for name, value in figures.items() if "since" in name and value is not None)
        here.pass_by(days=1, minutes=1)
        seconds += 86_460
        await watch.look()
        assert (await health.report()).clock_moved is None


async def test_a_machine_that_sleeps_and_a_clock_that_is_corrected_slowly_raise_no_alert(here: World) -> None:
    seconds = 0.0
    async with open_components(here.settings(), clock=here.clock) as parts:
        watch = ClockWatch(parts.store, clock=here.clock, elapsed=lambda: seconds)
        for _ in range(50):
            await watch.look()
            here.pass_by(hours=8, seconds=2)
            seconds += 8 * 3600
        assert await parts.store.incidents.list_open() == []


async def test_a_clock_that_went_back_while_the_bot_was_stopped_raises_an_alert(here: World) -> None:
    async with here.bot():
        pass
    here.pass_by(days=-2)
    async with here.bot():
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{here.port}/health") as answer:
            figures = await answer.json()
        assert figures["seconds_clock_moved"] == -2 * 86_400
        assert figures["seconds_since_sweep"] >= 0
        await here.workspace.command(BEN, "/evaluators health")
        await here.notified(BEN, "moved back by 48 h")
