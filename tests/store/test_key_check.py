"""A wrong SECRET_KEY is refused before anything is read or written with it, whatever the database holds."""

from collections.abc import Sequence

import pytest
from sqlalchemy import delete

from bot.errors import StoreError
from bot.store import open_store
from bot.store.schema import key_check
from tests.builders import license_
from tests.postgres import needs_a_server
from tests.store.steps import SECRET, mailed, mark, order, report, rows

OTHER = "another key for tests that is long enough"
NEWEST = "the newest key for tests, long enough"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs_a_server)])
def either(request: pytest.FixtureRequest, url: str) -> str:
    found: str = url if request.param == "sqlite" else request.getfixturevalue("postgres")
    return found


async def opens(url: str, keys: Sequence[str]) -> bool:
    """Whether the store opens with these keys; where not, the key is named."""
    try:
        async with open_store(url, secret_keys=keys):
            return True
    except StoreError as exc:
        return "SECRET_KEY" not in str(exc)


async def test_a_wrong_key_is_refused_even_where_nothing_is_stored_yet(either: str) -> None:
    assert await opens(either, [SECRET])
    assert not await opens(either, [OTHER])
    assert await opens(either, [SECRET])


async def test_a_new_key_goes_in_front_of_the_old_one_and_both_are_asked_for_from_then_on(url: str) -> None:
    assert await opens(url, [SECRET])
    for _ in range(2):
        assert await opens(url, [OTHER, SECRET])
    assert await opens(url, [SECRET, OTHER])
    assert not await opens(url, [OTHER])
    assert not await opens(url, [SECRET])
    assert await opens(url, [NEWEST, OTHER, SECRET])
    assert not await opens(url, [OTHER, SECRET])
    async with open_store(url, secret_keys=[NEWEST, OTHER, SECRET]) as store:
        assert len(await rows(store, key_check)) == 3


@pytest.mark.parametrize("holds", ["license", "mail", "mark"])
async def test_a_database_of_an_earlier_version_is_held_against_what_it_holds(url: str, holds: str) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store:
        if holds != "mark":
            await report(store, license_())
        if holds == "mail":
            await mailed(store, order(1))
        if holds == "mark":
            await mark(store, "ana@acme.example")
        async with store.database.write() as connection:
            await connection.execute(delete(key_check))
    assert not await opens(url, [OTHER])
    async with open_store(url, secret_keys=[OTHER, SECRET]) as store:
        assert len(await rows(store, key_check)) == 1
