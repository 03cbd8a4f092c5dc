"""What a load came to: latencies as percentiles, requests a second, and what failed. Pure.

Input: one `Sample` for each answered request, and the reasons of failures. Output: JSON-ready summaries.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Sample:
    """One answered request."""

    at_s: float
    """When it was sent, or was due where requests are paced, on the clock `time.monotonic`, which processes share."""
    latency_ms: float
    version: str
    """What the answer says of the version that gave it; empty where it says nothing."""

    @property
    def ended_s(self) -> float:
        """When the answer was there, on the same clock."""
        return self.at_s + self.latency_ms / 1000


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that is not below `percent` (above 0, at most 100) of all values (nearest rank)."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def latencies(samples: Sequence[Sample]) -> dict[str, float | int]:
    """Return how many samples there are and their percentiles in milliseconds, which are left out where it is none."""
    if not samples:
        return {"num_requests": 0}
    values = [sample.latency_ms for sample in samples]
    return {
        "num_requests": len(values),
        "p50_ms": round(percentile(values, 50), 3),
        "p90_ms": round(percentile(values, 90), 3),
        "p99_ms": round(percentile(values, 99), 3),
        "max_ms": round(max(values), 3),
    }


def summary(
    samples: Sequence[Sample], failures: Mapping[str, int], *, started_s: float, ended_s: float
) -> dict[str, Any]:
    """Return what is told of a load: of answers between `started_s` and `ended_s`, and of every failure, ever."""
    counted = [sample for sample in samples if started_s <= sample.ended_s <= ended_s]
    versions = sorted({sample.version for sample in counted} - {""})
    return {
        "requests_per_s": round(len(counted) / (ended_s - started_s), 2),
        **latencies(counted),
        "num_failed": sum(failures.values()),
        "failures": dict(failures),
        "versions": {version: latencies([one for one in counted if one.version == version]) for version in versions},
    }
