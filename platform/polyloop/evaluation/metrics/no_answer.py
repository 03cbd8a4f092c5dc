"""Whether it was right to answer at all, for questions of which some have no answer in the documents.

Inputs: answers, and the answers that are accepted (see `forms`); an empty text says that there is none. As SQuAD 2.0
tells its rows with and without an answer apart (Rajpurkar et al. 2018, https://aclanthology.org/P18-2124/): the share
of questions without an answer that got none, and the share of the others that got one, whichever. Each counts its own
rows alone; a slice without such rows has no score. A system that is always silent has 100 and 0.
"""

from collections.abc import Sequence

import numpy as np

from polyloop.evaluation.metrics.arrays import FloatArray, mean_points
from polyloop.evaluation.metrics.definition import SummedMetric, Values
from polyloop.evaluation.metrics.forms import as_answers, as_text


def silence_statistics(predictions: Values, references: Values, locale: str, labels: Sequence[str]) -> FloatArray:
    """Return (1 if no answer was given, 1) for each question without an answer and (0, 0) for the others."""
    return np.array(
        [(0.0, 0.0) if has_answer else (float(not given), 1.0) for given, has_answer in _rows(predictions, references)]
    )


def answered_statistics(predictions: Values, references: Values, locale: str, labels: Sequence[str]) -> FloatArray:
    """Return (1 if an answer was given, 1) for each question with an answer and (0, 0) for the others."""
    return np.array(
        [(float(given), 1.0) if has_answer else (0.0, 0.0) for given, has_answer in _rows(predictions, references)]
    )


def _rows(predictions: Values, references: Values) -> list[tuple[bool, bool]]:
    """Return for each row whether an answer was given, and whether there is one."""
    return [
        (bool(as_text(given).strip()), any(one.strip() for one in as_answers(accepted)))
        for given, accepted in zip(predictions, references, strict=True)
    ]


METRICS = (
    SummedMetric(
        name="no_answer_accuracy",
        compares="answers",
        counts_some_rows=True,
        statistics=silence_statistics,
        score=mean_points,
    ),
    SummedMetric(
        name="answered", compares="answers", counts_some_rows=True, statistics=answered_statistics, score=mean_points
    ),
)
