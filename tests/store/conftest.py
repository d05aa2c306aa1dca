"""A store in a file of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store import Store, open_store
from tests.postgres import needs_a_server
from tests.store.steps import SECRET


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "evaluators.db"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[needs_a_server, pytest.mark.slow])])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database: each test runs once on either engine.

    `make test` leaves the server to the tests of what differs there: `test_postgres.py`, leases and migrations.
    """
    found: str = request.getfixturevalue("url" if request.param == "sqlite" else "postgres")
    return found


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with open_store(url, secret_keys=[SECRET]) as found:
        yield found
