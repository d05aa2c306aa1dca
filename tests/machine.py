"""How slow this machine is at the moment, for every limit in seconds that a test sets."""

import hashlib
import subprocess
import sys
import time
from functools import cache
from typing import Final

_COMPUTING_S: Final = 0.05
_STARTING_S: Final = 0.15
"""What `_compute` and `_start` take on the machine for which the limits are written, when it does nothing else."""
_TRIES: Final = 3
_LARGEST: Final = 30.0


@cache
def slowness() -> float:
    """How many times slower this machine is than the one for which the limits are written; 1 at least, 30 at most."""
    computing = max(_seconds(_compute) for _ in range(_TRIES)) / _COMPUTING_S
    starting = max(_seconds(_start) for _ in range(_TRIES)) / _STARTING_S
    return min(max(1.0, computing, starting), _LARGEST)


def limit(seconds: float) -> float:
    """The time that may pass here where so many seconds may pass on an idle machine of today."""
    return seconds * slowness()


def _seconds(work: object) -> float:
    assert callable(work)
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _compute() -> None:
    found = b""
    for number in range(50_000):
        found = hashlib.blake2b(found + number.to_bytes(4, "big")).digest()


def _start() -> None:
    subprocess.run([sys.executable, "-c", "import asyncio"], check=True)
