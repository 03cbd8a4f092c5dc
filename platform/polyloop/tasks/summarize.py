"""The summarize kind: a text becomes a shorter one in the same locale, such as a title, by an encoder-decoder.

Input ids: the tag of the locale ("<2de>"), the text, the end token. Target ids: the summary, the end token.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from polyloop.spec.models import TaskSpec
from polyloop.tasks.base import TaskAnswer, TaskRequest, own_locale
from polyloop.tasks.writing import TextKind, limit_by_input, locale_tag, tagged_ids

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class SummarizeRequest(TaskRequest):
    """A text to shorten."""


class SummarizeAnswer(TaskAnswer):
    """The summary."""


class Summarize(TextKind):
    """Text in, a shorter text in the same locale out, by an encoder-decoder."""

    name = "summarize"
    architecture = "encoder-decoder"
    request_model = SummarizeRequest
    answer_model = SummarizeAnswer

    def special_tokens(self, task: TaskSpec) -> list[str]:
        """Return one tag for each locale of the task."""
        return [locale_tag(locale) for locale in task.locales]

    def resolve_target_locale(self, task: TaskSpec, locale: str, target_locale: str | None) -> str:
        """Return the input's own locale; RequestError for a locale that the task does not list."""
        return own_locale(task, self.name, locale, target_locale)

    def encode_inputs(
        self, tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str], target_locales: Sequence[str]
    ) -> list[list[int]]:
        """Return tag, text and end token; ModelError if the tokenizer does not know the tag of a locale."""
        return tagged_ids(tokenizer, texts, target_locales)

    def output_limit(self, num_input_tokens: int, max_target_tokens: int) -> int:
        """Return a limit that grows with the input."""
        return limit_by_input(num_input_tokens, max_target_tokens)
