"""Fixtures that more than one folder asks for."""

import os
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path

import pytest
import stamina
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import settings

from bot.mail.templating import template
from tests.disk import _nobody_waits_for_the_disk, waits_for_the_disk  # noqa: F401  pytest finds a fixture where its name is
from tests.examples import MANY
from tests.garbage import pytest_collection_finish, pytest_sessionstart  # noqa: F401  the same, for a hook
from tests.log_watch import _every_sink_is_watched, logged  # noqa: F401  the same
from tests.machine import (  # noqa: F401  the same
    _slack_is_as_slow_as_the_machine,
    pytest_collection_modifyitems,
    pytest_report_header,
)
from tests.postgres import postgres, postgres_port, postgres_template  # noqa: F401  the same
from tests.statements import _statements_are_compiled_once  # noqa: F401  the same
from tests.template import _created_where_marked, _tables_from_a_template  # noqa: F401  the same
from tests.world import World, world

# Without deadlines: how long an example takes says more of the machine than of the code.
settings.register_profile("dev", deadline=None, max_examples=10)
settings.register_profile("ci", deadline=None, max_examples=30)
settings.register_profile("many", deadline=None, max_examples=300)
settings.load_profile("many" if MANY else "ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session", autouse=True)
def _templates_are_compiled_once() -> Iterator[None]:
    """Compile the same words once in a session, and not again for every bot that starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(template, "_words", cache(template._words))  # noqa: SLF001  no other place sees every source
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_pauses() -> Iterator[None]:
    """Retries happen, but nobody waits for them."""
    with stamina.set_testing(True, attempts=3):
        yield


@pytest.fixture(scope="session", autouse=True)
def _small_ids() -> Iterator[None]:
    """The first generation of a database is random; in a test its ids begin with 1."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.store.engine.migrate.first_generation", lambda: 0)
        yield


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    """A world with nobody in it but the team."""
    async with world(tmp_path) as found:
        yield found


@pytest.fixture(scope="session")
def rsa_pem() -> bytes:
    """A private key as people keep it in a file."""
    return rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
