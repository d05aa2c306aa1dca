"""Exponential backoff with jitter."""

from collections.abc import Callable
from dataclasses import dataclass
from random import random
from typing import Final

_MAX_STEPS: Final = 60
"""Keeps the power finite. Every maximum is reached long before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Waits in seconds that grow by `factor` with each failure, from `base` to `maximum`.

    Each wait is shortened by a random share of at most `jitter`, so that two copies do not retry in step.
    """

    base: float
    factor: float = 2.0
    maximum: float
    jitter: float = 0.2
    chance: Callable[[], float] = random
    """Returns a number from 0 to 1."""

    def after(self, failures: int, *, at_least: float = 0.0) -> float:
        """Return the wait after this many failures in a row. What a server asks for, `at_least`, is never shortened."""
        wait = min(self.base * self.factor ** min(max(failures - 1, 0), _MAX_STEPS), self.maximum)
        return max(wait * (1 - self.jitter * self.chance()), at_least)
