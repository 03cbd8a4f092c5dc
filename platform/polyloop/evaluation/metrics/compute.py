"""The functions through which metrics are asked: row statistics, scores of sums, scorers of corpora.

Inputs and outputs as the package says. Nothing here knows a metric by its name.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from polyloop.errors import EvaluationError
from polyloop.evaluation.metrics.arrays import FloatArray
from polyloop.evaluation.metrics.definition import CorpusMetric, CorpusScore, Metric, SummedMetric, Values
from polyloop.evaluation.metrics.forms import as_label_set
from polyloop.evaluation.metrics.registry import metric_named
from polyloop.spec.kinds import GATE_METRICS_OF_KIND
from polyloop.tasks import KINDS


def resolve_metric(name: str, kind: str) -> str:
    """Return the metric that `name` means for a task kind (`default` is its first); EvaluationError if it has none."""
    if kind not in KINDS:
        raise EvaluationError(f"there is no task kind {kind!r}; known kinds: {', '.join(KINDS)}")
    valid = (*KINDS[kind].metrics, *GATE_METRICS_OF_KIND.get(kind, ()))
    if name == "default":
        return valid[0]
    if name not in valid:
        raise EvaluationError(f"the metric {name!r} means nothing for {kind} tasks; use one of {', '.join(valid)}")
    return name


def labels_in(metric: str, references: Iterable[object]) -> tuple[str, ...]:
    """Return the labels that occur in references, sorted; none for a metric that takes no labels."""
    if not metric_named(metric).takes_labels:
        return ()
    found: set[str] = set()
    for reference in set(references):
        found |= as_label_set(reference, frozenset())
    return tuple(sorted(found))


def statistics(
    metric: str, predictions: Values, references: Values, *, locale: str, labels: Sequence[str] = ()
) -> FloatArray:
    """Return the statistics of each row, shape (rows, k), for rows that share one target locale.

    `labels` are the classes of a classify metric and must be empty for any other. A predicted label outside `labels`
    (from a model of an older spec) is a wrong answer; a reference outside them is an error.

    Raises EvaluationError for an unknown metric or one that is no function of sums, unequal lengths, no rows, labels
    with a text metric or none with a classify metric, a value that is not in the metric's form, and a locale or script
    that the metric is not valid for.
    """
    definition = metric_named(metric)
    if not isinstance(definition, SummedMetric):
        raise EvaluationError(f"{metric} is a property of a whole corpus and has no row statistics; use corpus_scorer")
    _check_rows(definition, predictions, references, labels)
    definition.refuse_locale(locale)
    return definition.statistics(predictions, references, locale, labels)


def statistics_by_locale(
    metric: str,
    predictions: Values,
    references: Values,
    target_locales: Sequence[str],
    *,
    labels: Sequence[str] = (),
) -> FloatArray:
    """Return the statistics of each row in the given order, each computed as its own target locale asks.

    Sums over rows of several locales are then the statistics of a pooled slice: each BLEU token count comes from the
    row's own tokeniser. Raises EvaluationError as `statistics` does.
    """
    _check_locales(predictions, references, target_locales)
    positions: dict[str, list[int]] = {}
    for position, locale in enumerate(target_locales):
        positions.setdefault(locale, []).append(position)
    parts = [
        statistics(metric, [predictions[i] for i in rows], [references[i] for i in rows], locale=locale, labels=labels)
        for locale, rows in positions.items()
    ]
    if not parts:
        raise _no_rows(metric)
    whole = np.empty((len(references), parts[0].shape[1]))
    for rows, part in zip(positions.values(), parts, strict=True):
        whole[rows] = part
    return whole


def score(metric: str, sums: FloatArray) -> FloatArray:
    """Return scores, shape (...), of summed statistics of shape (..., k), in points or the metric's own unit."""
    definition = metric_named(metric)
    if not isinstance(definition, SummedMetric):
        raise EvaluationError(f"{metric} is a property of a whole corpus and no function of sums; use corpus_scorer")
    return definition.score(sums)


def corpus_scorer(metric: str, predictions: Values, references: Values, target_locales: Sequence[str]) -> CorpusScore:
    """Return the function that scores any subset of the rows; EvaluationError as for `statistics`."""
    definition = metric_named(metric)
    if not isinstance(definition, CorpusMetric):
        raise EvaluationError(f"{metric} is a function of row statistics; use statistics and score")
    _check_locales(predictions, references, target_locales)
    _check_rows(definition, predictions, references, ())
    for locale in sorted(set(target_locales)):
        definition.refuse_locale(locale)
    return definition.scorer(predictions, references, target_locales)


def _check_locales(predictions: Values, references: Values, target_locales: Sequence[str]) -> None:
    if not len(predictions) == len(references) == len(target_locales):
        raise EvaluationError(
            f"{len(predictions)} predictions, {len(references)} references and {len(target_locales)} target locales "
            "do not match"
        )


def _check_rows(metric: Metric, predictions: Values, references: Values, labels: Sequence[str]) -> None:
    if len(predictions) != len(references):
        raise EvaluationError(f"{len(predictions)} predictions do not match {len(references)} references")
    if not references:
        raise _no_rows(metric.name)
    if bool(labels) != metric.takes_labels:
        needs = (
            "needs the labels of a classify task"
            if metric.takes_labels
            else f"compares {metric.compares} and takes no labels"
        )
        raise EvaluationError(f"the metric {metric.name!r} {needs}; choose a metric of the task's kind")


def _no_rows(metric: str) -> EvaluationError:
    return EvaluationError(f"there is no row to compute {metric} on; the holdout or the slice is empty")
