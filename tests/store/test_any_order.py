"""The same records in any order, batch and company end in the same rows."""

import secrets
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.announcement import AnnouncementPolicy
from bot.domain.evaluation import License, Trial
from bot.domain.outbox import DeliveryState
from bot.store import Store
from bot.store.schema import delivery, evaluation
from bot.store.schema import license_ as license_table
from tests.builders import NOON
from tests.examples import drawn, examples
from tests.histories import FIRST, histories
from tests.store.steps import CHANNEL, known_of, parsed, rows

pytestmark = [pytest.mark.slow, drawn]

RINGING = AnnouncementPolicy(today=FIRST)
"""All of it happens while the bot watches, so every running trial is announced."""


async def arrive(store: Store, reported: list[License], sizes: list[int]) -> None:
    """Record these, so many at a time; the last batch takes the rest."""
    while reported:
        size = sizes.pop() if sizes else len(reported)
        await store.licenses.record([parsed(each) for each in reported[:size]], RINGING, channel=CHANNEL, at=NOON)
        reported = reported[size:]


async def view(store: Store, app: str, last: License) -> tuple[License, list[Trial]]:
    """The license as it is known in the end, with its trials but for the day on which each was told."""
    [known] = await known_of(store, replace(last, app_key=app))
    assert known is not None
    return replace(known.license, app_key=""), [replace(trial, reported_on=FIRST) for trial in known.trials]


async def check_cards(store: Store, app: str) -> None:
    """One license is left; each of its announced evaluations has one card, and what was merged has none."""
    ids = {row.id: row.merged_into for row in await rows(store, license_table) if row.app_key == app}
    assert list(ids.values()).count(None) == 1
    theirs = [row for row in await rows(store, evaluation) if row.license_id in ids]
    live = [row for row in theirs if row.merged_into is None]
    assert {ids[row.license_id] for row in live} <= {None}
    due = [
        row.evaluation_id
        for row in await rows(store, delivery)
        if row.kind == "card" and row.state == DeliveryState.DUE
    ]
    owed = [number for number in due if number in {row.id for row in theirs}]
    assert sorted(owed) == sorted(row.id for row in live if row.channel is not None)


@settings(
    max_examples=examples(10, many=100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), lives=st.lists(histories(), min_size=1, max_size=3))
async def test_however_the_records_of_several_licenses_arrive_the_store_is_the_same(
    store: Store, data: st.DataObject, lives: list[list[License]]
) -> None:
    ids = [(secrets.token_hex(), secrets.token_hex(), life) for life in lives]  # one store for all examples
    for in_order, _, life in ids:
        await arrive(store, [replace(seen, app_key=in_order) for seen in life], [1] * len(life))
    mixed = [replace(seen, app_key=app) for _, app, life in ids for seen in life]
    mixed = data.draw(st.permutations([*mixed, *data.draw(st.lists(st.sampled_from(mixed), max_size=6))]))
    await arrive(store, mixed, data.draw(st.lists(st.integers(1, 5), max_size=6)))
    for in_order, app, life in ids:
        assert await view(store, app, life[-1]) == await view(store, in_order, life[-1])
        await check_cards(store, app)
        await check_cards(store, in_order)
