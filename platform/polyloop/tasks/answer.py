"""The answer kind: a question becomes an answer out of the task's documents, with citations, or honestly none.

An input is a question as `polyloop.tasks.question` writes it. Which model there is depends on the reader that the spec
names, so that there is one class for each: `sentences` has none; `extractive` is an encoder that marks the answer in a
passage (`polyloop.tasks.spans`), its target ids are the places of the first and the last token; `generative` is an
encoder-decoder that writes the answer from "question: ..." and numbered passages. An empty output says that the
documents hold no answer.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from polyloop.errors import ModelError
from polyloop.retrieval.documents import Document, split_passages
from polyloop.retrieval.prompts import format_reading_input
from polyloop.spec.models import TaskSpec
from polyloop.tasks.base import (
    Architecture,
    EncodedRows,
    TaskAnswer,
    TaskKind,
    TaskRequest,
    end_id,
    plain_ids,
)
from polyloop.tasks.question import read_question
from polyloop.tasks.spans import QUESTION_TOKEN, mark_answers, reading_window, with_pair_frame
from polyloop.tasks.writing import TextKind

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

NO_CONTEXT = "no_context"
"""Reason of a row that a reader cannot learn from, since it does not know a passage that was read."""


class QuestionRequest(TaskRequest):
    """A question about the task's documents."""


class Citation(BaseModel):
    """Where an answer, or what it was made from, stands; offsets count characters of the document."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    document_id: str
    """Name of the document."""
    source: str
    """What people call it, such as a title or an address; may be empty."""
    locale: str
    """Locale of the document."""
    passage_start: int
    """First character of the passage that was read."""
    passage_end: int
    """One past its last character."""
    start: int
    """First cited character."""
    end: int
    """One past the last cited character."""
    score: float
    """How sure the reader is of this place; higher is better, and only scores of one answer compare."""


class CitedAnswer(TaskAnswer):
    """The answer with what backs it; an empty output says that the documents hold none."""

    confidence: float = Field(ge=0, le=1)
    """Chance that the answer, or the best one that was held back, is right."""
    citations: tuple[Citation, ...]
    """Best first; empty where there is no answer."""


class Answer(TaskKind):
    """Question in, answer out of documents, by the sentence that covers it best: nothing is trained."""

    name = "answer"
    architecture: ClassVar[Architecture] = "retrieval"
    request_model = QuestionRequest
    answer_model = CitedAnswer

    def variant(self, task: TaskSpec) -> TaskKind:
        """Return the kind with the reader that the task names."""
        return READERS[task.answer.reader]

    def special_tokens(self, task: TaskSpec) -> list[str]:
        """Return no tokens: documents are searched by words."""
        return []

    def relevant_document(self, text: str) -> str:
        """Return the id of the document that holds the answer, as far as the input says it."""
        return read_question(text).document

    def encode_inputs(
        self, tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str], target_locales: Sequence[str]
    ) -> list[list[int]]:
        """Return no ids: no model reads them."""
        return [[] for _ in texts]

    def encode_targets(
        self, tokenizer: "PreTrainedTokenizerBase", targets: Sequence[str], task: TaskSpec
    ) -> list[list[int]]:
        """Return no ids: no model learns them."""
        return [[] for _ in targets]


class ExtractiveAnswer(Answer):
    """The answer is marked in a passage by an encoder with a head for its first and its last token."""

    architecture = "span-encoder"

    def special_tokens(self, task: TaskSpec) -> list[str]:
        """Return the token that a pair begins with, whose place stands for no answer."""
        return [QUESTION_TOKEN]

    def encode_inputs(
        self, tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str], target_locales: Sequence[str]
    ) -> list[list[int]]:
        """Return question and passage in the tokenizer's pair form, however long."""
        framed = with_pair_frame(tokenizer)
        questions = [read_question(text) for text in texts]
        return [
            list(framed(one.question, one.context, split_special_tokens=True, verbose=False)["input_ids"])
            for one in questions
        ]

    def encode_targets(
        self, tokenizer: "PreTrainedTokenizerBase", targets: Sequence[str], task: TaskSpec
    ) -> list[list[int]]:
        """Raise ModelError: where an answer stands depends on its passage, see `encode_rows`."""
        raise ModelError("an extractive reader learns places in passages; encode its rows with `encode_rows`")

    def encode_rows(
        self,
        tokenizer: "PreTrainedTokenizerBase",
        inputs: Sequence[str],
        targets: Sequence[str],
        target_locales: Sequence[str],
        task: TaskSpec,
    ) -> EncodedRows:
        """Return the window of each passage that holds the answer whole, and [first, last] token of it.

        Rows without an answer have [0, 0] in their first window. Refused are rows without a passage, with an answer
        that is not in it word by word, and with an answer that no window holds.
        """
        size = reading_window(task.model.max_input_tokens)
        framed = with_pair_frame(tokenizer)
        marked = [
            mark_answers(framed, read_question(text), target, size) if read_question(text).context else NO_CONTEXT
            for text, target in zip(inputs, targets, strict=True)
        ]
        return EncodedRows(
            input_ids=[[] if isinstance(one, str) else one.input_ids for one in marked],
            target_ids=[[] if isinstance(one, str) else [one.first, one.last] for one in marked],
            refusals=[one if isinstance(one, str) else None for one in marked],
        )


class GenerativeAnswer(TextKind, Answer):
    """The answer is written by an encoder-decoder that is given the question and passages."""

    architecture = "encoder-decoder"

    def encode_inputs(
        self, tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str], target_locales: Sequence[str]
    ) -> list[list[int]]:
        """Return question, numbered passages and the end token."""
        return self.encode_prompts(tokenizer, [_prompt(text) for text in texts])

    def encode_prompts(self, tokenizer: "PreTrainedTokenizerBase", prompts: Sequence[str]) -> list[list[int]]:
        """Return the ids of questions with passages as `polyloop.retrieval.prompts` writes them, and the end token."""
        end = end_id(tokenizer)
        return [[*ids, end] for ids in plain_ids(tokenizer, prompts)]

    def encode_rows(
        self,
        tokenizer: "PreTrainedTokenizerBase",
        inputs: Sequence[str],
        targets: Sequence[str],
        target_locales: Sequence[str],
        task: TaskSpec,
    ) -> EncodedRows:
        """Return prompts and answers; rows without a passage are refused: they would teach to answer from nothing."""
        rows = super().encode_rows(tokenizer, inputs, targets, target_locales, task)
        refusals = [None if read_question(text).context else NO_CONTEXT for text in inputs]
        return rows._replace(refusals=refusals)


READERS: dict[str, Answer] = {
    "sentences": Answer(),
    "extractive": ExtractiveAnswer(),
    "generative": GenerativeAnswer(),
}
"""The kind by the reader that a spec names."""


def _prompt(text: str) -> str:
    question = read_question(text)
    passages = split_passages(Document(id="context", text=question.context))
    return format_reading_input(question.question, passages).text
