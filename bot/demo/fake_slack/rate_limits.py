"""How often an app may call a method, by Slack's tiers."""

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """This many calls a minute, `burst` of them at once."""

    per_minute: float
    burst: int


# docs.slack.dev/apis/web-api/rate-limits gives the rates; the bursts are ours.
TIER_1 = Rate(1, 10)
TIER_2 = Rate(20, 20)
TIER_3 = Rate(50, 50)
TIER_4 = Rate(100, 100)
POSTING = Rate(60, 3)
"""About one message a second in each channel, with a short burst."""


class Limits:
    """Token buckets, one for each key, filled by the clock."""

    def __init__(self, clock: Callable[[], float], *, enabled: bool = True) -> None:
        self._clock = clock
        self._levels: dict[Hashable, tuple[float, float]] = {}
        self.enabled = enabled
        self.refused = 0
        """How many calls were refused so far."""

    def take(self, key: Hashable, rate: Rate) -> int:
        """Take a token; return 0, or the whole seconds to wait if there is none."""
        if not self.enabled:
            return 0
        now = self._clock()
        level, seen = self._levels.get(key, (float(rate.burst), now))
        level = min(rate.burst, level + (now - seen) * rate.per_minute / 60)
        if level < 1:
            self._levels[key] = (level, now)
            self.refused += 1
            return max(1, math.ceil((1 - level) * 60 / rate.per_minute))
        self._levels[key] = (level - 1, now)
        return 0
