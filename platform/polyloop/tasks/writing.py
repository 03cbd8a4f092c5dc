"""What the kinds that write text have in common: targets end with the end token, and tags say what is to be written.

Input ids of encoder-decoders: the tag of the locale to write ("<2de>"), the text, the end token. The tag alone says
which locale to write (Johnson et al. 2017, https://aclanthology.org/Q17-1024/).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from polyloop.errors import ModelError, RequestError
from polyloop.spec.fields import UNDETERMINED
from polyloop.spec.models import TaskSpec
from polyloop.tasks.base import TaskKind, end_id, plain_ids

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

OUTPUT_TOKENS_PER_INPUT_TOKEN = 4
OUTPUT_TOKENS_FLOOR = 16
"""An output longer than 4 times its input plus 16 tokens is a loop; stopping there bounds a request's time."""


class TextKind(TaskKind):
    """A kind whose answer is text."""

    def output_limit(self, num_input_tokens: int, max_target_tokens: int) -> int:
        """Return the most tokens of an answer: the spec's limit, as a short prompt or question may ask for much."""
        return max_target_tokens

    def encode_targets(
        self, tokenizer: "PreTrainedTokenizerBase", targets: Sequence[str], task: TaskSpec
    ) -> list[list[int]]:
        """Return the target's ids followed by the end token."""
        return self.encode_texts(tokenizer, targets)

    def encode_texts(self, tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of texts as answers, each followed by the end token."""
        end = end_id(tokenizer)
        return [[*ids, end] for ids in plain_ids(tokenizer, texts, as_target=True)]

    def decode(self, tokenizer: "PreTrainedTokenizerBase", rows: Sequence[Sequence[int]]) -> list[str]:
        """Return the text of each list of generated ids, without special tokens and outer spaces."""
        texts = tokenizer.batch_decode([list(ids) for ids in rows], skip_special_tokens=True)
        return [text.strip() for text in texts]


class RewritingKind(TextKind):
    """A kind whose answer is about as long as its input, by an encoder-decoder that is told which locale to write."""

    architecture = "encoder-decoder"

    def encode_inputs(
        self, tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str], target_locales: Sequence[str]
    ) -> list[list[int]]:
        """Return tag, text and end token; ModelError if the tokenizer does not know the tag of a locale."""
        end = end_id(tokenizer)
        tags = {locale: locale_id(tokenizer, locale) for locale in set(target_locales)}
        rows = plain_ids(tokenizer, texts)
        return [[tags[locale], *ids, end] for ids, locale in zip(rows, target_locales, strict=True)]

    def output_limit(self, num_input_tokens: int, max_target_tokens: int) -> int:
        """Return a limit that grows with the input."""
        return min(max_target_tokens, OUTPUT_TOKENS_PER_INPUT_TOKEN * num_input_tokens + OUTPUT_TOKENS_FLOOR)


def locale_tag(locale: str) -> str:
    """Return the token that tells the model to write `locale`, such as "<2zh-Hans>"."""
    return f"<2{locale}>"


def locale_id(tokenizer: "PreTrainedTokenizerBase", locale: str) -> int:
    """Return the id of a locale's tag; RequestError (422) where nobody could tell the locale, else as `token_id`."""
    tag = locale_tag(locale)
    if locale == UNDETERMINED and tag not in tokenizer.get_vocab():
        raise RequestError("the language of the input cannot be told; send its `locale`", code="unknown_locale")
    return token_id(tokenizer, tag)


def token_id(tokenizer: "PreTrainedTokenizerBase", token: str) -> int:
    """Return the id of a token that must be whole; ModelError if the tokenizer has no such token."""
    found = tokenizer.convert_tokens_to_ids(token)
    if not isinstance(found, int) or found == tokenizer.unk_token_id:
        raise ModelError(
            f"the tokenizer {tokenizer.name_or_path!r} has no token {token!r}; the model was not made for what it asks"
        )
    return found
