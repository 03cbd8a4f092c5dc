"""The classify kind: one of a fixed set of labels for a text, or several where the task says so.

Input ids: the text followed by the end token, or framed by the tokenizer's own special tokens where it has a
classification token (BERT and its kin). Target ids: the index of the label in the spec's order, or of each label.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from polyloop.spec.models import TaskSpec
from polyloop.tasks.base import TaskAnswer, TaskKind, TaskRequest, end_id, plain_ids
from polyloop.tasks.labels import read_label_set

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class ClassifyRequest(TaskRequest):
    """A text to put into one of the task's classes."""


class ClassifyAnswer(TaskAnswer):
    """The most probable label, or a JSON list of labels, with the probability of each."""

    scores: dict[str, float]
    """Probability of each label; they sum to 1, unless a text may have several."""


class Classify(TaskKind):
    """Text in, label out, by an encoder with a classification head."""

    name = "classify"
    architecture = "encoder"
    has_labels = True
    request_model = ClassifyRequest
    answer_model = ClassifyAnswer

    def special_tokens(self, task: TaskSpec) -> list[str]:
        """Return no tokens: classify needs none of its own."""
        return []

    def encode_inputs(
        self, tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str], target_locales: Sequence[str]
    ) -> list[list[int]]:
        """Return text ids with the tokenizer's frame, or with the end token where it has no frame."""
        rows = plain_ids(tokenizer, texts)
        if tokenizer.cls_token_id is None or tokenizer.sep_token_id is None:
            end = end_id(tokenizer)
            return [[*ids, end] for ids in rows]
        first, last = tokenizer.cls_token_id, tokenizer.sep_token_id
        return [[first, *ids, last] for ids in rows]

    def encode_targets(
        self, tokenizer: "PreTrainedTokenizerBase", targets: Sequence[str], task: TaskSpec
    ) -> list[list[int]]:
        """Return the index of the label, or of each label of a set; ValueError for one that the task does not have."""
        index = {label: position for position, label in enumerate(task.labels)}
        members = [read_label_set(target) if task.multi_label else (target,) for target in targets]
        unknown = sorted({label for labels in members for label in labels if label not in index})
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not a label of the task; its labels: {', '.join(task.labels)}")
        return [sorted(index[label] for label in labels) for labels in members]
