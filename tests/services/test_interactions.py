"""A press is known again, whatever the database is doing."""

import asyncio

from bot.services.interactions import InteractionDeduplicator
from bot.store import open_store
from tests.world import World


async def test_of_many_echoes_at_once_one_is_new(here: World) -> None:
    async with open_store(here.settings().database_url, secret_keys=["a key that is long enough for this"]) as store:
        interactions = InteractionDeduplicator(store, clock=here.clock)
        answers = await asyncio.gather(*(interactions.first_seen("1.T.a") for _ in range(20)))
        assert answers.count(True) == 1
        assert not await interactions.first_seen("1.T.a")
        assert await interactions.first_seen("2.T.b")


async def test_while_the_database_is_busy_a_press_goes_ahead_and_its_echo_does_not(here: World) -> None:
    async with open_store(here.settings().database_url, secret_keys=["a key that is long enough for this"]) as store:
        interactions = InteractionDeduplicator(store, clock=here.clock, patience=0.01)
        async with store.database.write():
            assert await interactions.first_seen("1.T.a")
            assert not await interactions.first_seen("1.T.a")
        later = InteractionDeduplicator(store, clock=here.clock)
        await here.until(lambda: store.database.writes > 1)
        assert not await later.first_seen("1.T.a")
