"""Metrics as row-level statistics: the score of any set of rows is a function of the sum of their statistics.

Inputs: predictions and references (texts, or the forms of `forms`), the target locale, the labels where a metric takes
them. Output: float64 arrays of counts, shape (rows, k), and scores in the metric's unit. Because only sums matter, a
bootstrap resample is a weighted sum of rows and needs no text (see `polyloop.evaluation.intervals`).

A few metrics are properties of a whole corpus and no function of sums (`CorpusMetric`: distinct-n, calibration error
with equal-mass bins); they give a scorer of any subset of rows instead, and their intervals come from a jackknife
(`polyloop.evaluation.jackknife`). `polyloop.evaluation.measure` takes either kind.

The registry (`METRICS`) says of each metric what it compares, which direction is better, its range and the locales that
it is valid for; evaluation, gate and report ask it. Limits: one reference a row, except for answers and rankings.
"""

from polyloop.evaluation.metrics.arrays import FloatArray
from polyloop.evaluation.metrics.compute import (
    corpus_scorer,
    labels_in,
    resolve_metric,
    score,
    statistics,
    statistics_by_locale,
)
from polyloop.evaluation.metrics.definition import CorpusMetric, CorpusScore, Metric, SummedMetric
from polyloop.evaluation.metrics.registry import METRICS, metric_named

__all__ = [
    "METRICS",
    "CorpusMetric",
    "CorpusScore",
    "FloatArray",
    "Metric",
    "SummedMetric",
    "corpus_scorer",
    "labels_in",
    "metric_named",
    "resolve_metric",
    "score",
    "statistics",
    "statistics_by_locale",
]
