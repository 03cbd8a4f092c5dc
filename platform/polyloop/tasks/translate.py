"""The translate kind: a text in one locale becomes a text in another, by an encoder-decoder.

Input ids: the tag of the target locale ("<2de>"), the text, the end token. Target ids: the text, the end token.
One model serves every pair of the task; the tag alone says which locale to write (Johnson et al. 2017,
https://aclanthology.org/Q17-1024/).
"""

from pydantic import Field

from polyloop.errors import RequestError
from polyloop.spec.fields import UNDETERMINED, Locale
from polyloop.spec.models import TaskSpec, split_pair
from polyloop.tasks.base import TaskAnswer, TaskRequest
from polyloop.tasks.writing import RewritingKind, locale_tag


class TranslateRequest(TaskRequest):
    """A text to translate."""

    target_locale: Locale | None = Field(default=None)
    """BCP-47 tag to translate into; needed where the task has several for the input's locale."""


class TranslateAnswer(TaskAnswer):
    """The translation."""

    target_locale: str
    """Locale of the output."""


class Translate(RewritingKind):
    """Text in, text in another locale out, by an encoder-decoder."""

    name = "translate"
    request_model = TranslateRequest
    answer_model = TranslateAnswer

    def special_tokens(self, task: TaskSpec) -> list[str]:
        """Return one tag for each locale that the task writes, in the order of the spec."""
        return list(dict.fromkeys(locale_tag(split_pair(pair)[1]) for pair in task.pairs))

    def resolve_target_locale(self, task: TaskSpec, locale: str, target_locale: str | None) -> str:
        """Return the target locale, found from the pairs where it is not given; RequestError where there is none."""
        pairs = [split_pair(pair) for pair in task.pairs]
        targets = list(dict.fromkeys(target for source, target in pairs if locale in (source, UNDETERMINED)))
        if target_locale in targets:
            return str(target_locale)
        if target_locale is None and len(targets) == 1:
            return targets[0]
        asked = f"{locale}>{target_locale}" if target_locale else f"{locale} without a target_locale"
        raise RequestError(
            f"this task does not serve {asked}; it serves {', '.join(task.pairs)}", code="unknown_locale"
        )
