"""Records figures: by Ray's own metrics agents in production, or wherever a test looks.

Input: a `Metric` of the table, a value, its tags. Effect: the figure is at the node's Prometheus endpoint within
seconds. A record of a histogram or gauge costs about 10 µs, one of a counter 1 µs. Limits: figures of a process that
dies are gone, as Prometheus expects.
"""

from typing import Any, Protocol

from polyloop.serving.metrics.sums import Sums
from polyloop.serving.metrics.table import METRICS, Metric


class Recorder(Protocol):
    """Takes figures."""

    def add(self, metric: Metric, value: float = 1.0, /, **tags: str) -> None:
        """Add to a counter, put a value into a histogram, or set a gauge; every tag of the metric has a value."""


class RayRecorder:
    """Hands figures to Ray, which every node of a cluster exports."""

    def __init__(self) -> None:
        from ray.util.metrics import Counter, Gauge, Histogram

        makers: dict[str, Any] = {"counter": Counter, "gauge": Gauge}
        self._metrics: dict[str, Any] = {}
        for metric in METRICS:
            if metric.kind == "histogram":
                made = Histogram(metric.name, metric.meaning, boundaries=list(metric.buckets), tag_keys=metric.tags)
            else:
                made = makers[metric.kind](metric.name, metric.meaning, tag_keys=metric.tags)
            self._metrics[metric.name] = made
        self._sums = Sums(lambda name, value, tags: self._metrics[name].inc(value, tags))

    def add(self, metric: Metric, value: float = 1.0, /, **tags: str) -> None:
        """Record one figure; counters are given nothing for 0."""
        if metric.kind == "counter":
            if value > 0:
                self._sums.add(metric.name, value, tags)
        elif metric.kind == "gauge":
            self._metrics[metric.name].set(value, tags)
        else:
            self._metrics[metric.name].observe(value, tags)
