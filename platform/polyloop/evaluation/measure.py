"""One way to ask any metric for intervals on any part of the rows, whatever route its intervals take.

Inputs: answers row by row, and a mask of the rows that count. Outputs: an `Interval`, or the `PairedDifference` of two
models. Texts are looked at once, when a `Measured` is made; after that each slice costs arrays only.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polyloop.errors import EvaluationError
from polyloop.evaluation.intervals import Interval, PairedDifference, bootstrap, paired_bootstrap
from polyloop.evaluation.jackknife import jackknife, paired_jackknife
from polyloop.evaluation.metrics import (
    CorpusMetric,
    CorpusScore,
    FloatArray,
    Metric,
    SummedMetric,
    corpus_scorer,
    metric_named,
    statistics_by_locale,
)
from polyloop.evaluation.metrics.arrays import BoolArray, mean_points
from polyloop.evaluation.metrics.definition import Values


@dataclass(frozen=True, kw_only=True)
class Measured(ABC):
    """One metric on one model's answers."""

    metric: Metric

    def counted(self, mask: BoolArray) -> BoolArray:
        """Return which of the masked rows the metric counts, shape (rows,)."""
        return mask

    def num_differing(self, champion: "Measured", mask: BoolArray) -> int:
        """Return how many of the masked rows may tell the two models apart."""
        return int(mask.sum())

    @abstractmethod
    def interval(self, mask: BoolArray, *, resamples: int, confidence: float) -> Interval:
        """Return the score of the masked rows, shape (rows,), with its two-sided interval."""

    @abstractmethod
    def minus(self, champion: "Measured", mask: BoolArray, *, resamples: int, confidence: float) -> PairedDifference:
        """Return this model's score minus the champion's on the masked rows; EvaluationError for another metric."""


@dataclass(frozen=True, kw_only=True)
class SummedRows(Measured):
    """A metric that is a function of sums: intervals by the (paired) bootstrap."""

    stats: FloatArray

    def counted(self, mask: BoolArray) -> BoolArray:
        """Return which of the masked rows count; only some metrics leave rows out."""
        return mask & self.stats.any(axis=1) if self.metric.counts_some_rows else mask

    def num_differing(self, champion: Measured, mask: BoolArray) -> int:
        """Return how many of the masked rows have other statistics."""
        if not isinstance(champion, SummedRows):
            raise _other_metric(self, champion)
        return int((self.stats[mask] != champion.stats[mask]).any(axis=1).sum())

    def interval(self, mask: BoolArray, *, resamples: int, confidence: float) -> Interval:
        """Return the bootstrap interval."""
        return bootstrap(self.stats[mask], self.metric.name, resamples=resamples, confidence=confidence)

    def minus(self, champion: Measured, mask: BoolArray, *, resamples: int, confidence: float) -> PairedDifference:
        """Return the paired bootstrap difference."""
        if not isinstance(champion, SummedRows) or champion.metric.name != self.metric.name:
            raise _other_metric(self, champion)
        return paired_bootstrap(
            self.stats[mask], champion.stats[mask], self.metric.name, resamples=resamples, confidence=confidence
        )

    def right_rows(self) -> BoolArray:
        """Return which rows are right, shape (rows,); EvaluationError if rows can be partly right or do not count."""
        is_share_of_right = (
            isinstance(self.metric, SummedMetric)
            and self.metric.score is mean_points
            and bool(np.isin(self.stats[:, 0], (0.0, 1.0)).all() and (self.stats[:, 1] == 1.0).all())
        )
        if not is_share_of_right:
            raise EvaluationError(
                f"{self.metric.name} is no share of right answers, so there are no discordant rows to test; use the "
                "bootstrap"
            )
        return np.asarray(self.stats[:, 0] == 1.0, dtype=np.bool_)


@dataclass(frozen=True, kw_only=True)
class CorpusRows(Measured):
    """A metric of a whole corpus: intervals by the jackknife; `resamples` plays no part."""

    scorer: CorpusScore

    def interval(self, mask: BoolArray, *, resamples: int, confidence: float) -> Interval:
        """Return the jackknife interval."""
        return jackknife(self.scorer, mask, self.metric, confidence=confidence)

    def minus(self, champion: Measured, mask: BoolArray, *, resamples: int, confidence: float) -> PairedDifference:
        """Return the paired jackknife difference."""
        if not isinstance(champion, CorpusRows) or champion.metric.name != self.metric.name:
            raise _other_metric(self, champion)
        return paired_jackknife(self.scorer, champion.scorer, mask, self.metric, confidence=confidence)


def measured(
    metric: str, predictions: Values, references: Values, target_locales: Sequence[str], *, labels: Sequence[str] = ()
) -> Measured:
    """Return a metric on answers, ready for any slice; `labels` are passed on to metrics that take them.

    Raises EvaluationError as `metrics.statistics` and `metrics.corpus_scorer` do.
    """
    definition = metric_named(metric)
    if isinstance(definition, CorpusMetric):
        scorer = corpus_scorer(metric, predictions, references, target_locales)
        return CorpusRows(metric=definition, scorer=scorer)
    told = labels if definition.takes_labels else ()
    stats = statistics_by_locale(metric, predictions, references, target_locales, labels=told)
    return SummedRows(metric=definition, stats=stats)


def _other_metric(ours: Measured, theirs: Measured) -> EvaluationError:
    return EvaluationError(
        f"{ours.metric.name} and {theirs.metric.name} cannot be subtracted; measure both models with one metric"
    )
