"""The one list of metrics, by name.

Adding a metric is one file with a tuple `METRICS` and one line here.
"""

from polyloop.errors import EvaluationError
from polyloop.evaluation.metrics import (
    answers,
    bleu,
    calibration_error,
    chrf,
    distinct,
    f1,
    likelihood,
    no_answer,
    out_of_scope,
    ranking,
    repetition,
    rouge,
)
from polyloop.evaluation.metrics.definition import Metric

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metrics in (
        f1.METRICS,
        out_of_scope.METRICS,
        calibration_error.METRICS,
        chrf.METRICS,
        bleu.METRICS,
        rouge.METRICS,
        answers.METRICS,
        no_answer.METRICS,
        ranking.METRICS,
        likelihood.METRICS,
        distinct.METRICS,
        repetition.METRICS,
    )
    for metric in metrics
}


def metric_named(name: str) -> Metric:
    """Return the definition of a metric; EvaluationError if there is none of this name."""
    if name not in METRICS:
        raise EvaluationError(f"there is no metric {name!r}; use one of {', '.join(METRICS)}")
    return METRICS[name]
