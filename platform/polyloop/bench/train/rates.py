"""Tokens a second out of what was seen of a run. Pure.

Input: points in order, each the time since the run began and the tokens learned since the point before. Output: the
rate over all that came after the first seconds, in which memory is laid out and caches fill.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from polyloop.errors import TrainingError
from polyloop.training.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Point:
    """A moment of a run."""

    elapsed_s: float
    num_tokens: float
    """Tokens learned since the point before, without padding."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How fast a run was."""

    tokens_per_s: float
    measured_s: float


def rate_of(points: Sequence[Point], *, skip_s: float) -> Rate:
    """Return the rate from the first point at or after `skip_s` to the last; TrainingError if that is the last."""
    known = [Point(elapsed_s=0.0, num_tokens=0.0), *points]
    first = next((at for at, point in enumerate(known) if point.elapsed_s >= skip_s), len(known) - 1)
    measured_s = known[-1].elapsed_s - known[first].elapsed_s
    if measured_s <= 0:
        raise TrainingError(
            f"a run of {known[-1].elapsed_s:.1f} s is too short to be measured after its first {skip_s:g} s; do more "
            "steps"
        )
    return Rate(tokens_per_s=sum(point.num_tokens for point in known[first + 1 :]) / measured_s, measured_s=measured_s)


def points_of(looks: Sequence[Progress]) -> list[Point]:
    """Return the points of a run of one process from its looks, which tell the rate since the look before."""
    points = []
    before_s = 0.0
    for look in looks:
        points.append(Point(elapsed_s=look.elapsed_s, num_tokens=look.tokens_per_s * (look.elapsed_s - before_s)))
        before_s = look.elapsed_s
    return points
