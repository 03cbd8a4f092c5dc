"""What two reads of the nodes' Prometheus pages say of each task in between. Pure.

Input: pages as text, with their times. Output: rates, quantiles and means, as PromQL's `rate` and `histogram_quantile`
would give them, without a Prometheus. A counter that fell began anew (its process was replaced), so all of it counts; a
series that is new on a page counts from 0. A page that was missing in the first read counts for nothing: its counters
are as old as its node.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from polyloop.serving.metrics.table import (
    ANSWERED,
    BATCH_ROWS,
    CANCELLED,
    QUEUE_SECONDS,
    REQUEST_SECONDS,
    REQUESTS,
    Metric,
    exported_name,
)

OWN = "ray_polyloop_"
Labels = tuple[tuple[str, str], ...]
Series = tuple[str, Labels]
"""A sample's name, and its labels in order."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """All pages at one time; `at_s` is a monotonic clock's."""

    at_s: float
    pages: Mapping[str, Mapping[Series, float]]


@dataclass(frozen=True, kw_only=True)
class TaskFigures:
    """What happened to one task between two readings; None where nothing did that could tell."""

    requests_per_s: float
    failures_per_s: float
    p50_s: float | None
    p99_s: float | None
    queue_p99_s: float | None
    """Of the longest wait in each call of the model."""
    rows_per_batch: float | None
    """A mean, as well as buckets can tell."""


def read_page(text: str) -> dict[Series, float]:
    """Return the figures of this project on a page; ValueError where it is no page of Prometheus."""
    # A node's page has thousands of lines of Ray's own, which take long to parse.
    own = "\n".join(line for line in text.splitlines() if line.startswith((OWN, f"# TYPE {OWN}")))
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(own + "\n")
        for sample in family.samples
    }


def increases(before: Reading, after: Reading) -> dict[Series, float]:
    """Return by how much each series grew, over all pages that both readings have."""
    grown: dict[Series, float] = defaultdict(float)
    for target, page in after.pages.items():
        old = before.pages.get(target)
        if old is None:
            continue
        for series, value in page.items():
            was = old.get(series, 0.0)
            grown[series] += value - was if value >= was else value
    return dict(grown)


def figures_of(before: Reading, after: Reading, tasks: Iterable[str]) -> dict[str, TaskFigures]:
    """Return what happened to each task between two readings, of which the second is later."""
    passed_s = after.at_s - before.at_s
    if passed_s <= 0:
        raise ValueError(f"the second reading is {-passed_s:g} s before the first; give the earlier one first")
    grown = increases(before, after)
    return {task: _of_task(grown, task, passed_s) for task in tasks}


def _of_task(grown: Mapping[Series, float], task: str, passed_s: float) -> TaskFigures:
    requests = by_label(grown, exported_name(REQUESTS), task, "outcome")
    times = _buckets(grown, REQUEST_SECONDS, task)
    return TaskFigures(
        requests_per_s=sum(requests.values()) / passed_s,
        failures_per_s=sum(n for outcome, n in requests.items() if outcome not in (ANSWERED, CANCELLED)) / passed_s,
        p50_s=quantile(0.5, times),
        p99_s=quantile(0.99, times),
        queue_p99_s=quantile(0.99, _buckets(grown, QUEUE_SECONDS, task)),
        rows_per_batch=mean_of_whole(_buckets(grown, BATCH_ROWS, task)),
    )


def by_label(grown: Mapping[Series, float], name: str, task: str, label: str) -> dict[str, float]:
    """Return a sample's increase by the values of one label."""
    found: dict[str, float] = defaultdict(float)
    for (sample, labels), value in grown.items():
        told = dict(labels)
        if sample == name and told.get("task") == task:
            found[told.get(label, "")] += value
    return dict(found)


def _buckets(grown: Mapping[Series, float], metric: Metric, task: str) -> dict[float, float]:
    named = by_label(grown, f"{exported_name(metric)}_bucket", task, "le")
    return {float(bound): count for bound, count in named.items() if bound}


def quantile(share: float, buckets: Mapping[float, float]) -> float | None:
    """Return a quantile of cumulative counts by upper bound, None of an empty histogram.

    Values are taken to lie evenly inside a bucket, and those above the last bound at that bound, as Prometheus'
    `histogram_quantile` has it.
    """
    bounds = sorted(buckets)
    if not bounds or buckets[bounds[-1]] <= 0:
        return None
    rank = share * buckets[bounds[-1]]
    low, below = 0.0, 0.0
    for bound in bounds:
        count = buckets[bound]
        if count >= rank:
            if math.isinf(bound):
                return low
            return bound if count == below else low + (bound - low) * (rank - below) / (count - below)
        low, below = bound, count
    return low


def mean_of_whole(buckets: Mapping[float, float]) -> float | None:
    """Return about the mean of whole numbers from 1 in cumulative counts by upper bound, None of an empty histogram.

    Those in a bucket are taken to be its middle one, so that a bucket of one number is exact. The histogram's own sum
    is of no use: Ray's agents make it up from the middles of buckets, by which a row counts as half a row.
    """
    bounds = sorted(buckets)
    if not bounds or buckets[bounds[-1]] <= 0:
        return None
    low, below, total = 0.0, 0.0, 0.0
    for bound in bounds:
        middle = low if math.isinf(bound) else (low + 1 + bound) / 2
        total += (buckets[bound] - below) * middle
        low, below = bound, buckets[bound]
    return total / below
