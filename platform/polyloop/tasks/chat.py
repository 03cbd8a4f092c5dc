"""The chat kind: the turns so far become the assistant's next one, by a decoder.

An input is held as JSON text, [{"role": "user", "content": "..."}, ...], with the roles system, user and assistant;
a text of another form is one turn of the user. Input ids of models that are trained here: the tag of the locale, for
each turn the tag of its role, its text and the end token, and at last the assistant's tag. A checkpoint that brings a
chat template of its own is asked in that form. Target ids: the reply, the end token.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from polyloop.spec.models import TaskSpec
from polyloop.tasks.base import TaskAnswer, TaskRequest, end_id, plain_ids
from polyloop.tasks.text import normalise_text
from polyloop.tasks.writing import TextKind, locale_id, locale_tag, token_id

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

ROLES = ("system", "user", "assistant")


class Turn(BaseModel):
    """What one side said."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    role: Literal["system", "user", "assistant"]
    """Who said it; system text sets the assistant's manner."""
    content: str = Field(max_length=100_000)
    """What was said."""


TURNS = TypeAdapter(tuple[Turn, ...])


class ChatRequest(TaskRequest):
    """A conversation to go on with."""

    input: str = Field(default="", max_length=100_000)
    """What the user says, where there are no earlier turns."""
    messages: Annotated[tuple[Turn, ...], Field(fail_fast=True)] = Field(default=(), max_length=1_000)
    """The turns so far, the user's last; instead of `input`."""

    @model_validator(mode="after")
    def _one_form(self) -> "ChatRequest":
        if bool(self.input) == bool(self.messages):
            raise ValueError("a chat request needs exactly one of `input` and `messages`")
        if self.messages and self.messages[-1].role != "user":
            raise ValueError("the last of `messages` must be the user's")
        return self


class ChatAnswer(TaskAnswer):
    """The assistant's reply."""


class Chat(TextKind):
    """Turns in, a reply out, by a decoder."""

    name = "chat"
    architecture = "decoder"
    request_model = ChatRequest
    answer_model = ChatAnswer

    def special_tokens(self, task: TaskSpec) -> list[str]:
        """Return the tags of roles and locales."""
        return [*map(role_tag, ROLES), *(locale_tag(locale) for locale in task.locales)]

    def said(self, request: TaskRequest) -> str:
        """Return what the user said last."""
        return request.messages[-1].content if isinstance(request, ChatRequest) and request.messages else request.input

    def user_texts(self, request: TaskRequest) -> tuple[str, ...]:
        """Return all that the user has said."""
        if not isinstance(request, ChatRequest) or not request.messages:
            return super().user_texts(request)
        return tuple(turn.content for turn in request.messages if turn.role == "user")

    def with_user_texts(self, request: TaskRequest, texts: Sequence[str]) -> TaskRequest:
        """Return the request with other texts for the user's turns."""
        if not isinstance(request, ChatRequest) or not request.messages:
            return super().with_user_texts(request, texts)
        said = iter(texts)
        turns = tuple(
            turn.model_copy(update={"content": next(said)}) if turn.role == "user" else turn
            for turn in request.messages
        )
        return request.model_copy(update={"messages": turns})

    def input_text(self, request: TaskRequest, task: TaskSpec, locale: str) -> str:
        """Return the turns as one text, the locale's persona in front where the request has no system turn."""
        turns = request.messages if isinstance(request, ChatRequest) else ()
        turns = turns or (Turn(role="user", content=request.input),)
        persona = task.personas.get(locale)
        if persona is not None and turns[0].role != "system":
            turns = (Turn(role="system", content=persona), *turns)
        return write_turns(turns)

    def encode_inputs(
        self, tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str], target_locales: Sequence[str]
    ) -> list[list[int]]:
        """Return the turns in the form that the model knows; ModelError if it knows none of the two."""
        conversations = [read_turns(text) for text in texts]
        if tokenizer.chat_template is not None:
            return [_templated(tokenizer, turns) for turns in conversations]
        end = end_id(tokenizer)
        roles = {role: token_id(tokenizer, role_tag(role)) for role in ROLES}
        tags = {locale: locale_id(tokenizer, locale) for locale in set(target_locales)}
        flat = iter(plain_ids(tokenizer, [turn.content for turns in conversations for turn in turns]))
        return [
            [
                tags[locale],
                *(id_ for turn in turns for id_ in (roles[turn.role], *next(flat), end)),
                roles["assistant"],
            ]
            for turns, locale in zip(conversations, target_locales, strict=True)
        ]


def write_turns(turns: Sequence[Turn]) -> str:
    """Return the text that stands for turns."""
    content = [{"role": turn.role, "content": normalise_text(turn.content)} for turn in turns]
    return json.dumps(content, ensure_ascii=False)


def read_turns(text: str) -> tuple[Turn, ...]:
    """Return the turns of an input; a text of another form is one turn of the user."""
    if text.startswith("["):
        try:
            turns = TURNS.validate_json(text)
        except ValidationError:
            turns = ()
        if turns:
            return turns
    return (Turn(role="user", content=text),)


def role_tag(role: str) -> str:
    """Return the token in front of what a role says."""
    return f"<|{role}|>"


def _templated(tokenizer: Any, turns: Sequence[Turn]) -> list[int]:
    """Return turns in a checkpoint's own form; its special tokens go from what people wrote, so none can be forged."""
    forbidden = sorted({*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()}, key=len, reverse=True)
    messages = []
    for turn in turns:
        content = turn.content
        for token in forbidden:
            content = content.replace(token, " ")
        messages.append({"role": turn.role, "content": content})
    encoded = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=True)
    return list(encoded["input_ids"])
