"""Fixtures that more than one folder asks for."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import stamina
from hypothesis import settings

from tests.world import World, world

# How long an example takes says more of the machine than of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    """Retries happen, but nobody waits for them."""
    with stamina.set_testing(True, attempts=3):
        yield


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    """A world with nobody in it but the team."""
    async with world(tmp_path) as found:
        yield found
