"""Where an answer stands in a window of question and passage: what an extractive reader learns.

Inputs: a fast tokenizer, a question with its passage, the answer's text. Output: a window's token ids with the places
of the answer's first and last token, or the reason why there is none. Tokenizers without a pair form of their own, such
as those that are trained here, are given one: the question's token, the question, the end token, the passage, the end
token. The first token stands for no answer, as in BERT (Devlin et al. 2019, section 4.3,
https://arxiv.org/abs/1810.04805). Limits: where an answer's text stands several times in a passage, its first place is
taken.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from polyloop.retrieval.windows import Window, WindowSize, make_windows
from polyloop.tasks.base import end_id
from polyloop.tasks.question import Question
from polyloop.tasks.writing import token_id

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

QUESTION_TOKEN = "<|question|>"

NOT_IN_CONTEXT = "answer_not_in_context"
IN_NO_WINDOW = "answer_in_no_window"
"""Reasons of rows that a reader cannot learn from."""

LONGEST_OVERLAP_TOKENS = 128
LONGEST_QUESTION_TOKENS = 64
"""BERT's for SQuAD (https://github.com/google-research/bert); shorter windows give a third of their length to each."""


@dataclass(frozen=True, kw_only=True)
class MarkedWindow:
    """A window with the places of its answer's first and last token; 0 and 0 where there is no answer."""

    input_ids: list[int]
    first: int
    last: int


def reading_window(max_tokens: int) -> WindowSize:
    """Return the window of a reader that takes at most `max_tokens` tokens; the same in training and when it reads."""
    return WindowSize(
        max_tokens=max_tokens,
        overlap_tokens=min(LONGEST_OVERLAP_TOKENS, max_tokens // 3),
        max_question_tokens=min(LONGEST_QUESTION_TOKENS, max_tokens // 3),
    )


def with_pair_frame(tokenizer: "PreTrainedTokenizerBase") -> Any:
    """Return the tokenizer itself, given a pair form if it has none; ModelError if it lacks the question's token."""
    from tokenizers.processors import TemplateProcessing

    if tokenizer.num_special_tokens_to_add(pair=True):
        return tokenizer
    begin, end = token_id(tokenizer, QUESTION_TOKEN), end_id(tokenizer)
    stop = str(tokenizer.eos_token)
    backend: Any = tokenizer.backend_tokenizer
    backend.post_processor = TemplateProcessing(
        single=f"{QUESTION_TOKEN}:0 $A:0 {stop}:0",
        pair=f"{QUESTION_TOKEN}:0 $A:0 {stop}:0 $B:1 {stop}:1",
        special_tokens=[(QUESTION_TOKEN, begin), (stop, end)],
    )
    return tokenizer


def separator_id(tokenizer: "PreTrainedTokenizerBase") -> int | None:
    """Return the id behind which the passage begins, for models that are told the two sides apart; None for others."""
    if "token_type_ids" not in tokenizer.model_input_names:
        return None
    return int(tokenizer.sep_token_id) if tokenizer.sep_token_id is not None else end_id(tokenizer)


def mark_answers(
    tokenizer: "PreTrainedTokenizerBase", question: Question, answer: str, size: WindowSize
) -> MarkedWindow | str:
    """Return the first window that holds the answer whole, or the reason why the row cannot be learned."""
    windows = make_windows(tokenizer, question.question, [question.context], size)
    if not windows:
        return NOT_IN_CONTEXT
    if not answer:
        return MarkedWindow(input_ids=windows[0].model_inputs["input_ids"], first=0, last=0)
    start = question.context.find(answer)
    if start < 0:
        return NOT_IN_CONTEXT
    for window in windows:
        places = token_places(window, start, start + len(answer))
        if places is not None:
            return MarkedWindow(input_ids=window.model_inputs["input_ids"], first=places[0], last=places[1])
    return IN_NO_WINDOW


def token_places(window: Window, start: int, end: int) -> tuple[int, int] | None:
    """Return the first and the last token of the characters `start` to `end`; None where the window cuts them."""
    touching = np.flatnonzero(window.readable & (window.offsets[:, 1] > start) & (window.offsets[:, 0] < end))
    if not len(touching):
        return None
    first, last = int(touching[0]), int(touching[-1])
    is_whole = window.offsets[first, 0] <= start and window.offsets[last, 1] >= end
    return (first, last) if is_whole else None
