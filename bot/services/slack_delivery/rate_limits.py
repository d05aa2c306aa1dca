"""Who may go to Slack when: its limits by method and channel, and what it said of them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bot.concurrency.rate_limit import TokenBucket, Rate
from bot.store.outbox.repository import ApiMethod, Route

NO_LIMIT: Final = Rate(interval=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How often a method may be called, for one channel and for all together."""

    channel: Rate = NO_LIMIT
    workspace: Rate


class LimitScope(Enum):
    """How far what Slack said goes: to this method in this channel, to this method, to everything."""

    WAY = 0
    LANE = 1
    EVERYTHING = 2


SLACK_LIMITS: Final[Mapping[ApiMethod, Limits]] = {
    # docs.slack.dev/apis/web-api/rate-limits: a message a second in a channel, short bursts tolerated; of the limit for
    # the whole workspace it says only that there is one, "several hundred messages a minute" in earlier versions.
    ApiMethod.POST: Limits(channel=Rate(interval=1.02, burst=2), workspace=Rate(interval=0.25, burst=4)),
    # Tier 3: 50 a minute, for each method.
    ApiMethod.UPDATE: Limits(workspace=Rate(interval=1.22, burst=8)),
    ApiMethod.LOOK: Limits(workspace=Rate(interval=1.22, burst=8)),
}


class SlackRateLimiter:
    """The paces of every way, each held up by what Slack said of it and of nothing else.

    Posts go one at a time, since their order shows; of updates no two are of the same card, so they need not wait for
    each other.
    """

    def __init__(self, limits: Mapping[ApiMethod, Limits], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._all = TokenBucket(NO_LIMIT, clock=clock)
        self._lanes = {lane: TokenBucket(each.workspace, clock=clock) for lane, each in limits.items()}
        self._ways: dict[Route, TokenBucket] = {}

    def wait(self, way: Route) -> float:
        """Seconds until something may go; infinite while that hangs on what is under way."""
        return max(pace.wait() for pace in self._paces(way))

    def turns(self, way: Route) -> float:
        """How many things may go now; infinite where nobody counts them."""
        return min(pace.turns() for pace in self._paces(way))

    def begin(self, way: Route) -> None:
        """Something goes; it is under way until `end`."""
        for pace in self._paces(way):
            pace.begin()

    def end(self, way: Route) -> None:
        """What was under way is over, whatever came of it."""
        for pace in self._paces(way):
            pace.end()

    def spend(self, way: Route) -> None:
        """What is under way calls once more."""
        for pace in self._paces(way):
            pace.spend()

    def failed(self, way: Route, reach: LimitScope, *, at_least: float = 0.0) -> float:
        """Slack said no, or nothing: hold up as much as it spoke of; for how many seconds."""
        return self._paces(way)[reach.value].failed(at_least=at_least)

    def well(self, way: Route) -> None:
        """Slack took something."""
        for pace in self._paces(way):
            pace.well()

    def _paces(self, way: Route) -> tuple[TokenBucket, TokenBucket, TokenBucket]:
        """By reach."""
        if way not in self._ways:
            alone = way.lane is not ApiMethod.UPDATE
            self._ways[way] = TokenBucket(self._limits[way.lane].channel, alone=alone, clock=self._clock)
        return self._ways[way], self._lanes[way.lane], self._all
