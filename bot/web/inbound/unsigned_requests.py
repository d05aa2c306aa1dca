"""Count requests without a valid signature, and log their number at most once a minute."""

import time
from collections.abc import Callable
from typing import Final

import structlog

from bot.concurrency.rate_limit import Rate, TokenBucket

log = structlog.get_logger()

_ONCE_A_MINUTE: Final = Rate(interval=60.0)


class UnsignedRequests:
    """Logs how many requests without a valid signature came since the last log line, and nothing of their content."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._bucket = TokenBucket(_ONCE_A_MINUTE, clock=clock)
        self._count = 0

    def add(self, path: str) -> None:
        """Count one request, and log a line if there was none in the last minute."""
        self._count += 1
        if self._bucket.wait() == 0:
            self._bucket.consume()
            self._tell(path)

    def finish(self, path: str) -> None:
        """Log the requests that no line has counted yet."""
        if self._count:
            self._tell(path)

    def _tell(self, path: str) -> None:
        log.warning("requests_unsigned", path=path, count=self._count)
        self._count = 0
