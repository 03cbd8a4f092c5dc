"""Out-of-scope recall and in-scope accuracy, for classifiers that may say that a text is none of their business.

Inputs: single labels; `OUT_OF_SCOPE` are the names of the label "none of these", in predictions and references, whether
or not the task lists it. A task's own name for it is put into `OUT_OF_SCOPE_NAME` before (`results.EvaluationRows`).
Defined as for CLINC150 (Larson et al. 2019, https://aclanthology.org/D19-1131/): the share of out-of-scope rows that
were recognised, and the share of in-scope rows that got their own label (one that was turned away is wrong). Each
counts its own rows alone; a slice without such rows has no score.
"""

from collections.abc import Sequence

import numpy as np

from polyloop.errors import EvaluationError
from polyloop.evaluation.metrics.arrays import FloatArray, mean_points
from polyloop.evaluation.metrics.definition import SummedMetric, Values
from polyloop.evaluation.metrics.forms import as_text

OUT_OF_SCOPE_NAME = "out_of_scope"
OUT_OF_SCOPE = frozenset({"oos", OUT_OF_SCOPE_NAME})


def recall_statistics(predictions: Values, references: Values, locale: str, labels: Sequence[str]) -> FloatArray:
    """Return (recognised, 1) for each out-of-scope row and (0, 0) for the others."""
    rows = [
        (float(given in OUT_OF_SCOPE), 1.0) if wanted in OUT_OF_SCOPE else (0.0, 0.0)
        for given, wanted in _pairs(predictions, references, labels)
    ]
    return np.array(rows, dtype=np.float64)


def in_scope_statistics(predictions: Values, references: Values, locale: str, labels: Sequence[str]) -> FloatArray:
    """Return (right, 1) for each in-scope row and (0, 0) for the others."""
    rows = [
        (0.0, 0.0) if wanted in OUT_OF_SCOPE else (float(given == wanted), 1.0)
        for given, wanted in _pairs(predictions, references, labels)
    ]
    return np.array(rows, dtype=np.float64)


def _pairs(predictions: Values, references: Values, labels: Sequence[str]) -> list[tuple[str, str]]:
    wanted = [as_text(one) for one in references]
    unknown = sorted(set(wanted) - set(labels) - OUT_OF_SCOPE)
    if unknown:
        raise EvaluationError(f"the reference {unknown[0]!r} is not a label; the labels are {', '.join(labels)}")
    return list(zip(map(as_text, predictions), wanted, strict=True))


METRICS = (
    SummedMetric(
        name="out_of_scope_recall",
        compares="labels",
        counts_some_rows=True,
        statistics=recall_statistics,
        score=mean_points,
    ),
    SummedMetric(
        name="in_scope_accuracy",
        compares="labels",
        counts_some_rows=True,
        statistics=in_scope_statistics,
        score=mean_points,
    ),
)
