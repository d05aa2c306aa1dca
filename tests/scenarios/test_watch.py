"""Reading the report as it really behaves: late, broken, away."""

from datetime import timedelta

import pytest
from aiohttp import web

from bot.app.components import open_components
from bot.demo.fake_marketplace.server import Fault, Handler
from bot.demo.scenario.sample_data import COMPASS, LANTERNS, NORTHWIND, ROCKET, TRAIL, VISTULA, license_record
from bot.errors import MarketplaceError, TokenRefused
from tests.world import TODAY, World


@pytest.fixture
async def started(here: World) -> World:
    """A world whose bot has had its first run, over an empty report."""
    async with open_components(here.settings(), clock=here.clock) as parts:
        await parts.poller.poll()
    return here


async def test_a_row_that_comes_a_week_late_without_a_fresh_date_is_found(started: World) -> None:
    late = license_record(1, LANTERNS, NORTHWIND, TODAY - timedelta(days=6))
    started.marketplace.add(late | {"lastUpdated": str(TODAY - timedelta(days=6))})
    async with open_components(started.settings(), clock=started.clock) as parts:
        assert (await parts.poller.poll()).announced == 1


async def test_after_a_fortnight_of_outage_the_whole_gap_is_read(started: World) -> None:
    started.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY + timedelta(days=1)))
    started.pass_by(days=14)
    async with open_components(started.settings(sweep_every="365d"), clock=started.clock) as parts:
        assert (await parts.poller.poll()).announced == 1


async def test_what_no_question_about_the_last_days_finds_the_next_sweep_finds(started: World) -> None:
    hidden = license_record(1, LANTERNS, NORTHWIND, TODAY - timedelta(days=20))
    started.marketplace.add(hidden | {"lastUpdated": str(TODAY - timedelta(days=20))})
    async with open_components(started.settings(sweep_every="24h"), clock=started.clock) as parts:
        assert (await parts.poller.poll()).announced == 0
        started.pass_by(hours=24)
        assert (await parts.poller.poll()).announced == 1


async def test_after_a_sweep_that_failed_comes_a_poll(started: World) -> None:
    started.pass_by(hours=25)
    started.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    started.marketplace.faults.extend([Fault(status=503)] * 3)
    async with open_components(started.settings(), clock=started.clock) as parts:
        with pytest.raises(MarketplaceError):
            await parts.poller.poll()
        assert (await parts.poller.poll()).announced == 1


async def test_a_sweep_that_failed_is_asked_for_again_an_hour_later_and_not_with_the_next_poll(started: World) -> None:
    sweeps = 0

    async def refuse_exports(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal sweeps
        if "/async/export" not in request.path:
            return await handler(request)
        sweeps += 1
        return web.Response(status=401)

    started.marketplace.around = refuse_exports
    started.pass_by(hours=24)
    async with open_components(started.settings(sweep_every="24h"), clock=started.clock) as parts:
        with pytest.raises(TokenRefused):
            await parts.poller.poll()
        for minutes in (0, 10, 49):
            started.pass_by(minutes=minutes)
            await parts.poller.poll()
        assert sweeps == 1
        started.pass_by(minutes=1)
        with pytest.raises(TokenRefused):
            await parts.poller.poll()
        assert sweeps == 2


async def test_a_poll_that_breaks_off_in_the_middle_loses_nothing(started: World) -> None:
    for number in range(120):
        started.marketplace.add(license_record(number, TRAIL, VISTULA, TODAY))
    async with open_components(started.settings(), clock=started.clock) as parts:
        started.marketplace.faults.extend([None, None, Fault(status=401)])
        with pytest.raises(TokenRefused, match="MARKETPLACE_TOKEN"):
            await parts.poller.poll()
        last = await parts.store.polls.last()
        assert last is not None
        assert last.error is not None
        assert (await parts.poller.poll()).announced == 120


async def test_a_row_that_cannot_be_read_is_set_aside_and_the_page_goes_on(started: World) -> None:
    broken = license_record(1, LANTERNS, NORTHWIND, TODAY, maintenanceStartDate="soon")
    started.marketplace.records.extend([broken, license_record(2, COMPASS, ROCKET, TODAY)])
    async with open_components(started.settings(), clock=started.clock) as parts:
        stats = await parts.poller.poll()
        assert (stats.announced, await parts.store.polls.quarantined()) == (1, 1)


async def test_a_license_that_stands_twice_on_a_page_gets_one_card(started: World) -> None:
    row = license_record(1, LANTERNS, NORTHWIND, TODAY)
    started.marketplace.records.extend([row, dict(row), row | {"tier": "10 Users"}])
    async with open_components(started.settings(), clock=started.clock) as parts:
        assert (await parts.poller.poll()).announced == 1


async def test_a_thousand_old_licenses_bring_one_message(here: World) -> None:
    long_ago = TODAY - timedelta(days=300)
    here.marketplace.records.extend(license_record(number, LANTERNS, VISTULA, long_ago) for number in range(1_000))
    async with here.bot():
        await here.card("1,000 licenses, 1,000 evaluations")
    assert len(here.workspace.calls("chat.postMessage")) == 1


async def test_a_second_trial_of_a_license_rings_and_the_first_which_was_silent_stays_so(here: World) -> None:
    row = license_record(1, LANTERNS, NORTHWIND, TODAY - timedelta(days=40))
    here.marketplace.add(row)
    async with here.bot() as parts:
        again = {"latestEvaluationStartDate": str(TODAY), "maintenanceEndDate": str(TODAY + timedelta(days=30))}
        here.marketplace.change(str(row["appEntitlementNumber"]), **again)
        assert (await parts.poller.poll()).announced == 1
        card = await here.card(NORTHWIND.company)
        assert "Evaluated this app before: 2026" in card.shown
    assert sum(NORTHWIND.company in message.text for message in here.workspace.messages()) == 1


async def test_a_trial_on_a_test_site_of_the_vendor_s_own_is_recorded_without_a_card(here: World) -> None:
    here.marketplace.records += [
        license_record(1, LANTERNS, NORTHWIND, TODAY),
        license_record(2, LANTERNS, VISTULA, TODAY),
        license_record(3, LANTERNS, ROCKET, TODAY),
    ]
    own = f"{NORTHWIND.site}.atlassian.net,vistula.example"
    async with open_components(here.settings(test_sites=own), clock=here.clock) as parts:
        stats = await parts.poller.poll()
        assert (stats.started, stats.announced) == (3, 1)
