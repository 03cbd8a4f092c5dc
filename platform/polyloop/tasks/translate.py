"""The translate kind: a text in one locale becomes a text in another, by an encoder-decoder.

Input ids: the tag of the target locale ("<2de>"), the text, the end token. Target ids: the text, the end token.
One model serves every pair of the task; the tag alone says which locale to write (Johnson et al. 2017,
https://aclanthology.org/Q17-1024/).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from polyloop.errors import ModelError, RequestError
from polyloop.spec.fields import UNDETERMINED, Locale
from polyloop.spec.models import TaskSpec, split_pair
from polyloop.tasks.base import TaskAnswer, TaskKind, TaskRequest, end_id, plain_ids

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class TranslateRequest(TaskRequest):
    """A text to translate."""

    target_locale: Locale | None = Field(default=None)
    """BCP-47 tag to translate into; needed where the task has several for the input's locale."""


class TranslateAnswer(TaskAnswer):
    """The translation."""

    target_locale: str
    """Locale of the output."""


class Translate(TaskKind):
    """Text in, text in another locale out, by an encoder-decoder."""

    name = "translate"
    architecture = "encoder-decoder"
    metrics = ("chrf", "bleu")
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

    def encode_inputs(
        self, tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str], target_locales: Sequence[str]
    ) -> list[list[int]]:
        """Return tag, text and end token; ModelError if the tokenizer does not know the tag of a target locale."""
        end = end_id(tokenizer)
        tags = {locale: tag_id(tokenizer, locale) for locale in set(target_locales)}
        rows = plain_ids(tokenizer, texts)
        return [[tags[locale], *ids, end] for ids, locale in zip(rows, target_locales, strict=True)]

    def encode_targets(
        self, tokenizer: "PreTrainedTokenizerBase", targets: Sequence[str], task: TaskSpec
    ) -> list[list[int]]:
        """Return the target's ids followed by the end token."""
        end = end_id(tokenizer)
        return [[*ids, end] for ids in plain_ids(tokenizer, targets, as_target=True)]

    def decode(self, tokenizer: "PreTrainedTokenizerBase", rows: Sequence[Sequence[int]]) -> list[str]:
        """Return the text of each list of generated ids, without special tokens and outer spaces."""
        texts = tokenizer.batch_decode([list(ids) for ids in rows], skip_special_tokens=True)
        return [text.strip() for text in texts]


def locale_tag(locale: str) -> str:
    """Return the token that tells the model to write `locale`, such as "<2zh-Hans>"."""
    return f"<2{locale}>"


def tag_id(tokenizer: "PreTrainedTokenizerBase", locale: str) -> int:
    """Return the id of a locale's tag; ModelError if the tokenizer has no such token."""
    token_id = tokenizer.convert_tokens_to_ids(locale_tag(locale))
    if not isinstance(token_id, int) or token_id == tokenizer.unk_token_id:
        raise ModelError(
            f"the tokenizer {tokenizer.name_or_path!r} has no token {locale_tag(locale)!r}; the model was not made for "
            f"the target locale {locale!r}"
        )
    return token_id
