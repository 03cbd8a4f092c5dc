"""Requests of the last minutes in one router's memory, by task and version: how many, how many failed, how fast.

Input: the figures that the router records anyway; all of them go on to the recorder behind. Output: `Recent`, read when
somebody looks. Requests are counted exactly, in slices of `SLICE_S` seconds; latencies are those of the newest
`MAX_LATENCIES` answers at most. Limits: a router sees only what went through it, and forgets all when it stops;
Prometheus sees everything (docs/observing.md). Not safe for threads: figures come from one event loop.
"""

import math
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from polyloop.serving.metrics.recorder import Recorder
from polyloop.serving.metrics.table import ANSWERED, CANCELLED, REQUEST_SECONDS, REQUESTS, Metric

WINDOW_S = 300.0
SLICE_S = 10.0
MAX_LATENCIES = 1_024

Series = tuple[str, str]
"""Task and version; the version is empty where a request ended before one was asked."""


@dataclass(frozen=True, kw_only=True)
class Recent:
    """What became of the requests of one task and version in the window."""

    num_requests: int
    failures: Mapping[str, int]
    """Code -> how many; neither answers nor requests whose client left are among them."""
    p50_s: float | None
    """Median time of the answers that are remembered, None without any."""
    p99_s: float | None

    @property
    def num_failures(self) -> int:
        """Return how many requests failed."""
        return sum(self.failures.values())


@dataclass
class _Kept:
    """What is remembered of a series, the oldest first."""

    slices: deque[tuple[int, Counter[str]]] = field(default_factory=deque)
    """Number of the slice of time, and the outcomes in it."""
    latencies: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=MAX_LATENCIES))
    """When, and seconds."""


class RecentRequests:
    """A `Recorder` that remembers a while what it passes on."""

    def __init__(self, behind: Recorder, *, now: Callable[[], float] = time.monotonic) -> None:
        self._behind, self._now = behind, now
        self._started_s = now()
        self._series: defaultdict[Series, _Kept] = defaultdict(_Kept)

    def add(self, metric: Metric, value: float = 1.0, /, **tags: str) -> None:
        """Remember a request, and pass every figure on."""
        self._behind.add(metric, value, **tags)
        if metric is REQUESTS:
            self._count(self._kept(tags), tags["outcome"])
        elif metric is REQUEST_SECONDS:
            self._kept(tags).latencies.append((self._now(), value))

    @property
    def covered_s(self) -> float:
        """Return how many seconds the window covers: all of it, or those since the start."""
        return min(WINDOW_S, self._now() - self._started_s)

    def recent(self) -> dict[Series, Recent]:
        """Return what is known of each series that had a request in the window."""
        self._forget()
        return {series: _told(kept) for series, kept in self._series.items()}

    def _count(self, kept: _Kept, outcome: str) -> None:
        number = int(self._now() // SLICE_S)
        if not kept.slices or kept.slices[-1][0] != number:
            kept.slices.append((number, Counter()))
            self._forget()
        kept.slices[-1][1][outcome] += 1

    def _kept(self, tags: Mapping[str, str]) -> _Kept:
        return self._series[tags["task"], tags["version"]]

    def _forget(self) -> None:
        """Drop what is older than the window, and series of which nothing is left."""
        oldest_s = self._now() - WINDOW_S
        for series, kept in list(self._series.items()):
            while kept.slices and (kept.slices[0][0] + 1) * SLICE_S <= oldest_s:
                kept.slices.popleft()
            while kept.latencies and kept.latencies[0][0] < oldest_s:
                kept.latencies.popleft()
            if not kept.slices and not kept.latencies:
                del self._series[series]


def nearest_rank(ordered: Sequence[float], part: float) -> float | None:
    """Return the smallest of some ordered values that at least `part` (0 to 1] of them do not exceed."""
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)] if ordered else None


def _told(kept: _Kept) -> Recent:
    outcomes = sum((counts for _, counts in kept.slices), Counter[str]())
    ordered = sorted(seconds for _, seconds in kept.latencies)
    return Recent(
        num_requests=outcomes.total(),
        failures={code: count for code, count in sorted(outcomes.items()) if code not in (ANSWERED, CANCELLED)},
        p50_s=nearest_rank(ordered, 0.5),
        p99_s=nearest_rank(ordered, 0.99),
    )
