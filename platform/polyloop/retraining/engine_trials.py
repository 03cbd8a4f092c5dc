"""Compares engines with PyTorch on rows of a holdout: what they answer, how well, how surely and how fast.

Inputs: a trained model, what it was converted to, and the holdout. Output: an `EngineTrial` each. Where the spec has
tokens drawn at random, the likeliest are written instead: what is drawn by chance cannot be compared.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from polyloop.errors import ArtefactError, EvaluationError, ModelError, first_line
from polyloop.evaluation.metrics import score, statistics_by_locale
from polyloop.models.engines.choice import PYTORCH_TYPE
from polyloop.models.engines.parity import Parity, compare, compare_by_locale
from polyloop.models.engines.verdict import refusals
from polyloop.models.manifest import ComputeType, EngineTrial, LocaleParity
from polyloop.retraining.engine_rows import Answered, Engine, answer_rows
from polyloop.retraining.engine_subjects import Subject

BUDGET_S = 60.0
"""Time that PyTorch may take to answer the rows in chunks, and again half of it for single ones. A model that is too
slow is tried on those rows that it has answered by then."""
ENGINE_ERRORS = (ArtefactError, ModelError, RuntimeError, ValueError)
"""What CTranslate2 raises, and what is raised for it here, where it cannot do something."""


class Trials:
    """One model, answering the same rows by one engine after the other; PyTorch has answered when this is made."""

    def __init__(self, subject: Subject, holdout: pa.Table, *, threads: int) -> None:
        """Let PyTorch answer; EvaluationError where no row of the holdout is short enough for the model."""
        self._subject, self._threads = subject, threads
        rows = subject.rows(holdout)
        if not rows:
            raise EvaluationError("no row of the holdout is short enough to compare engines on")
        engine = subject.by_pytorch()
        self._answered = answer_rows(engine, rows, budget_s=BUDGET_S)
        self._rows = rows.first(len(self._answered.predictions))
        self._metric = subject.metric(self._rows)
        self.reference = self._measured(
            engine, self._answered, EngineTrial(engine="pytorch", compute_type=PYTORCH_TYPE)
        )

    def converted(self, converted_dir: Path, compute_type: ComputeType) -> EngineTrial:
        """Return what is found about the converted model in a numeric type, with what speaks against it."""
        from polyloop.models.engines.computing import Computing

        named = EngineTrial(engine="ctranslate2", compute_type=compute_type)
        computing = Computing(compute_type=compute_type, threads=self._threads)
        try:
            engine = self._subject.by_ctranslate2(converted_dir, computing)
            answered = answer_rows(engine, self._rows, num_alone=self._answered.num_alone)
            found = self._measured(engine, answered, named)
        except ENGINE_ERRORS as error:
            return named.model_copy(update={"refusals": (first_line(error),)})
        return found.model_copy(update={"refusals": refusals(self.reference, found)})

    def _measured(self, engine: Engine, answered: Answered, named: EngineTrial) -> EngineTrial:
        """Return the trial of an engine that has answered the rows."""
        predictions, reference = answered.predictions, self._answered.predictions
        parity = compare(reference, predictions, self._subject.encode)
        by_locale = compare_by_locale(self._rows.inputs, reference, predictions, self._subject.encode)
        sums = self._statistics([one.output for one in predictions])
        nlls_nats = self._subject.nlls_nats(engine, self._rows, predictions)
        return named.model_copy(
            update={
                "num_rows": len(self._rows),
                "num_equal": parity.num_equal,
                "num_tokens": parity.num_tokens,
                "num_agreeing_tokens": parity.num_agreeing_tokens,
                "num_output_tokens": parity.num_candidate_output_tokens,
                "metric": self._metric,
                "score": float(score(self._metric, sums.sum(axis=0))),
                "locales": tuple(self._of_locale(name, one, sums) for name, one in by_locale.items()),
                "nats_per_token": math.fsum(nlls_nats) / sum(map(len, self._subject.encode(self._rows.targets))),
                "tokens_per_s_alone": answered.tokens_per_s_alone,
                "tokens_per_s_batched": answered.tokens_per_s_batched,
            }
        )

    def _of_locale(self, locale: str, parity: Parity, sums: Any) -> LocaleParity:
        is_of_locale = [item.target_locale == locale for item in self._rows.inputs]
        return LocaleParity(
            locale=locale,
            num_rows=parity.num_outputs,
            num_equal=parity.num_equal,
            score=float(score(self._metric, sums[is_of_locale].sum(axis=0))),
        )

    def _statistics(self, outputs: Sequence[str]) -> Any:
        places = [item.target_locale for item in self._rows.inputs]
        targets = list(self._rows.targets)
        return statistics_by_locale(self._metric, list(outputs), targets, places, labels=self._subject.labels)
