"""How far one version is from another, slice by slice, for people. Pure.

Inputs: two results on the same rows of a holdout, the holdout's table and the task's spec. Output: a `SliceDifference`
for each metric overall and by target locale, and of the gate's metric for each other group of rows. Differences are
after minus before, as the gate takes them, but their intervals are two-sided at the gate's confidence and there is no
margin: they say what changed, not whether it may go out. Limits: a metric is left out of a slice where it is not valid
or has nothing to count; intervals are not corrected for how many slices are looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from polyloop.errors import EvaluationError
from polyloop.evaluation.intervals import PairedDifference
from polyloop.evaluation.metrics import metric_named, resolve_metric
from polyloop.evaluation.metrics.arrays import BoolArray
from polyloop.evaluation.pairing import paired_difference, refuse_unpaired
from polyloop.evaluation.results import OVERALL, EvaluationResult
from polyloop.evaluation.scoring import GROUP_DIMENSIONS, MetricRows, metric_rows, row_mask
from polyloop.evaluation.slices import slice_rows
from polyloop.spec.models import TaskSpec, metrics_of

LOCALE = "locale"
"""Dimension of the slices of target locales."""


@dataclass(frozen=True, kw_only=True)
class SliceDifference:
    """One metric of two versions on the rows of one slice."""

    dimension: str
    """overall, locale, length, source, label or month."""
    name: str
    metric: str
    num_rows: int
    before: float
    after: float
    difference: PairedDifference
    """After minus before, in the metric's unit."""

    @property
    def is_gain(self) -> bool:
        """Whether the whole interval is on the better side of 0."""
        return self._least() > 0.0

    @property
    def is_loss(self) -> bool:
        """Whether the whole interval is on the worse side of 0."""
        interval = self.difference.interval
        return (interval.high if metric_named(self.metric).direction == "more" else -interval.low) < 0.0

    @property
    def verdict(self) -> str:
        """Better or worse where the interval excludes 0, in a word."""
        return "better" if self.is_gain else "worse" if self.is_loss else "no evident change"

    def _least(self) -> float:
        interval = self.difference.interval
        return interval.low if metric_named(self.metric).direction == "more" else -interval.high


def differences(
    before: EvaluationResult, after: EvaluationResult, table: pa.Table, task_spec: TaskSpec
) -> tuple[SliceDifference, ...]:
    """Return the differences in order: overall, locales, other groups; the gate's metric first in each slice.

    Raises EvaluationError if the results are not about the rows of `table`, or not about the same rows.
    """
    refuse_unpaired(after, before)
    refuse_other_rows(after, table)
    gate_metric = resolve_metric(task_spec.gate.metric, task_spec.kind)
    names = metrics_of(task_spec, gate_metric)
    pairs = [
        pair
        for name in sorted(names, key=lambda name: name != gate_metric)
        if (pair := _pair(name, before, after, task_spec, must_be_valid=name == gate_metric)) is not None
    ]
    return tuple(
        found
        for dimension, name, mask in _slices(after, table, task_spec)
        for pair in pairs
        if dimension in (OVERALL, LOCALE) or pair[0] == gate_metric
        if (found := _difference(dimension, name, mask, pair, task_spec)) is not None
    )


def refuse_other_rows(result: EvaluationResult, table: pa.Table) -> None:
    """Raise EvaluationError if a result is not about the rows of a table, in its order."""
    if tuple(table.column("id").to_pylist()) != result.rows.ids:
        raise EvaluationError(
            f"{result.task} {result.version} was evaluated on other rows than those of the holdout; evaluate it again"
        )


_Pair = tuple[str, MetricRows, MetricRows]


def _pair(
    name: str, before: EvaluationResult, after: EvaluationResult, task_spec: TaskSpec, *, must_be_valid: bool
) -> _Pair | None:
    earlier, later = (
        metric_rows(name, one.rows, task_spec.labels, must_be_valid=must_be_valid) for one in (before, after)
    )
    return None if earlier is None or later is None else (name, earlier, later)


def _slices(result: EvaluationResult, table: pa.Table, task_spec: TaskSpec) -> Iterator[tuple[str, str, BoolArray]]:
    num_rows = len(result.rows)
    locales = np.array(result.rows.target_locales)
    yield OVERALL, OVERALL, np.ones(num_rows, dtype=bool)
    for locale in sorted(set(result.rows.target_locales)):
        yield LOCALE, locale, locales == locale
    min_rows = task_spec.gate.min_rows
    for one in slice_rows(table, min_rows=min_rows, labels=task_spec.labels, dimensions=GROUP_DIMENSIONS):
        yield one.dimension, one.name, row_mask(one.rows, num_rows)


def _difference(dimension: str, name: str, mask: BoolArray, pair: _Pair, task_spec: TaskSpec) -> SliceDifference | None:
    metric, before, after = pair
    if not (before.covers(mask) and after.covers(mask)):
        return None
    kept, gate = mask[after.is_valid], task_spec.gate
    is_gates = metric == resolve_metric(gate.metric, task_spec.kind)
    # The discordant test is for the gate's own metric; others may have no right and wrong rows.
    asked = gate if is_gates else gate.model_copy(update={"test": "bootstrap"})
    scores = [one.measured.interval(kept, resamples=1, confidence=0.5).value for one in (before, after)]
    return SliceDifference(
        dimension=dimension,
        name=name,
        metric=metric,
        num_rows=int(mask.sum()),
        before=scores[0],
        after=scores[1],
        difference=paired_difference(after.measured, before.measured, kept, asked, confidence=gate.confidence),
    )
