"""Who opened their Home tab, on either engine."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.domain.home import PublishedHome
from bot.domain.snooze import Snooze
from bot.store import Store, open_store
from tests.builders import NOON
from tests.store.steps import LATER, SECRET, report
from tests.store.test_reports import trial

ANA, BEN = "U0ANA", "U0BEN"


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(database_url, secret_keys=[SECRET]) as found:
        yield found


async def test_a_home_tab_is_kept_for_those_who_opened_it_lately(store: Store) -> None:
    await store.homes.opened(BEN, at=NOON - timedelta(days=20))
    await store.homes.opened(ANA, at=NOON - timedelta(days=20))
    shown = PublishedHome(user=ANA, slack_hash="1.a", digest="b")
    await store.homes.published(shown)
    assert await store.homes.opened(ANA, at=NOON) == shown
    assert await store.homes.list_opened(since=NOON - timedelta(days=14)) == [shown]
    await store.homes.forget(ANA)
    assert await store.homes.find(ANA) == PublishedHome(user=ANA)


async def test_a_person_sees_their_own_snoozes_in_order_of_time(store: Store) -> None:
    await report(store, trial(1), trial(2))
    for number, user, hours in ((1, ANA, 3), (2, ANA, 2), (1, BEN, 1)):
        await store.snoozes.set(number, Snooze(user=user, until=LATER + timedelta(hours=hours), at=NOON))
    found = await store.lists.snoozed(ANA, most=10)
    assert [(each.row.evaluation.id, each.until) for each in found] == [
        (2, LATER + timedelta(hours=2)),
        (1, LATER + timedelta(hours=3)),
    ]
    assert len(await store.lists.snoozed(ANA, most=1)) == 1
