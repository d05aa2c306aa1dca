from dataclasses import replace
from datetime import timedelta

from bot.store import Store, open_store
from bot.store.polls import Poll, Tally
from bot.store.schema import quarantine
from tests.builders import NOON
from tests.store.steps import CHANNEL, LATER, SECRET, bring, rows

TALLY = Tally(rows=5, started=4, announced=3, quarantined=2)


GOOD = Poll(started_at=NOON, finished_at=LATER, whole=False, good=True, tally=TALLY, error=None)
"""A poll that began at noon and came to its end an hour later."""


async def good(store: Store, *, whole: bool = False, text: str = "") -> None:
    await store.polls.succeed(
        await store.polls.begin(at=NOON, whole=whole), TALLY, at=LATER, text=text, channel=CHANNEL
    )


async def test_before_the_first_poll_there_is_none(store: Store) -> None:
    assert (await store.polls.last(), await store.polls.last_good(), await store.polls.last_good(whole=True)) == (
        None,
        None,
        None,
    )


async def test_a_poll_that_came_to_its_end_is_the_last_good_one(store: Store) -> None:
    await good(store)

    assert (await store.polls.last(), await store.polls.last_good()) == (GOOD, GOOD)
    assert await store.polls.last_good(whole=True) is None


async def test_a_poll_that_broke_off_is_the_last_one_and_not_the_last_good_one(store: Store) -> None:
    await good(store)
    failed = await store.polls.begin(at=LATER)
    await store.polls.fail(failed, Tally(rows=1), at=LATER + timedelta(minutes=1), error="The Marketplace is down.")

    assert await store.polls.last_good() == GOOD
    assert await store.polls.last() == replace(
        GOOD,
        started_at=LATER,
        finished_at=LATER + timedelta(minutes=1),
        good=False,
        tally=Tally(rows=1),
        error="The Marketplace is down.",
    )


async def test_a_poll_during_which_the_bot_was_stopped_never_counts_as_good(url: str) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store:
        await good(store)
        await store.polls.begin(at=LATER)

    async with open_store(url, secret_keys=[SECRET]) as store:
        assert await store.polls.last() == replace(GOOD, started_at=LATER, finished_at=None, good=False, tally=Tally())
        assert await store.polls.last_good() == GOOD


async def test_the_last_sweep_is_found_behind_younger_polls(store: Store) -> None:
    await good(store, whole=True)
    await good(store)

    assert await store.polls.last_good(whole=True) == replace(GOOD, whole=True)
    assert await store.polls.last_good() == GOOD


async def test_what_a_poll_has_to_say_is_owed_to_the_channel_with_it(store: Store) -> None:
    await good(store, text="4 evaluations")
    await good(store)

    assert await bring(store) == ["say 4 evaluations"]


async def test_a_record_that_stays_unreadable_is_counted_once(store: Store) -> None:
    await store.polls.quarantine("E-1", "licenseType is missing", at=NOON)
    await store.polls.quarantine("E-1", "licenseType is missing", at=LATER)
    await store.polls.quarantine("E-1", "status is missing", at=LATER)
    await store.polls.quarantine("E-2", "licenseType is missing", at=LATER)

    assert await store.polls.quarantined() == 3
    assert [(row.ref, row.reason, row.first_seen, row.last_seen) for row in await rows(store, quarantine)] == [
        ("E-1", "licenseType is missing", NOON, LATER),
        ("E-1", "status is missing", LATER, LATER),
        ("E-2", "licenseType is missing", LATER, LATER),
    ]
