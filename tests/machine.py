"""How slow this machine is, for every limit in seconds that a test sets."""

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

import pytest

from bot.demo.fake_slack import app_delivery
from bot.demo.fake_slack.broadcast import Broadcast
from bot.listeners import find, mail_actions
from bot.services.operations import health
from bot.slack.client import acknowledgement

_COMPUTING_S: Final = 0.04
_STARTING_S: Final = 0.14
"""What `_compute` and `_start` take where the limits were written, on an idle machine."""
_TRIES: Final = 3
_LARGEST: Final = 30.0
_SLACKS_S: Final = 3.0
"""What Slack gives an app to acknowledge something, and to use a trigger."""
_LIMITS_OF_THE_BOT: Final = (
    (mail_actions, "_PREVIEW_TIMEOUT_S"),
    (find, "_SEARCH_TIMEOUT_S"),
    (acknowledgement, "_LONGEST_S"),
    (health, "_TIMEOUT_S"),
)
"""The limits after which the bot answers otherwise, most of them to stay within Slack's."""


@cache
def slowness() -> float:
    """How many times slower this machine is than that one; 1 at least, 30 at most. Measured once in a session."""
    computing = max(_seconds(_compute) for _ in range(_TRIES)) / _COMPUTING_S
    starting = max(_seconds(_start) for _ in range(_TRIES)) / _STARTING_S
    return min(max(1.0, computing, starting), _LARGEST)


def limit(seconds: float) -> float:
    """The time that may pass here where so many seconds may pass on an idle machine."""
    return seconds * slowness()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each test as much more time before it counts as hanging."""
    given = config.getoption("timeout", None)
    default = float(config.getini("timeout") or 0) if given is None else float(given)
    for item in items:
        marker = item.get_closest_marker("timeout")
        seconds = default if marker is None else float(marker.args[0])
        item.add_marker(pytest.mark.timeout(limit(seconds)), append=False)


def pytest_report_header() -> str:
    """Say by how much the limits grow."""
    return f"limits in seconds: {slowness():.1f} times as long"


@pytest.fixture(scope="session", autouse=True)
def _slack_is_as_slow_as_the_machine() -> Iterator[None]:
    """Give an app on a slow machine more time, in the small Slack and in the bot, and a test that waits for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app_delivery, "ACK_SECONDS", limit(_SLACKS_S))
        patch.setattr(Broadcast.until, "__kwdefaults__", {"within": limit(_SLACKS_S)})
        for module, name in _LIMITS_OF_THE_BOT:
            patch.setattr(module, name, limit(getattr(module, name)))
        yield


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _compute() -> None:
    found = b""
    for number in range(50_000):
        found = hashlib.blake2b(found + number.to_bytes(4, "big")).digest()


def _start() -> None:
    subprocess.run([sys.executable, "-c", "import asyncio"], check=True)
