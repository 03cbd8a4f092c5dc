"""The summarize kind: a text becomes a shorter one in the same locale, such as a title, by an encoder-decoder.

Input ids: the tag of the locale ("<2de>"), the text, the end token. Target ids: the summary, the end token.
"""

from polyloop.spec.models import TaskSpec
from polyloop.tasks.base import TaskAnswer, TaskRequest
from polyloop.tasks.writing import RewritingKind, locale_tag


class SummarizeRequest(TaskRequest):
    """A text to shorten."""


class SummarizeAnswer(TaskAnswer):
    """The summary."""


class Summarize(RewritingKind):
    """Text in, a shorter text in the same locale out, by an encoder-decoder."""

    name = "summarize"
    request_model = SummarizeRequest
    answer_model = SummarizeAnswer

    def special_tokens(self, task: TaskSpec) -> list[str]:
        """Return one tag for each locale of the task."""
        return [locale_tag(locale) for locale in task.locales]
