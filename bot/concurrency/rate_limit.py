"""Keep to a rate: so many at once, then one every so often, and growing pauses while it goes wrong."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_LONGEST_PAUSE: Final = 300.0
_MOST_DOUBLINGS: Final = 10
_ROUNDING: Final = 1e-6
"""Seven times 1.22 seconds hold seven turns, whatever is left of them in floating point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One every `interval` seconds, `burst` of them at once."""

    interval: float
    burst: int = 1


def backoff(failures: int) -> float:
    """Seconds to pause after so many failures in a row: 2, 4, 8 and so on, five minutes at most."""
    return min(2.0 ** min(failures, _MOST_DOUBLINGS), _LONGEST_PAUSE)


class TokenBucket:
    """A bucket of turns that gains one every interval; while it goes wrong, one try at a time after each pause."""

    def __init__(self, rate: Rate, *, alone: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._alone = alone
        """Whether there is never more than one under way."""
        self._clock = clock
        self._slack = rate.interval * (rate.burst - 1)
        self._next = clock() - self._slack
        self._held_until = clock()
        self.failures = 0
        """How often in a row it went wrong."""
        self._under_way = 0

    def wait(self) -> float:
        """Seconds until the next turn; 0 now, infinite while it hangs on one that is under way."""
        if self._under_way and (self._alone or self.failures):
            return math.inf
        return max(self._next - self._slack - self._clock(), self._held_until - self._clock(), 0.0)

    def available(self) -> float:
        """How many turns there are now; infinite where nothing is counted."""
        if self.wait() > 0:
            return 0
        if self._alone or self.failures:
            return 1
        if not self._rate.interval:
            return math.inf
        saved = self._slack - max(self._next - self._clock(), 0.0)
        return 1 + int(saved / self._rate.interval + _ROUNDING)

    def consume(self) -> None:
        """Take a turn."""
        self._next = max(self._next, self._clock()) + self._rate.interval

    def begin(self) -> None:
        """Take a turn for something that is under way until `end`."""
        self.consume()
        self._under_way += 1

    def end(self) -> None:
        """One that was under way is over, whatever came of it."""
        self._under_way -= 1

    def failed(self, *, at_least: float = 0.0) -> float:
        """It went wrong: no turn for a while, longer each time, then one at a time; how many seconds."""
        self.failures += 1
        pause = max(backoff(self.failures), at_least)
        now = self._clock()
        self._held_until = max(self._held_until, now + pause)
        self._next = max(self._next, now + pause + self._slack)
        return pause

    def succeeded(self) -> None:
        """It works."""
        self.failures = 0
