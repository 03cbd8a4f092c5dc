"""What a run reads: the dataset's train split, or a file of preferences, made into a lesson.

Inputs: the run's config, its dataset, and the model before its first step. Output: the lesson, and names for its rows.
Errors: DataError where there is nothing to learn from.
"""

from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from accelerate import Accelerator

from polyloop.data.dataset import Dataset
from polyloop.errors import DataError, ModelError
from polyloop.models.ngrams import NgramBertForSequenceClassification
from polyloop.spec.network import NgramSpec
from polyloop.training.averaging import Weights
from polyloop.training.batch import inputs_of
from polyloop.training.config import TrainConfig
from polyloop.training.lesson import ExampleLesson, Lesson
from polyloop.training.memory import give_freed_memory_back
from polyloop.training.objectives import Objective
from polyloop.training.preference.lesson import JudgedLesson, PairLesson
from polyloop.training.preference.pairs import BinaryRows, PreferenceRows
from polyloop.training.rows import Ints, Rows, balance_labels
from polyloop.training.setup import load_teacher

NAMED_ROWS = 5
"""Row ids that an error about a batch tells."""


class Material:
    """The rows of a run."""

    def __init__(self, config: TrainConfig, dataset: Dataset) -> None:
        self._config, self._dataset = config, dataset
        self._table = dataset.table("train") if config.preferences is None else pq.read_table(config.preferences)
        if not self._table.num_rows:
            raise DataError(f"the train split of {config.dataset_dir} is empty; there is nothing to learn from")

    def show(self, model: Any, *, pad_id: int, held: Weights | None) -> None:
        """Let a model that learns something of the train rows before its first step do so; `model` is the bare one.

        `held` are the weights of a run that goes on: what it learned then is among them and is not worked out again.
        ModelError for a version to go on from whose n-grams are not those of the spec.
        """
        _check_ngrams(model, self._config)
        if isinstance(model, NgramBertForSequenceClassification):
            if held is not None:
                model.begin(len(held["ngram_keys"]))
                return
            has_label = self._rows.targets.membership(np.arange(len(self._rows)), len(self._config.task.labels))
            model.observe(inputs_of(self._rows, pad_id), has_label, self._rows.weights)
            # No step needs nearly as much as solving did.
            give_freed_memory_back()

    def lesson(self, model: Any, objective: Objective, accelerator: Accelerator, tokenizer: Any) -> Lesson:
        """Return what is to be learned; `model` is the bare one, before its first step."""
        task, training = self._config.task, self._config.task.training
        if self._config.preferences is None:
            teacher = load_teacher(task, tokenizer, accelerator.device)
            return ExampleLesson(self._rows, objective, training, accelerator, teacher)
        pad_id = int(tokenizer.pad_token_id)
        if training.preference.method == "dpo":
            return PairLesson(PreferenceRows.from_table(self._table), model, training, accelerator, pad_id=pad_id)
        return JudgedLesson(BinaryRows.from_table(self._table), model, training, accelerator, pad_id=pad_id)

    @cached_property
    def _rows(self) -> Rows:
        balance = self._config.task.training.label_balance
        rows = Rows.from_table(self._table)
        return balance_labels(rows, balance) if balance else rows  # the spec allows it for classify alone

    def name_rows(self, batch: Ints) -> str:
        """Return the ids of a few rows of a batch."""
        column: pa.ChunkedArray = self._table.column("id")
        ids = column.take(pa.array(batch[:NAMED_ROWS])).to_pylist()
        return ", ".join(ids) + (" ..." if len(batch) > NAMED_ROWS else "")


def _check_ngrams(model: Any, config: TrainConfig) -> None:
    wanted = config.task.model.ngrams
    found = None
    if isinstance(model, NgramBertForSequenceClassification):
        found = NgramSpec(characters=model.config.ngram_characters, tokens=model.config.ngram_tokens)
    if config.init_from is not None and found != wanted:
        raise ModelError(
            f"the version at {config.init_from} has {_named(found)}, and the spec asks for {_named(wanted)}; retrain "
            "with `start_from: scratch`, or leave `model.ngrams` as it was"
        )


def _named(ngrams: NgramSpec | None) -> str:
    return "no n-grams" if ngrams is None else f"n-grams of {ngrams.characters} characters and {ngrams.tokens} tokens"
