"""Fixtures that more than one folder asks for."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import stamina
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import settings

from tests.log_watch import _every_sink_is_watched, logged  # noqa: F401  pytest finds a fixture where its name is
from tests.machine import (  # noqa: F401  the same
    _slack_is_as_slow_as_the_machine,
    pytest_collection_modifyitems,
    pytest_report_header,
)
from tests.postgres import postgres, postgres_port, postgres_template  # noqa: F401  the same
from tests.template import _tables_from_a_template  # noqa: F401  the same
from tests.world import World, world

# How long an example takes says more of the machine than of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    """Retries happen, but nobody waits for them."""
    with stamina.set_testing(True, attempts=3):
        yield


@pytest.fixture(autouse=True)
def _small_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first generation of a database is random; in a test its ids begin with 1."""
    monkeypatch.setattr("bot.store.engine.migrate.first_generation", lambda: 0)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    """A world with nobody in it but the team."""
    async with world(tmp_path) as found:
        yield found


@pytest.fixture(scope="session")
def rsa_pem() -> bytes:
    """A private key as people keep it in a file."""
    return rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
