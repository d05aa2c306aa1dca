from dataclasses import replace
from datetime import timedelta

from bot.domain.health import PollStats
from bot.store import Store, open_store
from bot.store.polls import Poll
from bot.store.schema import quarantine
from tests.builders import NOON
from tests.store.steps import CHANNEL, LATER, SECRET, bring, rows

TALLY = PollStats(rows=5, started=4, announced=3, quarantined=2)


GOOD = Poll(started_at=NOON, finished_at=LATER, is_full=False, good=True, stats=TALLY, error=None)
"""A poll that began at noon and came to its end an hour later."""


async def good(store: Store, *, is_full: bool = False, text: str = "") -> None:
    await store.polls.succeed(
        await store.polls.begin(at=NOON, is_full=is_full), TALLY, at=LATER, text=text, channel=CHANNEL
    )


async def test_before_the_first_poll_there_is_none(store: Store) -> None:
    assert (await store.polls.last(), await store.polls.last_good(), await store.polls.last_good(is_full=True)) == (
        None,
        None,
        None,
    )


async def test_a_poll_that_came_to_its_end_is_the_last_good_one(store: Store) -> None:
    await good(store)

    assert (await store.polls.last(), await store.polls.last_good()) == (GOOD, GOOD)
    assert await store.polls.last_good(is_full=True) is None


async def test_a_poll_that_broke_off_is_the_last_one_and_not_the_last_good_one(store: Store) -> None:
    await good(store)
    failed = await store.polls.begin(at=LATER)
    await store.polls.fail(failed, PollStats(rows=1), at=LATER + timedelta(minutes=1), error="The Marketplace is down.")

    assert await store.polls.last_good() == GOOD
    assert await store.polls.last() == replace(
        GOOD,
        started_at=LATER,
        finished_at=LATER + timedelta(minutes=1),
        good=False,
        stats=PollStats(rows=1),
        error="The Marketplace is down.",
    )


async def test_a_poll_during_which_the_bot_was_stopped_never_counts_as_good(url: str) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store:
        await good(store)
        await store.polls.begin(at=LATER)

    async with open_store(url, secret_keys=[SECRET]) as store:
        assert await store.polls.last() == replace(
            GOOD, started_at=LATER, finished_at=None, good=False, stats=PollStats()
        )
        assert await store.polls.last_good() == GOOD


async def failures(store: Store, *fates: str) -> list[tuple[int, int]]:
    """How many polls, and how many sweeps, have failed in a row after each of these."""
    counts = []
    for fate in fates:
        number = await store.polls.begin(at=NOON, is_full="sweep" in fate)
        if "fails" in fate:
            await store.polls.fail(number, PollStats(), at=LATER, error="The Marketplace is down.")
        elif "is good" in fate:
            await store.polls.succeed(number, TALLY, at=LATER, text="", channel=CHANNEL)
        counts.append(
            (await store.polls.failed_in_a_row(is_full=False), await store.polls.failed_in_a_row(is_full=True))
        )
    return counts


async def test_failed_polls_are_counted_since_the_last_good_one_without_those_that_a_stop_cut(store: Store) -> None:
    polls = ("poll fails", "poll fails", "poll is cut", "poll fails", "poll is good", "poll is cut", "poll fails")
    assert [failed for failed, _ in await failures(store, *polls)] == [1, 2, 2, 3, 0, 0, 1]


async def test_failed_sweeps_are_counted_however_many_polls_were_good_in_between(store: Store) -> None:
    fates = ("sweep fails", "poll is good", "sweep fails", "poll fails", "sweep is good", "poll fails", "sweep fails")
    assert await failures(store, *fates) == [(0, 1), (0, 1), (0, 2), (1, 2), (0, 0), (1, 0), (1, 1)]


async def test_the_last_sweep_is_found_behind_younger_polls(store: Store) -> None:
    await good(store, is_full=True)
    await good(store)

    assert await store.polls.last_good(is_full=True) == replace(GOOD, is_full=True)
    assert await store.polls.last_good() == GOOD


async def test_what_a_poll_has_to_say_is_owed_to_the_channel_with_it(store: Store) -> None:
    await good(store, text="4 evaluations")
    await good(store)

    assert await bring(store) == ["say 4 evaluations"]


async def test_a_record_that_stays_unreadable_is_counted_once(store: Store) -> None:
    first, again = ("E-1", "licenseType is missing"), ("E-1", "status is missing")
    other = ("E-2", "licenseType is missing")

    assert await store.polls.quarantine([first, first], at=NOON) == [first]
    assert await store.polls.quarantine([first, again, other], at=LATER) == [again, other]
    assert await store.polls.quarantined() == 3
    assert [(row.ref, row.reason, row.first_seen, row.last_seen) for row in await rows(store, quarantine)] == [
        ("E-1", "licenseType is missing", NOON, LATER),
        ("E-1", "status is missing", LATER, LATER),
        ("E-2", "licenseType is missing", LATER, LATER),
    ]
