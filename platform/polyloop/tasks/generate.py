"""The generate kind: a prompt, and a style where the task has some, become a text, by a decoder.

Input ids: the tag of the style ("<style:poem>") where one is asked for, the tag of the locale, the prompt, the tag
after which the text begins. Target ids: the text, the end token. A request with a style is held as JSON text,
{"style": ..., "prompt": ...}, one without as the prompt alone; corpora hold their inputs in the same form.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from polyloop.errors import RequestError
from polyloop.spec.models import TaskSpec
from polyloop.tasks.base import TaskAnswer, TaskRequest, plain_ids
from polyloop.tasks.json_text import read_json
from polyloop.tasks.text import normalise_text
from polyloop.tasks.writing import TextKind, locale_id, locale_tag, token_id

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BEGIN = "<|begin|>"
"""Stands between the prompt and the text."""


class GenerateRequest(TaskRequest):
    """What to write about."""

    style: str | None = Field(default=None, max_length=63)
    """One of the task's styles."""


class GenerateAnswer(TaskAnswer):
    """The text."""


class Generate(TextKind):
    """Prompt in, text out, by a decoder."""

    name = "generate"
    architecture = "decoder"
    request_model = GenerateRequest
    answer_model = GenerateAnswer

    def special_tokens(self, task: TaskSpec) -> list[str]:
        """Return the tags of styles and locales, and the one after which the text begins."""
        styles = [style_tag(style) for style in task.styles]
        return [*styles, *(locale_tag(locale) for locale in task.locales), BEGIN]

    def input_text(self, request: TaskRequest, task: TaskSpec, locale: str) -> str:
        """Return prompt and style as one text; RequestError for a style that the task does not have.

        An input may be such a text already, once it is normalised; its style is checked alike, as the model would be
        asked for a token that it does not have.
        """
        asked = request.style if isinstance(request, GenerateRequest) else None
        style = read_prompt(normalise_text(request.input))[0] if asked is None else asked
        if style is not None and style not in task.styles:
            raise RequestError(
                f"this task has no style {style!r}; its styles: {', '.join(task.styles) or 'none'}",
                code="unknown_style",
            )
        return request.input if asked is None else styled_prompt(asked, request.input)

    def encode_inputs(
        self, tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str], target_locales: Sequence[str]
    ) -> list[list[int]]:
        """Return tags, prompt and the tag after which the text begins; ModelError if one of them is not a token."""
        prompts = [read_prompt(text) for text in texts]
        begin = token_id(tokenizer, BEGIN)
        tags = {locale: locale_id(tokenizer, locale) for locale in set(target_locales)}
        styles = {style: [token_id(tokenizer, style_tag(style))] for style, _ in prompts if style is not None}
        rows = plain_ids(tokenizer, [prompt for _, prompt in prompts])
        return [
            [*(styles[style] if style is not None else []), tags[locale], *ids, begin]
            for (style, _), ids, locale in zip(prompts, rows, target_locales, strict=True)
        ]


def styled_prompt(style: str, prompt: str) -> str:
    """Return the text that stands for a prompt with a style."""
    return json.dumps({"style": style, "prompt": normalise_text(prompt)}, ensure_ascii=False)


def read_prompt(text: str) -> tuple[str | None, str]:
    """Return style and prompt of an input; a text of another form is a prompt without style."""
    content = read_json(text, "{")
    is_styled = isinstance(content, dict) and content.keys() == {"style", "prompt"}
    if is_styled and all(isinstance(value, str) for value in content.values()):
        return content["style"], content["prompt"]
    return None, text


def style_tag(style: str) -> str:
    """Return the token that asks for a style."""
    return f"<style:{style}>"
