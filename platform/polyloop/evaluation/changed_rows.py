"""Which rows got worse from one version to another, and which better, with their texts. Pure.

Inputs: two results on the same rows, the holdout's table and the task's spec. Output: `ChangedRow`s, the largest
changes first. Rows are scored one by one: right or wrong for labels; the gate's metric for answers and likelihoods;
chrF for other texts, as BLEU of one sentence is mostly 0. Limits: a row's score is rough; a small change of a text says
nothing, so changes within `TOLERANCES` are none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from polyloop.evaluation.difference import refuse_other_rows
from polyloop.evaluation.metrics import FloatArray, SummedMetric, metric_named, resolve_metric, score
from polyloop.evaluation.metrics import statistics_by_locale as row_statistics
from polyloop.evaluation.pairing import refuse_unpaired
from polyloop.evaluation.results import EvaluationResult
from polyloop.spec.models import TaskSpec

TOLERANCES = {"accuracy": 0.0, "bits_per_character": 0.05, "perplexity_per_character": 1.0}
"""Change of a row's score that is none, in the metric's unit; TEXT_TOLERANCE for others."""
TEXT_TOLERANCE = 10.0
"""Points of a sentence's chrF, as in `suites.robustness`: about what one wrong word costs a sentence of ten."""


@dataclass(frozen=True, kw_only=True)
class ChangedRow:
    """A row whose answer got better or worse."""

    id: str
    locale: str
    """Of the input."""
    target_locale: str
    input: str
    reference: str
    before: str
    after: str
    score_before: float
    """In the unit of the metric that rows are scored with."""
    score_after: float


@dataclass(frozen=True, kw_only=True)
class RowChanges:
    """All rows that changed, and what they were scored with."""

    metric: str
    worse: tuple[ChangedRow, ...]
    better: tuple[ChangedRow, ...]

    def counts(self, target_locale: str | None = None) -> tuple[int, int]:
        """Return how many rows got worse and better, of all or of one target locale."""
        worse, better = (
            sum(target_locale in (None, row.target_locale) for row in rows) for rows in (self.worse, self.better)
        )
        return worse, better


def row_changes(before: EvaluationResult, after: EvaluationResult, table: pa.Table, task_spec: TaskSpec) -> RowChanges:
    """Return the rows that changed, largest changes first and then by id.

    Raises EvaluationError if the results are not about the rows of `table`, or not about the same rows.
    """
    refuse_unpaired(after, before)
    refuse_other_rows(after, table)
    metric = row_metric(task_spec, before, after)
    scores = [row_scores(one, metric, task_spec.labels) for one in (before, after)]
    gains = metric_named(metric).sign * (scores[1] - scores[0])
    tolerance = TOLERANCES.get(metric, TEXT_TOLERANCE)
    inputs, locales = (table.column(name).to_pylist() for name in ("input", "locale"))

    def changed(position: int) -> ChangedRow:
        return ChangedRow(
            id=after.rows.ids[position],
            locale=locales[position],
            target_locale=after.rows.target_locales[position],
            input=inputs[position],
            reference=after.rows.references[position],
            before=before.rows.predictions[position],
            after=after.rows.predictions[position],
            score_before=float(scores[0][position]),
            score_after=float(scores[1][position]),
        )

    def ordered(sizes: FloatArray) -> tuple[ChangedRow, ...]:
        order = sorted(np.flatnonzero(sizes > tolerance), key=lambda row: (-sizes[row], after.rows.ids[row]))
        return tuple(changed(int(row)) for row in order)

    return RowChanges(metric=metric, worse=ordered(-gains), better=ordered(gains))


def row_metric(task_spec: TaskSpec, *results: EvaluationResult) -> str:
    """Return the metric that says of a single row how good its answer is, and that all results can be scored with."""
    if task_spec.kind == "classify":
        return "accuracy"
    name = resolve_metric(task_spec.gate.metric, task_spec.kind)
    metric = metric_named(name)
    is_of_rows = isinstance(metric, SummedMetric) and metric.compares in ("answers", "likelihoods")
    return name if is_of_rows and not any(one.rows.lacks(name) for one in results) else "chrf"


def row_scores(result: EvaluationResult, metric: str, labels: Sequence[str]) -> FloatArray:
    """Return the score of each row alone, shape (rows,), in the metric's unit; for metrics that are sums."""
    rows = result.rows
    told = labels if metric_named(metric).takes_labels else ()
    return score(
        metric, row_statistics(metric, rows.predictions_for(metric), rows.references, rows.target_locales, labels=told)
    )
