"""A bot that is killed while it delivers an event to the vendor's own systems."""

from typing import Any

import pytest
from standardwebhooks import Webhook

from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from tests.scenarios.process import by_the_wall_clock, forked, life
from tests.webhooks.sink import HANG, Sink
from tests.webhooks.test_client import NEW
from tests.world import World

pytestmark = pytest.mark.long


async def test_an_event_whose_delivery_was_cut_off_comes_again_with_the_same_id(here: World) -> None:
    by_the_wall_clock(here)
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, here.clock.today()))
    sink = Sink()
    sink.answers.append(HANG)  # the event arrived, and its sender does not hear so
    async with sink.serve() as url:
        given: dict[str, Any] = {"webhook_urls": url, "webhook_secret": NEW, "webhook_private": True}
        async with life(here, birth=forked, **given) as bot:
            await here.until(lambda: sink.requests)
            bot.kill()
            await bot.end()
        async with life(here, birth=forked, **given):
            await here.until(lambda: len(sink.requests) > 1)
    assert len(set(sink.ids)) == 1
    for request in sink.requests:
        Webhook(NEW).verify(request.body, request.headers)
