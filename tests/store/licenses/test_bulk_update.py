"""Records that change no trial are written many at a time, and leave the same rows as one at a time."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot.domain.evaluation import License
from bot.store import Store, open_store
from bot.store.licenses import repository
from bot.store.schema import delivery, evaluation, history, license_alias, processed_row
from bot.store.schema import license_ as license_table
from tests.builders import contact, license_, nov
from tests.examples import drawn, examples
from tests.histories import histories
from tests.store.steps import SECRET, bring, cards, report
from tests.store.test_listing import statements

_OWN = {"id", "app_key", "contacts", "license_id", "evaluation_id", "history_id", "merged_into"}
"""What differs between two apps with the same licenses."""


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(database_url, secret_keys=[SECRET]) as found:
        yield found


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Write each known license on its own, whatever its record says."""
    with patch.object(repository, "is_plain", lambda *_: False):
        yield


async def content(store: Store, app: str) -> list[list[str]]:
    """All that is stored about an app, table by table."""
    licenses = select(license_table.c.id).where(license_table.c.app_key == app)
    evaluations = select(evaluation.c.id).where(evaluation.c.license_id.in_(licenses))
    theirs = (
        select(license_table).where(license_table.c.app_key == app),
        select(license_alias).where(license_alias.c.app_key == app),
        select(evaluation).where(evaluation.c.license_id.in_(licenses)),
        select(history).where(history.c.evaluation_id.in_(evaluations)),
        select(delivery).where(delivery.c.evaluation_id.in_(evaluations)),
        select(processed_row.c.license_id).where(processed_row.c.license_id.in_(licenses)),
    )
    async with store.database.read() as connection:
        found = [(await connection.execute(each)).mappings().all() for each in theirs]
    return [
        sorted(str({name: value for name, value in row.items() if name not in _OWN}) for row in rows) for rows in found
    ]


@pytest.mark.slow
@drawn
@settings(max_examples=examples(8, many=100), suppress_health_check=list(HealthCheck))
@given(life=histories(), touched=st.lists(st.sampled_from(["tier", "billing", "aliases"])), size=st.integers(1, 4))
async def test_either_way_leaves_the_same_rows(
    store: Store, life: list[License], touched: list[str], size: int
) -> None:
    last = life[-1]
    for days, what in enumerate(touched, 1):
        changed = {
            "tier": f"Tier {days}",
            "billing": contact(email=f"bo{days}@acme.example"),
            "aliases": last.aliases | {f"E-{days}"},
        }
        last = replace(last, updated=last.updated + timedelta(days=1), **{what: changed[what]})  # type: ignore[arg-type]
        life = [*life, last]
    bulk, single = secrets.token_hex(), secrets.token_hex()  # one store for all examples
    for begin in range(0, len(life), size):
        batch = life[begin : begin + size]
        await report(store, *(replace(seen, app_key=bulk) for seen in batch))
        with one_at_a_time():
            await report(store, *(replace(seen, app_key=single) for seen in batch))
    assert await content(store, bulk) == await content(store, single)


async def test_touched_rows_take_a_few_statements_however_many_they_are(store: Store) -> None:
    seen = [license_(aliases=frozenset({f"E-{n}"}), site=f"site-{n}.atlassian.net") for n in range(12)]
    await report(store, *seen)
    await bring(store)
    fresh = [replace(each, updated=nov(24), tier="50 Users") for each in seen]
    with statements(store) as few:
        await report(store, *fresh[:2])
    with statements(store) as many:
        await report(store, *fresh[2:])

    assert len(few) == len(many)
    assert {card.evaluation.license.tier for card in await cards(store)} == {"50 Users"}
    assert sorted(await bring(store)) == sorted(f"update card {n}" for n in range(1, 13))
