"""Keep the figures and write them for Prometheus. Only where metrics are on: nothing else loads the package."""

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Any, Final

import prometheus_client
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder

from bot.metrics.catalog import CATALOG, SOCKET_CONNECTED, SOCKET_LAST_HEARD, Counter, Gauge, Histogram, Metric
from bot.metrics.labels import AppKey

_MAX_APPS: Final = 50
_OTHER: Final = "other"
_APP_KEY: Final = re.compile(r"[A-Za-z0-9._-]{1,100}", re.ASCII)
"""The form of an app key. Other text is no key, so it is not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposition:
    """All figures, in the format that the reader asked for."""

    body: bytes
    content_type: str


class Registry:
    """The figures of one bot."""

    def __init__(self) -> None:
        # Else each counter brings a second series.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no types
        self._registry = CollectorRegistry()
        self._apps: set[str] = set()
        self._series: dict[Metric[*tuple[Any, ...]], Any] = {each: self._register(each) for each in CATALOG}
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        for unknown in (SOCKET_CONNECTED, SOCKET_LAST_HEARD):
            self.record(unknown, (), math.nan)

    def record(self, metric: Metric[*tuple[Any, ...]], labels: tuple[object, ...], value: float) -> None:
        """Count, set or observe a value, as the metric's type says."""
        series = self._series[metric]
        if labels:
            series = series.labels(*map(self._text, labels))
        match metric:
            case Counter():
                series.inc(value)
            case Gauge():
                series.set(value)
            case Histogram():
                series.observe(value)

    def expose(self, accept: str) -> Exposition:
        """Write all figures in the best format of an Accept header."""
        encode, content_type = choose_encoder(accept)
        return Exposition(body=encode(self._registry), content_type=content_type)

    def _text(self, label: object) -> str:
        if not isinstance(label, AppKey):
            return str(label)
        if label not in self._apps:
            if len(self._apps) >= _MAX_APPS or not _APP_KEY.fullmatch(label):
                return _OTHER
            self._apps.add(label)
        return label

    def _register(self, metric: Metric[*tuple[Any, ...]]) -> Any:  # noqa: ANN401  the package has no common type
        given = (metric.name, metric.help, list(metric.labels))
        match metric:
            case Gauge():
                return prometheus_client.Gauge(*given, registry=self._registry)
            case Histogram(buckets=buckets):
                return prometheus_client.Histogram(*given, registry=self._registry, buckets=buckets)
        series = prometheus_client.Counter(*given, registry=self._registry)
        lists = [kind for kind in metric.labels.values() if issubclass(kind, StrEnum)]
        if metric.labels and len(lists) == len(metric.labels) and isinstance(metric, Counter) and metric.starts_at_zero:
            for values in product(*lists):
                series.labels(*values)
        return series
