"""Notice a worker that stands still: each one says at every turn that it goes on."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

Beat = Callable[[], None]
"""Called by a worker at each turn."""


class Heartbeats:
    """The last turn of each worker. A worker counts from its first turn on."""

    def __init__(self, *, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._elapsed = elapsed
        self._limits: dict[str, float] = {}
        self._turned_at: dict[str, float] = {}

    def register(self, name: str, *, within: timedelta) -> Beat:
        """Return the function that a worker calls at each turn. Between two turns at most `within` may pass."""
        self._limits[name] = within.total_seconds()

        def beat() -> None:
            self._turned_at[name] = self._elapsed()

        return beat

    @contextmanager
    def while_they_work(self) -> Iterator[None]:
        """Forget at the end of the block the workers that were registered inside: they have ended."""
        before = set(self._limits)
        try:
            yield
        finally:
            for name in set(self._limits) - before:
                del self._limits[name]
                self._turned_at.pop(name, None)

    def still(self) -> list[str]:
        """Return the workers that have made no turn for longer than they may."""
        now = self._elapsed()
        return [name for name, at in sorted(self._turned_at.items()) if now - at > self._limits[name]]
