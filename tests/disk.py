"""SQLite that does not wait for the disk: no test pulls the plug, and each commit would wait for milliseconds."""

from collections.abc import Iterator
from typing import Final

import pytest

from bot.store.engine import connections

_AS_DELIVERED: Final = connections._SYNCHRONOUS  # noqa: SLF001  said once, there


@pytest.fixture(scope="session", autouse=True)
def _nobody_waits_for_the_disk() -> Iterator[None]:
    """What is committed is safe from the end of a process, as it is in the bot, but not from a loss of power."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "_SYNCHRONOUS", "OFF")
        yield


@pytest.fixture
def waits_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this test a commit waits until it is on the disk."""
    monkeypatch.setattr(connections, "_SYNCHRONOUS", _AS_DELIVERED)
