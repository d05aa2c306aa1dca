import asyncio
from datetime import timedelta

from bot.store import Store, open_store
from bot.store.schema import interaction
from tests.builders import NOON
from tests.store.steps import SECRET, rows


async def test_of_a_press_that_comes_many_times_at_once_one_is_the_first(store: Store) -> None:
    assert sorted(await asyncio.gather(*(store.interactions.record("1.T.a", at=NOON) for _ in range(8)))) == [
        False
    ] * 7 + [True]
    assert await store.interactions.record("2.T.b", at=NOON)


async def test_a_press_is_known_again_by_the_next_process_and_by_another_copy(store: Store, url: str) -> None:
    assert await store.interactions.record("1.T.a", at=NOON)
    async with open_store(url, secret_keys=[SECRET]) as other:
        assert not await other.interactions.record("1.T.a", at=NOON)


async def test_presses_are_forgotten_after_a_day(store: Store) -> None:
    await store.interactions.record("1.T.a", at=NOON)
    await store.interactions.record("2.T.b", at=NOON + timedelta(hours=23))
    await store.interactions.record("3.T.c", at=NOON + timedelta(hours=25))

    assert [row.key for row in await rows(store, interaction)] == ["2.T.b", "3.T.c"]


async def test_a_press_that_was_cut_off_counts_as_never_heard_but_not_one_of_this_process(
    store: Store, url: str
) -> None:
    for key in ("1.T.a", "2.T.b"):
        await store.interactions.record(key, at=NOON)
    await store.interactions.done("1.T.a")
    assert await store.interactions.forget_interrupted() == 0

    async with open_store(url, secret_keys=[SECRET]) as next_one:
        assert await next_one.interactions.forget_interrupted() == 1
        assert await next_one.interactions.record("2.T.b", at=NOON)
        assert not await next_one.interactions.record("1.T.a", at=NOON)
