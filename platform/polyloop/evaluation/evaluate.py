"""Run a model over a holdout and score it per target locale, and by length, source, label and month.

Inputs: a predictor, the task's spec and a table with the Example columns (id, locale, target_locale, input, target;
source, corpus and timestamp where there are). Output: an `EvaluationResult` with the gate's confidence and number of
resamples in its intervals.

Limits: the whole table is answered in memory; weights of rows do not count. Rows are answered in order of length,
which wastes least padding, and put back into the table's order, so results can be paired row by row. A row that the
model refuses as too long counts as a wrong, empty answer: a user would have got none either, and versions whose
tokenizers differ stay comparable on the same rows.
"""

import time
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import pyarrow as pa

from polyloop.errors import EvaluationError, RequestError
from polyloop.evaluation.metrics import metric_named, resolve_metric
from polyloop.evaluation.results import EvaluationResult, EvaluationRows
from polyloop.evaluation.scoring import score_rows
from polyloop.models.predict import PredictInput, Prediction
from polyloop.progress import RestOfWork, Share
from polyloop.spec.kinds import METRICS_OF_KIND
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of

COLUMNS = ("id", "locale", "target_locale", "input", "target")
"""Columns read from the table."""
LATENCY_CALLS = 20
"""Single answers that are timed."""
TOO_LONG = "input_too_long"
"""Code of the error with which a predictor refuses an input that is longer than it takes."""


@runtime_checkable
class Scorer(Protocol):
    """A predictor that also tells how likely it finds given texts."""

    def nlls_nats(self, inputs: Sequence[PredictInput], targets: Sequence[str]) -> list[float]:
        """Return the negative log likelihood of each target given its input, summed over tokens, the end included."""
        ...


class Predictor(Protocol):
    """Anything that answers a list of inputs with one prediction each, in order."""

    def predict(self, inputs: list[PredictInput]) -> list[Prediction]:
        """Return one prediction an input."""
        ...


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
    progress: Callable[[str], None] | None = None,
    batch_size: int = 64,
) -> EvaluationResult:
    """Return the scores of a model on the rows of `dataset_table`, overall, per target locale and per other group.

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
    outputs = _answers(predictor, inputs, batch_size, progress or (lambda _: None))
    answered = [one for one, output in zip(inputs, outputs, strict=True) if output is not None]
    if not answered:
        raise EvaluationError(f"{task} {version} finds every row of the holdout too long; raise max_input_tokens")
    rows = EvaluationRows(
        ids=tuple(columns["id"]),
        target_locales=tuple(columns["target_locale"]),
        predictions=tuple(one.output if one else "" for one in outputs),
        references=tuple(columns["target"]),
        confidences=_confidences(outputs),
        nlls_nats=_nlls_nats(predictor, inputs, columns["target"], task_spec),
        rankings=_rankings(outputs),
        relevant=_relevant(columns["input"], task_spec),
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
        rows=rows,
    )


def _columns(table: pa.Table, task: str) -> dict[str, list[str]]:
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        raise EvaluationError(f"the holdout of {task!r} has no column {missing[0]!r}; build the dataset again")
    if not table.num_rows:
        raise EvaluationError(f"the holdout of {task!r} is empty; add rows, or a corpus with `split: holdout`")
    return {name: table.column(name).to_pylist() for name in COLUMNS}


def _answers(
    predictor: Predictor, inputs: Sequence[PredictInput], batch_size: int, progress: Callable[[str], None]
) -> list[Prediction | None]:
    """Return the outputs in the order of the inputs, None for an input that the model refuses as too long."""
    outputs: list[Prediction | None] = [None] * len(inputs)
    begun_s, rest, num_characters = time.monotonic(), RestOfWork(), 0
    all_characters = sum(len(one.text) for one in inputs) or 1
    longest_first = sorted(range(len(inputs)), key=lambda position: -len(inputs[position].text))
    for start in range(0, len(inputs), batch_size):
        positions = longest_first[start : start + batch_size]
        batch = _answer_batch(predictor, [inputs[position] for position in positions])
        for position, output in zip(positions, batch, strict=True):
            outputs[position] = output
        num_characters += sum(len(inputs[position].text) for position in positions)
        fraction = num_characters / all_characters
        left_s = rest.left_s(fraction, time.monotonic() - begun_s)
        what = f"evaluated {start + len(positions)} of {len(inputs)} rows"
        progress(Share(what, fraction=fraction, left_s=left_s, tells_all=False))
    return outputs


def _answer_batch(predictor: Predictor, batch: list[PredictInput]) -> list[Prediction | None]:
    try:
        predictions = predictor.predict(batch)
    except RequestError as error:
        if error.code != TOO_LONG:
            raise
        if len(batch) == 1:
            return [None]
        half = len(batch) // 2
        return _answer_batch(predictor, batch[:half]) + _answer_batch(predictor, batch[half:])
    if len(predictions) != len(batch):
        raise EvaluationError(f"the model gave {len(predictions)} answers to {len(batch)} inputs")
    return list(predictions)


def _confidences(outputs: Sequence[Prediction | None]) -> tuple[float, ...] | None:
    """Return the probability of each answer, 0 for a refused input; None if the model tells no probabilities."""
    if any(one is not None and one.scores is None for one in outputs):
        return None
    return tuple((one.scores or {}).get(one.output, 0.0) if one else 0.0 for one in outputs)


def _nlls_nats(
    predictor: Predictor, inputs: Sequence[PredictInput], targets: Sequence[str], task_spec: TaskSpec
) -> tuple[float, ...] | None:
    """Return the likelihoods of the references, where the kind has a metric that asks for them."""
    asked = {metric_named(name).compares for name in METRICS_OF_KIND[task_spec.kind]}
    if "likelihoods" not in asked or not isinstance(predictor, Scorer):
        return None
    return tuple(predictor.nlls_nats(inputs, targets))


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
