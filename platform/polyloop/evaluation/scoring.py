"""Scores of answers: every metric of the task's kind, overall, per target locale and per group of rows.

Inputs: answers row by row, the holdout's table and the task's spec. Outputs: slices and groups with intervals at the
gate's confidence. The gate's metric has to be valid for every locale; any other is left out where it is not (word
metrics for Chinese, calibration of a model without confidences), and overall if it is not valid for all of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from polyloop.evaluation.intervals import Interval
from polyloop.evaluation.measure import Measured, measured
from polyloop.evaluation.metrics import metric_named
from polyloop.evaluation.metrics.arrays import BoolArray
from polyloop.evaluation.results import OVERALL, EvaluationRows, GroupResult, SliceResult
from polyloop.evaluation.slices import DIMENSIONS, slice_rows
from polyloop.spec.models import GateSpec, TaskSpec, metrics_of

GROUP_DIMENSIONS = tuple(one for one in DIMENSIONS if one != "locale")
"""Dimensions of groups; locales have slices of their own, however few their rows."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What `score_rows` found."""

    overall: SliceResult
    slices: tuple[SliceResult, ...]
    groups: tuple[GroupResult, ...]


@dataclass(frozen=True, kw_only=True)
class MetricRows:
    """A metric on the rows of the locales that it is valid for."""

    measured: Measured
    """Of the valid rows alone."""
    is_valid: BoolArray
    """Rows of the holdout, shape (rows,), that the metric is about."""

    def covers(self, mask: BoolArray) -> bool:
        """Return whether the metric is valid for all rows of a slice and counts some of them."""
        return not (mask & ~self.is_valid).any() and bool(self.measured.counted(mask[self.is_valid]).any())


def score_rows(rows: EvaluationRows, table: pa.Table, gate_metric: str, task_spec: TaskSpec) -> Scores:
    """Return the scores of answers to the rows of `table`, in the same order.

    Raises EvaluationError if the gate's metric is not valid for a locale or the answers are not in its form.
    """
    found: dict[str, MetricRows | None] = {
        name: metric_rows(name, rows, task_spec.labels, must_be_valid=name == gate_metric)
        for name in metrics_of(task_spec, gate_metric)
    }
    parts = {name: one for name, one in found.items() if one is not None}
    locales = np.array(rows.target_locales)
    groups = slice_rows(table, min_rows=task_spec.gate.min_rows, labels=task_spec.labels, dimensions=GROUP_DIMENSIONS)
    return Scores(
        overall=_slice(OVERALL, np.ones(len(rows), dtype=bool), parts, task_spec.gate),
        slices=tuple(_slice(one, locales == one, parts, task_spec.gate) for one in sorted(set(rows.target_locales))),
        groups=tuple(
            GroupResult(
                dimension=one.dimension,
                name=one.name,
                num_rows=len(one.rows),
                metrics=_intervals(row_mask(one.rows, len(rows)), parts, task_spec.gate),
            )
            for one in groups
        ),
    )


def metric_rows(name: str, rows: EvaluationRows, labels: tuple[str, ...], *, must_be_valid: bool) -> MetricRows | None:
    """Return a metric on the rows that it is valid for, or on all if it must be; None where that is no row, or where
    the model did not tell what it compares.

    Raises EvaluationError as `measured` does.
    """
    metric = metric_named(name)
    valid = {one: must_be_valid or metric.is_valid_for(one) for one in set(rows.target_locales)}
    positions = [position for position, locale in enumerate(rows.target_locales) if valid[locale]]
    if not positions:
        return None
    if rows.lacks(name) and not must_be_valid:
        return None
    predictions, references = rows.predictions_for(name), rows.references_for(name)
    values = measured(
        name,
        [predictions[position] for position in positions],
        [references[position] for position in positions],
        [rows.target_locales[position] for position in positions],
        labels=labels,
    )
    return MetricRows(measured=values, is_valid=row_mask(positions, len(rows)))


def _slice(name: str, mask: BoolArray, parts: dict[str, MetricRows], gate: GateSpec) -> SliceResult:
    return SliceResult(locale=name, num_rows=int(mask.sum()), metrics=_intervals(mask, parts, gate))


def _intervals(mask: BoolArray, parts: dict[str, MetricRows], gate: GateSpec) -> dict[str, Interval]:
    return {
        name: one.measured.interval(mask[one.is_valid], resamples=gate.resamples, confidence=gate.confidence)
        for name, one in parts.items()
        if one.covers(mask)
    }


def row_mask(positions: Iterable[int], num_rows: int) -> BoolArray:
    """Return which of `num_rows` rows stand at the positions, shape (num_rows,)."""
    mask = np.zeros(num_rows, dtype=bool)
    mask[list(positions)] = True
    return mask
