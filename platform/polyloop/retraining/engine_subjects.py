"""What is tried with several engines, by the family of its kind: models that write texts, and models that give labels.

Input: a trained model's folder. Output: the model by each engine, the metric that tells their answers apart, and the
tokens of answers.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch

from polyloop.data.tokenizer import load_tokenizer
from polyloop.errors import EvaluationError
from polyloop.evaluation.metrics import statistics_by_locale
from polyloop.models.contract import Contract, Prediction, Scoring
from polyloop.models.decision import rule_in
from polyloop.models.labels import Labels
from polyloop.models.loaded import LoadedModel
from polyloop.models.texts import Texts
from polyloop.retraining.engine_rows import Engine, TrialRows, trial_rows
from polyloop.tasks.base import TaskKind
from polyloop.tasks.writing import TextKind

if TYPE_CHECKING:
    import pyarrow as pa

    from polyloop.models.engines.computing import Computing

CPU = torch.device("cpu")


class Subject(Protocol):
    """A trained model that engines are tried with."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What it answers with, for the metric; none where it writes texts."""

    @property
    def deviations(self) -> tuple[str, ...]:
        """In what CTranslate2 answers differently by its nature; known once it was loaded."""

    def rows(self, holdout: "pa.Table") -> TrialRows:
        """Return the rows that it is asked; EvaluationError for an empty holdout."""

    def by_pytorch(self) -> Engine:
        """Return the model as PyTorch computes it."""

    def by_ctranslate2(self, folder: Path, computing: "Computing") -> Engine:
        """Return the model as it was converted; ArtefactError or ModelError where that cannot answer."""

    def metric(self, rows: TrialRows) -> str:
        """Return the metric of its answers."""

    def nlls_nats(self, engine: Engine, rows: TrialRows, predictions: Sequence[Prediction]) -> list[float]:
        """Return the negative log likelihood, in nats, of each wanted answer by an engine that predicted these."""

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of answers."""


class TextSubject:
    """A model that writes. Where the spec has tokens drawn at random, the likeliest are written: chance compares with
    nothing."""

    def __init__(self, model_dir: Path, kind: TextKind, contract: Contract) -> None:
        self._model_dir, self._kind, self._contract = model_dir, kind, contract
        self._tokenizer = load_tokenizer(model_dir)
        self.labels: tuple[str, ...] = ()
        self.deviations: tuple[str, ...] = ()

    def rows(self, holdout: "pa.Table") -> TrialRows:
        """Return the rows that it is asked."""
        return trial_rows(holdout, self._kind, self._tokenizer, self._contract)

    def by_pytorch(self) -> Engine:
        """Return the model as PyTorch computes it."""
        loaded = LoadedModel(self._model_dir, self._kind, self._contract, CPU)
        for name in ("temperature", "top_p", "top_k"):
            setattr(loaded.model.generation_config, name, None)
        loaded.model.generation_config.do_sample = False
        return Texts(loaded, self._kind)

    def by_ctranslate2(self, folder: Path, computing: "Computing") -> Engine:
        """Return the model as it was converted."""
        from polyloop.models.engines.texts import ConvertedTexts

        engine = ConvertedTexts(self._model_dir, folder, self._kind, self._contract, computing, draws=False)
        self.deviations = engine.decoding.deviations
        return engine

    def metric(self, rows: TrialRows) -> str:
        """Return `bleu`, or `chrf` where BLEU has no tokeniser for a locale or its script."""
        places = [item.target_locale for item in rows.inputs]
        try:
            statistics_by_locale("bleu", rows.targets, rows.targets, places)
        except EvaluationError:
            return "chrf"
        return "bleu"

    def nlls_nats(self, engine: Engine, rows: TrialRows, _predictions: Sequence[Prediction]) -> list[float]:
        """Return the negative log likelihood of each wanted text, the end token included."""
        assert isinstance(engine, Scoring)
        return engine.nlls_nats(rows.inputs, rows.targets)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of texts, the end token included."""
        return self._kind.encode_texts(self._tokenizer, texts)


class LabelSubject:
    """A classifier. Each answer, a label or a set of them, counts as one token."""

    deviations: tuple[str, ...] = ()

    def __init__(self, model_dir: Path, kind: TaskKind, contract: Contract) -> None:
        self._model_dir, self._kind, self._contract = model_dir, kind, contract
        self.labels = contract.labels
        self._known: dict[str, int] = {}

    def rows(self, holdout: "pa.Table") -> TrialRows:
        """Return the rows that it is asked."""
        return trial_rows(holdout, self._kind, load_tokenizer(self._model_dir), self._contract)

    def by_pytorch(self) -> Engine:
        """Return the model as PyTorch computes it."""
        return Labels(LoadedModel(self._model_dir, self._kind, self._contract, CPU))

    def by_ctranslate2(self, folder: Path, computing: "Computing") -> Engine:
        """Return the model with its encoder as it was converted."""
        from polyloop.models.engines.encoders import converted_labels

        return converted_labels(self._model_dir, folder, self._kind, self._contract, computing)

    def metric(self, _rows: TrialRows) -> str:
        """Return `accuracy`."""
        return "accuracy"

    def nlls_nats(self, _engine: Engine, rows: TrialRows, predictions: Sequence[Prediction]) -> list[float]:
        """Return the negative log likelihood of each wanted label, or set of labels; the scores tell it."""
        rule = rule_in(self._model_dir)
        return [rule.nll_nats(one.scores or {}, target) for one, target in zip(predictions, rows.targets, strict=True)]

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return a number for each answer."""
        return [[self._known.setdefault(text, len(self._known))] for text in texts]
