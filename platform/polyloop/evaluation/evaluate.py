"""Run a model over a holdout and score it per target locale, and by length, source, label and month.

Inputs: a predictor, the task's spec and a table with the Example columns (id, locale, target_locale, input, target;
source, corpus and timestamp where there are). Output: an `EvaluationResult` with the gate's confidence and number of
resamples in its intervals.

Limits: the whole table is answered in memory; weights of rows do not count. Rows are answered in order of length,
which wastes least padding, and put back into the table's order, so results can be paired row by row. A row that the
model refuses as too long counts as a wrong, empty answer: a user would have got none either, and versions whose
tokenizers differ stay comparable on the same rows.
"""

import math
import time
from collections.abc import Callable, Sequence

import pyarrow as pa

from polyloop.errors import EvaluationError
from polyloop.evaluation.answers import BATCH_SIZE, Predictor, Scorer, answer
from polyloop.evaluation.metrics import metric_named, resolve_metric
from polyloop.evaluation.results import EvaluationResult, EvaluationRows
from polyloop.evaluation.scoring import score_rows
from polyloop.models.predict import PredictInput, Prediction
from polyloop.spec.kinds import METRICS_OF_KIND
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of

COLUMNS = ("id", "locale", "target_locale", "input", "target")
"""Columns read from the table."""
LATENCY_CALLS = 20
"""Single answers that are timed."""
UNREAD_NATS_PER_BYTE = math.log(256)
"""What a reference costs whose input the model refuses: eight bits a byte, as if nothing were known of it."""


def evaluate(
    predictor: Predictor,
    task_spec: TaskSpec,
    dataset_table: pa.Table,
    *,
    task: str,
    version: str,
    dataset_digest: str,
    holdout_digest: str,
    size_bytes: int = 0,
    engine: str = "",
    progress: Callable[[str], None] | None = None,
    batch_size: int = BATCH_SIZE,
) -> EvaluationResult:
    """Return the scores of a model on the rows of `dataset_table`, overall, per target locale and per other group.

    `size_bytes` and `engine` are told of the predictor, for the result to tell.

    Raises EvaluationError for an empty table, a missing column, a metric of another task kind, a predictor that
    gives another number of answers than it got inputs, and a reference that is not a label of a classify task.
    """
    metric = resolve_metric(task_spec.gate.metric, task_spec.kind)
    columns = _columns(dataset_table, task)
    inputs = [
        PredictInput(text=text, locale=locale, target_locale=target_locale)
        for text, locale, target_locale in zip(
            columns["input"], columns["locale"], columns["target_locale"], strict=True
        )
    ]
    outputs = answer(
        predictor, inputs, batch_size=batch_size, progress=progress, what="evaluated {done} of {all} different inputs"
    )
    answered = [one for one, output in zip(inputs, outputs, strict=True) if output is not None]
    if not answered:
        raise EvaluationError(f"{task} {version} finds every row of the holdout too long; raise max_input_tokens")
    rows = EvaluationRows(
        ids=tuple(columns["id"]),
        target_locales=tuple(columns["target_locale"]),
        predictions=tuple(one.output if one else "" for one in outputs),
        references=tuple(columns["target"]),
        confidences=None if task_spec.multi_label else _confidences(outputs),
        nlls_nats=_nlls_nats(predictor, inputs, outputs, columns["target"], task_spec),
        rankings=_rankings(outputs),
        relevant=_relevant(columns["input"], task_spec),
        out_of_scope=None if task_spec.out_of_scope is None else task_spec.out_of_scope.label,
    )
    scores = score_rows(rows, dataset_table, metric, task_spec)
    return EvaluationResult(
        task=task,
        version=version,
        dataset_digest=dataset_digest,
        holdout_digest=holdout_digest,
        metric=metric,
        overall=scores.overall,
        slices=scores.slices,
        groups=scores.groups,
        latency_ms=_latency_ms(predictor, answered),
        size_bytes=size_bytes,
        engine=engine,
        rows=rows,
    )


def _columns(table: pa.Table, task: str) -> dict[str, list[str]]:
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        raise EvaluationError(f"the holdout of {task!r} has no column {missing[0]!r}; build the dataset again")
    if not table.num_rows:
        raise EvaluationError(f"the holdout of {task!r} is empty; add rows, or a corpus with `split: holdout`")
    return {name: table.column(name).to_pylist() for name in COLUMNS}


def _confidences(outputs: Sequence[Prediction | None]) -> tuple[float, ...] | None:
    """Return the probability of each answer, 0 for a refused input; None if the model tells no probabilities.

    For one label a row: a set of labels has a probability for each label and none of its own.
    """
    if any(one is not None and one.scores is None for one in outputs):
        return None
    return tuple((one.scores or {}).get(one.output, 0.0) if one else 0.0 for one in outputs)


def _nlls_nats(
    predictor: Predictor,
    inputs: Sequence[PredictInput],
    outputs: Sequence[Prediction | None],
    targets: Sequence[str],
    task_spec: TaskSpec,
) -> tuple[float, ...] | None:
    """Return the likelihoods of the references, where the kind has a metric that asks for them."""
    asked = {metric_named(name).compares for name in METRICS_OF_KIND[task_spec.kind]}
    if "likelihoods" not in asked or not isinstance(predictor, Scorer):
        return None
    read = [position for position, output in enumerate(outputs) if output is not None]
    found = [UNREAD_NATS_PER_BYTE * len(target.encode()) for target in targets]
    nlls = predictor.nlls_nats([inputs[position] for position in read], [targets[position] for position in read])
    for position, nll_nats in zip(read, nlls, strict=True):
        found[position] = nll_nats
    return tuple(found)


def _rankings(outputs: Sequence[Prediction | None]) -> tuple[tuple[str, ...], ...] | None:
    """Return what was found for each row, nothing for a refused input; None if the model searches no documents."""
    if any(one is not None and one.ranking is None for one in outputs):
        return None
    return tuple(one.ranking or () if one else () for one in outputs)


def _relevant(inputs: Sequence[str], task_spec: TaskSpec) -> tuple[str, ...] | None:
    """Return the document that holds each row's answer, as far as rows say it; None if none does."""
    relevant = tuple(map(kind_of(task_spec).relevant_document, inputs))
    return relevant if any(relevant) else None


def _latency_ms(predictor: Predictor, inputs: Sequence[PredictInput]) -> float:
    """Return the mean time of single answers to rows spread evenly over the holdout, after one to warm up."""
    step = max(1, len(inputs) // LATENCY_CALLS)
    timed = inputs[::step][:LATENCY_CALLS]
    predictor.predict([timed[0]])
    start_s = time.perf_counter()
    for one in timed:
        predictor.predict([one])
    return (time.perf_counter() - start_s) * 1_000.0 / len(timed)
