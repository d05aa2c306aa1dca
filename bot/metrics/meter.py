"""Count what happens. Each part that counts gets a meter; while metrics are off, it counts nothing."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVarTuple

from bot.metrics.catalog import Counter, Gauge, Histogram

if TYPE_CHECKING:  # the package is loaded only where metrics are on
    from bot.metrics.registry import Registry

L = TypeVarTuple("L")


class Meter:
    """Takes each figure with the values of its metric's labels, in the order of the catalog."""

    def __init__(self, registry: "Registry | None" = None, *, elapsed: Callable[[], float] = time.monotonic) -> None:
        self.registry = registry
        self._elapsed = elapsed

    def count(self, metric: Counter[*L], *labels: *L, by: float = 1.0) -> None:
        """Add to a counter."""
        if self.registry is not None:
            self.registry.record(metric, labels, by)

    def set(self, metric: Gauge[*L], *labels: *L, to: float) -> None:
        """Set a gauge."""
        if self.registry is not None:
            self.registry.record(metric, labels, to)

    def observe(self, metric: Histogram[*L], *labels: *L, seconds: float) -> None:
        """Add a duration to a histogram. A clock that was set back counts as no time."""
        if self.registry is not None:
            self.registry.record(metric, labels, max(seconds, 0.0))

    @contextmanager
    def time(self, metric: Histogram[*L], *labels: *L) -> Iterator[None]:
        """Observe how long the block takes, also if it raises."""
        began = self._elapsed()
        try:
            yield
        finally:
            self.observe(metric, *labels, seconds=self._elapsed() - began)


OFF: Final = Meter()
"""Counts nothing."""


def build_meter(*, on: bool) -> Meter:
    """Return a meter that keeps what is counted, or one that counts nothing."""
    if not on:
        return OFF
    from bot.metrics.registry import Registry  # noqa: PLC0415  only here is the package loaded

    return Meter(Registry())
