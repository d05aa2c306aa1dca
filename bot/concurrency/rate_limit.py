"""A token bucket that backs off after failures."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.concurrency.backoff import Backoff

_BACKOFF: Final = Backoff(base=2.0, maximum=300.0)
_ROUNDING: Final = 1e-6
"""Makes up for floating point: seven times 1.22 seconds must be worth seven tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One token every `interval` seconds, up to `burst` of them."""

    interval: float
    burst: int = 1


class TokenBucket:
    """A token bucket. After a failure, it backs off and then allows one call at a time."""

    def __init__(
        self,
        rate: Rate,
        *,
        serial: bool = False,
        backoff: Backoff = _BACKOFF,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = rate
        self._backoff = backoff
        self._serial = serial
        """Whether at most one call may be in flight."""
        self._clock = clock
        self._slack = rate.interval * (rate.burst - 1)
        self._next = clock() - self._slack
        self._held_until = clock()
        self.failures = 0
        """Failures in a row."""
        self._under_way = 0

    def wait(self) -> float:
        """Seconds until a call may start: 0 if now, inf while a serial call is in flight."""
        if self._under_way and (self._serial or self.failures):
            return math.inf
        return max(self._next - self._slack - self._clock(), self._held_until - self._clock(), 0.0)

    def available(self) -> float:
        """Return how many calls may start now; inf without a limit."""
        if self.wait() > 0:
            return 0
        if self._serial or self.failures:
            return 1
        if not self._rate.interval:
            return math.inf
        saved = self._slack - max(self._next - self._clock(), 0.0)
        return 1 + int(saved / self._rate.interval + _ROUNDING)

    def consume(self) -> None:
        """Take a token."""
        self._next = max(self._next, self._clock()) + self._rate.interval

    def begin(self) -> None:
        """Take a token for a call that is in flight until `end`."""
        self.consume()
        self._under_way += 1

    def end(self) -> None:
        """Note that a call is over, whatever came of it."""
        self._under_way -= 1

    def failed(self, *, at_least: float = 0.0) -> float:
        """Back off after a failure, longer each time, at least `at_least` seconds. Return for how many."""
        self.failures += 1
        pause = self._backoff.after(self.failures, at_least=at_least)
        now = self._clock()
        self._held_until = max(self._held_until, now + pause)
        self._next = max(self._next, now + pause + self._slack)
        return pause

    def succeeded(self) -> None:
        """Note that a call succeeded."""
        self.failures = 0
