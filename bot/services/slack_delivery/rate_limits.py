"""Slack's rate limits, by method and channel, and the back-off it asks for."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Final

from bot.concurrency.backoff import Backoff
from bot.concurrency.rate_limit import Rate, TokenBucket
from bot.domain.outbox import ApiMethod, Route

NO_LIMIT: Final = Rate(interval=0)
SLACK_BACKOFF: Final = Backoff(base=2.0, maximum=300.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How often a method may be called, in one channel and in all of them."""

    channel: Rate = NO_LIMIT
    workspace: Rate


class LimitScope(Enum):
    """What an answer of Slack limits: this method in this channel, this method, or the workspace."""

    ROUTE = 0
    METHOD = 1
    WORKSPACE = 2


SLACK_LIMITS: Final[Mapping[ApiMethod, Limits]] = {
    # docs.slack.dev/apis/web-api/rate-limits: one message a second in a channel, with short bursts tolerated. For the
    # limit of the whole workspace it only says that there is one; earlier versions said "several hundred messages a
    # minute".
    ApiMethod.POST: Limits(channel=Rate(interval=1.02, burst=2), workspace=Rate(interval=0.25, burst=4)),
    # Tier 3: 50 calls a minute for each method.
    ApiMethod.UPDATE: Limits(workspace=Rate(interval=1.22, burst=8)),
    ApiMethod.HISTORY: Limits(workspace=Rate(interval=1.22, burst=8)),
}


class SlackRateLimiter:
    """One token bucket for each route and method, held back by what Slack said about it and nothing else.

    Posts go one at a time, since their order shows. Two updates never concern the same card and need not wait for each
    other.
    """

    def __init__(
        self,
        limits: Mapping[ApiMethod, Limits],
        *,
        backoff: Backoff = SLACK_BACKOFF,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.backoff = backoff
        """After failures, of a route and of a delivery alike."""
        self._limits = limits
        self._bucket = partial(TokenBucket, backoff=backoff, clock=clock)
        self._all = self._bucket(NO_LIMIT)
        self._methods = {method: self._bucket(each.workspace) for method, each in limits.items()}
        self._routes: dict[Route, TokenBucket] = {}

    def wait(self, route: Route) -> float:
        """Return the seconds until a call may start; inf while a serial call is in flight."""
        return max(bucket.wait() for bucket in self._buckets(route))

    def available(self, route: Route) -> float:
        """Return how many calls may start now; inf without a limit."""
        return min(bucket.available() for bucket in self._buckets(route))

    def begin(self, route: Route) -> None:
        """Take a token for a call that is in flight until `end`."""
        for bucket in self._buckets(route):
            bucket.begin()

    def end(self, route: Route) -> None:
        """Note that a call is over, whatever came of it."""
        for bucket in self._buckets(route):
            bucket.end()

    def consume(self, route: Route) -> None:
        """Take a token for one more call of what is in flight."""
        for bucket in self._buckets(route):
            bucket.consume()

    def failed(self, route: Route, scope: LimitScope, *, at_least: float = 0.0) -> float:
        """Back off as far as `scope` says, at least this many seconds. Return for how many."""
        return self._buckets(route)[scope.value].failed(at_least=at_least)

    def succeeded(self, route: Route) -> None:
        """Note that a call succeeded."""
        for bucket in self._buckets(route):
            bucket.succeeded()

    def _buckets(self, route: Route) -> tuple[TokenBucket, TokenBucket, TokenBucket]:
        """Return the buckets of a route by scope."""
        if route not in self._routes:
            is_serial = route.method is not ApiMethod.UPDATE
            self._routes[route] = self._bucket(self._limits[route.method].channel, serial=is_serial)
        return self._routes[route], self._methods[route.method], self._all
