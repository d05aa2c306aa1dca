"""Keep to a rate: so many at once, then one every so often."""

import asyncio
import time
from collections.abc import Awaitable, Callable


class Pace:
    """A bucket of `burst` turns that gains one every `interval` seconds, and can be told to hold.

    Slack allows about one message a second in a channel, and 50 updates a minute (Tier 3).
    """

    def __init__(
        self,
        *,
        interval: float,
        burst: int = 1,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._interval = interval
        self._slack = interval * (burst - 1)
        self._clock = clock
        self._sleep = sleep
        self._next = clock() - self._slack

    async def turn(self) -> None:
        """Wait for a turn, and take it."""
        while (wait := self._next - self._slack - self._clock()) > 0:
            await self._sleep(wait)
        self._next = max(self._next, self._clock()) + self._interval

    def hold(self, seconds: float) -> None:
        """No turn for so long, then one at a time: somebody said that we were too fast."""
        self._next = max(self._next, self._clock() + seconds + self._slack)
