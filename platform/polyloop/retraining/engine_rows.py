"""Rows of a holdout that engines are tried on, and how an engine's answers to them are gathered and timed.

Inputs: a holdout and a loaded model. Outputs: rows that are the same for the same holdout and few, so that a trial
takes a part of a publication's time and not most of it; predictions and rates. Limits: speed is that of the machine at
that moment.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from statistics import median
from typing import Any, Protocol

import pyarrow as pa

from polyloop.evaluation.suites.sample import HoldoutRow, sample
from polyloop.models.contract import Contract, PredictInput, Prediction
from polyloop.tasks.base import TaskKind
from polyloop.tasks.writing import TextKind

MAX_ROWS = 1_000
"""Rows that engines are tried on, in all; a few more where they do not divide by the places. With 200, BLEU of a sound
int8 model was 0.3 to 0.6 points off by chance, with these 0.0 to 0.2 (docs/decisions/0023)."""
MAX_ALONE = 8
"""Rows that are answered once more, one at a time, for the time of a single answer."""
CHUNK_SIZE = 32
"""Rows that are handed over together; the time limit is looked at after each chunk."""


class Engine(Protocol):
    """As much of a loaded model as a trial needs."""

    def predict(self, inputs: Sequence[PredictInput]) -> list[Prediction]:
        """Return one prediction an input, in order."""
        ...


@dataclass(frozen=True, kw_only=True)
class TrialRows:
    """Rows that engines are tried on."""

    inputs: tuple[PredictInput, ...]
    targets: tuple[str, ...]
    """The wanted answers."""

    def __len__(self) -> int:
        return len(self.inputs)

    def first(self, count: int) -> "TrialRows":
        """Return the first so many rows."""
        return TrialRows(inputs=self.inputs[:count], targets=self.targets[:count])


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What an engine gave for rows, and how fast; rates are medians of calls, since others use the machine too."""

    predictions: list[Prediction]
    """In order; fewer than there were rows where time ran out."""
    tokens_per_s_batched: float
    num_alone: int
    """Rows that were answered one at a time."""
    tokens_per_s_alone: float


def trial_rows(table: pa.Table, kind: TaskKind, tokenizer: Any, contract: Contract) -> TrialRows:
    """Return rows of a holdout whose texts the model takes, one of each place in turn.

    EvaluationError for an empty holdout; there may be no row in it that is short enough.
    """
    places = table.select(["locale", "target_locale"]).group_by(["locale", "target_locale"]).aggregate([])
    by_place: dict[str, list[HoldoutRow]] = {}
    for row in sample(table, max_rows=math.ceil(MAX_ROWS / max(1, places.num_rows))):
        by_place.setdefault(row.place, []).append(row)
    rows = [row for row in chain.from_iterable(zip_longest(*by_place.values())) if row is not None]
    inputs = kind.encode_inputs(tokenizer, [row.text for row in rows], [row.target_locale for row in rows])
    references = [row.reference for row in rows]
    targets = kind.encode_texts(tokenizer, references) if isinstance(kind, TextKind) else [[] for _ in rows]
    fitting = [
        row
        for row, ids, target_ids in zip(rows, inputs, targets, strict=True)
        if len(ids) <= contract.max_input_tokens and len(target_ids) <= contract.max_target_tokens
    ]
    return TrialRows(inputs=tuple(row.asked() for row in fitting), targets=tuple(row.reference for row in fitting))


def answer_rows(engine: Engine, rows: TrialRows, *, num_alone: int = MAX_ALONE, budget_s: float = math.inf) -> Answered:
    """Return what an engine gives for rows, the first few of which it answers once more, one at a time.

    It ends early where `budget_s` is over, after a chunk or a single answer.
    """
    engine.predict(rows.inputs[:1])
    predictions, batched = _asked(engine, rows.inputs, CHUNK_SIZE, budget_s)
    _, alone = _asked(engine, rows.inputs[: min(num_alone, len(predictions))], 1, budget_s / 2)
    return Answered(
        predictions=predictions,
        tokens_per_s_batched=median(batched),
        num_alone=len(alone),
        tokens_per_s_alone=median(alone),
    )


def _asked(
    engine: Engine, inputs: Sequence[PredictInput], chunk_size: int, budget_s: float
) -> tuple[list[Prediction], list[float]]:
    """Return what is given within a time limit, and the tokens a second of each call."""
    predictions: list[Prediction] = []
    rates: list[float] = []
    began_s = time.perf_counter()
    while len(predictions) < len(inputs) and (not rates or time.perf_counter() - began_s < budget_s):
        started_s = time.perf_counter()
        given = engine.predict(inputs[len(predictions) : len(predictions) + chunk_size])
        # A label has no tokens, and counts as one.
        rates.append(sum(max(1, one.num_output_tokens) for one in given) / (time.perf_counter() - started_s))
        predictions += given
    return predictions, rates
