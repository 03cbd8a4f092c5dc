"""Cuts question and passages into the windows that a reading model can take, and maps tokens back to characters.

Inputs: a fast Hugging Face tokenizer, a question, passages. Outputs: windows of token ids with the characters of the
passage that each token stands for. Windows of one passage overlap, so that an answer at a border is whole in one.
Limits: a question longer than `max_question_tokens` is cut at its end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from polyloop.errors import ModelError
from polyloop.retrieval.normalisation import encodable

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_PASSAGE_SEQUENCE = 1


@dataclass(frozen=True, kw_only=True)
class WindowSize:
    """Lengths in tokens; the defaults are BERT's for SQuAD (https://github.com/google-research/bert)."""

    max_tokens: int = 384
    """Question, passage and special tokens together."""
    overlap_tokens: int = 128
    """Passage tokens that a window repeats of the one before it."""
    max_question_tokens: int = 64
    """What is kept of a long question."""


DEFAULT_SIZE = WindowSize()


@dataclass(frozen=True, kw_only=True, eq=False)
class Window:
    """One input of the reading model."""

    passage: int
    """Place of the passage among those read."""
    model_inputs: dict[str, list[int]]
    """What the model takes, such as input_ids, without padding."""
    offsets: NDArray[np.int64]
    """Shape (num_tokens, 2): first character in the passage, and one past the last; 0, 0 outside it."""
    readable: NDArray[np.bool_]
    """Shape (num_tokens,): True for tokens of the passage that stand for at least one character."""


def make_windows(
    tokenizer: "PreTrainedTokenizerBase", question: str, passages: Sequence[str], size: WindowSize = DEFAULT_SIZE
) -> list[Window]:
    """Return the windows of all passages in their order; ModelError for a tokenizer that knows no offsets."""
    if not tokenizer.is_fast:
        raise ModelError(f"the tokenizer {tokenizer.name_or_path!r} gives no character offsets; use a fast tokenizer")
    kept = _cut_question(tokenizer, encodable(question), size.max_question_tokens)
    return [
        window
        for place, passage in enumerate(passages)
        if passage.strip()
        for window in _passage_windows(tokenizer, kept, place, encodable(passage), size)
    ]


def _cut_question(tokenizer: "PreTrainedTokenizerBase", question: str, max_tokens: int) -> str:
    encoded = tokenizer(
        question, add_special_tokens=False, return_offsets_mapping=True, split_special_tokens=True, verbose=False
    )
    offsets = encoded["offset_mapping"]
    return question if len(offsets) <= max_tokens else question[: offsets[max_tokens - 1][1]]


def _passage_windows(
    tokenizer: "PreTrainedTokenizerBase", question: str, place: int, passage: str, size: WindowSize
) -> Iterator[Window]:
    question_tokens = len(
        tokenizer(question, add_special_tokens=False, split_special_tokens=True, verbose=False)["input_ids"]
    )
    room = size.max_tokens - question_tokens - tokenizer.num_special_tokens_to_add(pair=True)
    if room < 1:
        raise ModelError(
            f"a window of {size.max_tokens} tokens has no room for a passage behind {question_tokens} tokens of "
            "question; raise max_tokens or lower max_question_tokens"
        )
    encoded: Any = tokenizer(
        question,
        passage,
        truncation="only_second",
        max_length=size.max_tokens,
        # The tokenizer refuses an overlap that leaves a window nothing new.
        stride=min(size.overlap_tokens, room - 1),
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        split_special_tokens=True,
        verbose=False,
    )
    for index in range(len(encoded["input_ids"])):
        is_passage = np.array([part == _PASSAGE_SEQUENCE for part in encoded.sequence_ids(index)], dtype=np.bool_)
        offsets = np.asarray(encoded["offset_mapping"][index], dtype=np.int64) * is_passage[:, None]
        names = [name for name in tokenizer.model_input_names if name in encoded]
        yield Window(
            passage=place,
            model_inputs={name: list(encoded[name][index]) for name in names},
            offsets=offsets,
            readable=is_passage & (offsets[:, 1] > offsets[:, 0]),
        )
