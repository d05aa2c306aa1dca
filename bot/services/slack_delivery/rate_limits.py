"""Who may go to Slack when: its limits by method and channel, and what it said of them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bot.concurrency.rate_limit import Rate, TokenBucket
from bot.store.outbox.repository import ApiMethod, Route

NO_LIMIT: Final = Rate(interval=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How often a method may be called, for one channel and for all together."""

    channel: Rate = NO_LIMIT
    workspace: Rate


class LimitScope(Enum):
    """How far what Slack said goes: to this method in this channel, to this method, to everything."""

    ROUTE = 0
    METHOD = 1
    WORKSPACE = 2


SLACK_LIMITS: Final[Mapping[ApiMethod, Limits]] = {
    # docs.slack.dev/apis/web-api/rate-limits: a message a second in a channel, short bursts tolerated; of the limit for
    # the whole workspace it says only that there is one, "several hundred messages a minute" in earlier versions.
    ApiMethod.POST: Limits(channel=Rate(interval=1.02, burst=2), workspace=Rate(interval=0.25, burst=4)),
    # Tier 3: 50 a minute, for each method.
    ApiMethod.UPDATE: Limits(workspace=Rate(interval=1.22, burst=8)),
    ApiMethod.HISTORY: Limits(workspace=Rate(interval=1.22, burst=8)),
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
        self._methods = {method: TokenBucket(each.workspace, clock=clock) for method, each in limits.items()}
        self._routes: dict[Route, TokenBucket] = {}

    def wait(self, route: Route) -> float:
        """Seconds until something may go; infinite while that hangs on what is under way."""
        return max(bucket.wait() for bucket in self._buckets(route))

    def available(self, route: Route) -> float:
        """How many things may go now; infinite where nobody counts them."""
        return min(bucket.available() for bucket in self._buckets(route))

    def begin(self, route: Route) -> None:
        """Something goes; it is under way until `end`."""
        for bucket in self._buckets(route):
            bucket.begin()

    def end(self, route: Route) -> None:
        """What was under way is over, whatever came of it."""
        for bucket in self._buckets(route):
            bucket.end()

    def consume(self, route: Route) -> None:
        """What is under way calls once more."""
        for bucket in self._buckets(route):
            bucket.consume()

    def failed(self, route: Route, scope: LimitScope, *, at_least: float = 0.0) -> float:
        """Slack said no, or nothing: hold up as much as it spoke of; for how many seconds."""
        return self._buckets(route)[scope.value].failed(at_least=at_least)

    def succeeded(self, route: Route) -> None:
        """Slack took something."""
        for bucket in self._buckets(route):
            bucket.succeeded()

    def _buckets(self, route: Route) -> tuple[TokenBucket, TokenBucket, TokenBucket]:
        """By reach."""
        if route not in self._routes:
            alone = route.method is not ApiMethod.UPDATE
            self._routes[route] = TokenBucket(self._limits[route.method].channel, alone=alone, clock=self._clock)
        return self._routes[route], self._methods[route.method], self._all
