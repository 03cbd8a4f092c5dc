"""Bootstrap intervals of a metric, and of the difference of two models on the same rows.

Inputs: row-level statistics (see `metrics`), float64, shape (rows, k). Outputs: an `Interval` in points.
A resample draws rows with replacement; as a score depends on the sum of its rows' statistics only, it is given by how
often each row was drawn: weights @ statistics. Equal rows are drawn as one group, which changes no probability and
makes classification (few distinct rows) cheap at any size. Results depend on the seed and on nothing else.

Limits: percentile intervals; rows are taken as independent. With few rows (below about 50) they are too narrow.
Memory: at most WEIGHT_BYTES for weights at a time, plus a few copies of the statistics.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from polyloop.errors import EvaluationError
from polyloop.evaluation.metrics import FloatArray, metric_named, score

WEIGHT_BYTES = 32 * 1024 * 1024
"""Size of one block of resampling weights."""
DEFAULT_SEED = 17
"""Seed of every interval that names no other, so that a decision can be computed again."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A value, in points or the metric's own unit, with the ends of its two-sided interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """Candidate minus champion on the same rows, in the metric's unit; a gain is below 0 where less is better."""

    interval: Interval
    probability_no_gain: float
    """Share of resamples in which the candidate is not better than the champion (small: the gain is no accident)."""
    probability_no_loss: float
    """Share of resamples in which the candidate is not worse than the champion (small: the loss is no accident)."""


def bootstrap(
    stats: FloatArray, metric: str, *, resamples: int = 1_000, confidence: float = 0.95, seed: int = DEFAULT_SEED
) -> Interval:
    """Return the score of all rows with its percentile bootstrap interval (Efron 1979), two-sided at `confidence`."""
    _check(stats, resamples, confidence)
    scores = np.concatenate([score(metric, sums) for sums in _resampled_sums(stats, resamples, seed)])
    return _interval(float(score(metric, stats.sum(axis=0))), scores, confidence)


def paired_bootstrap(
    candidate_stats: FloatArray,
    champion_stats: FloatArray,
    metric: str,
    *,
    resamples: int = 1_000,
    confidence: float = 0.95,
    seed: int = DEFAULT_SEED,
) -> PairedDifference:
    """Return the difference of two models' scores, row i of both arrays being about the same example.

    Each resample scores both models on the same drawn rows (Koehn 2004, "Statistical Significance Tests for Machine
    Translation Evaluation", https://aclanthology.org/W04-3250/). The interval is two-sided at `confidence`; either of
    its ends is a one-sided bound at (1 + confidence) / 2. Raises EvaluationError if the shapes differ.
    """
    if candidate_stats.shape != champion_stats.shape:
        raise EvaluationError(
            f"statistics of shape {candidate_stats.shape} and {champion_stats.shape} cannot be paired; evaluate both "
            "models on the same rows"
        )
    _check(candidate_stats, resamples, confidence)
    width = candidate_stats.shape[1]
    paired = np.concatenate([candidate_stats, champion_stats], axis=1)
    differences = np.concatenate(
        [
            score(metric, sums[:, :width]) - score(metric, sums[:, width:])
            for sums in _resampled_sums(paired, resamples, seed)
        ]
    )
    gains = metric_named(metric).sign * differences
    totals = paired.sum(axis=0)
    value = float(score(metric, totals[:width]) - score(metric, totals[width:]))
    return PairedDifference(
        interval=_interval(value, differences, confidence),
        probability_no_gain=float(np.mean(gains <= 0)),
        probability_no_loss=float(np.mean(gains >= 0)),
    )


def _interval(value: float, scores: FloatArray, confidence: float) -> Interval:
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(scores, [tail, 1.0 - tail])
    return Interval(value=value, low=float(low), high=float(high))


def _check(stats: FloatArray, resamples: int, confidence: float) -> None:
    if stats.ndim != 2 or not len(stats):
        raise EvaluationError(f"a bootstrap needs statistics of shape (rows, k) with rows > 0, not {stats.shape}")
    if resamples < 1 or not 0 < confidence < 1:
        raise EvaluationError(f"a bootstrap needs resamples >= 1 and 0 < confidence < 1, not {resamples}, {confidence}")


def _resampled_sums(stats: FloatArray, resamples: int, seed: int) -> Iterator[FloatArray]:
    """Yield blocks of summed statistics, shape (resamples of the block, k)."""
    random = np.random.default_rng(seed)
    groups, counts = np.unique(stats, axis=0, return_counts=True)
    num_rows = len(stats)
    block = max(1, WEIGHT_BYTES // (8 * len(groups)))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        yield _weights(random, counts, num_rows, size) @ groups


def _weights(random: np.random.Generator, counts: np.ndarray, num_rows: int, size: int) -> FloatArray:
    """Return how often each group was drawn, shape (size, groups): multinomial(num_rows, counts / num_rows)."""
    if len(counts) < num_rows // 8:
        return random.multinomial(num_rows, counts / num_rows, size=size).astype(np.float64)
    # As many groups as rows: drawing rows one by one is about ten times faster than one binomial a group.
    group_of_row = np.repeat(np.arange(len(counts)), counts)
    weights = np.empty((size, len(counts)))
    for row in weights:
        row[:] = np.bincount(group_of_row[random.integers(0, num_rows, num_rows)], minlength=len(counts))
    return weights
