"""Bodies of the OpenAI-compatible API, as pydantic models: what openai-python 3.57 sends and understands.

Requests take any further parameter; `parameters` says what becomes of each. Answers carry a member `polyloop` beside
OpenAI's own, with what our answers have and theirs have no place for; OpenAI's clients keep it as an extra attribute.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema

from polyloop.serving.schemas import WireModel

MAX_PROMPTS = 64
"""Most prompts of one completion request."""

CONTENT_SCHEMA: dict[str, JsonValue] = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
                "required": ["type", "text"],
            },
        },
    ]
}
PROMPT_SCHEMA: dict[str, JsonValue] = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MAX_PROMPTS},
    ]
}


class _Open(BaseModel):
    """Base of requests: immutable, further keys kept."""

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)


class StreamOptions(_Open):
    """How a stream is sent."""

    include_usage: bool | None = None
    """Send one more event with the usage."""


class OpenAIRequest(_Open):
    """What both kinds of request have in common; any other parameter of OpenAI's may stand beside."""

    model: str
    """Name of a task; the version that answers is what the release says."""
    stream: bool | None = None
    """Send the text in events as it is written."""
    stream_options: StreamOptions | None = None
    """Only with `stream`."""
    user: str | None = None
    """Your own id of the person who asks, kept with the inference."""
    safety_identifier: str | None = None
    """OpenAI's newer name for `user`; read where `user` is absent."""


class OpenAIMessage(_Open):
    """One turn of a conversation."""

    role: str
    """system or developer, user, assistant."""
    content: Annotated[JsonValue, WithJsonSchema(CONTENT_SCHEMA)] = None
    """What was said: a text, or parts of text."""


class ChatCompletionRequest(OpenAIRequest):
    """A conversation to go on with; tasks of other kinds than chat take the user's last message as their input."""

    messages: Annotated[tuple[OpenAIMessage, ...], Field(fail_fast=True)] = Field(max_length=1_000)
    """The turns so far, the user's last."""


class CompletionRequest(OpenAIRequest):
    """One input or several."""

    prompt: Annotated[JsonValue, WithJsonSchema(PROMPT_SCHEMA)]
    """The input, or a list of inputs, each of which is an inference of its own."""


class OpenAIUsage(WireModel):
    """Tokens that the answer took."""

    prompt_tokens: int
    """Tokens read."""
    completion_tokens: int
    """Tokens written; 0 for classify."""
    total_tokens: int
    """Both together."""


FinishReason = Literal["stop", "length"]


class OpenAIDelta(WireModel):
    """What one event adds to a message."""

    role: Literal["assistant"] | None = None
    """In the first event."""
    content: str | None = None
    """Some more text."""


class OpenAIReply(WireModel):
    """The reply."""

    role: Literal["assistant"] = "assistant"
    """Always the assistant."""
    content: str
    """The task's output."""
    refusal: None = None
    """Always null."""


class ChatChoice(WireModel):
    """The one reply."""

    index: int
    """Always 0."""
    message: OpenAIReply
    """The reply."""
    logprobs: None = None
    """Always null."""
    finish_reason: FinishReason
    """stop, or length where the output reached the task's longest."""


class ChunkChoice(WireModel):
    """What one event adds."""

    index: int
    """Always 0."""
    delta: OpenAIDelta
    """What is added."""
    logprobs: None = None
    """Always null."""
    finish_reason: FinishReason | None = None
    """Set in the last event with a choice."""


class CompletionChoice(WireModel):
    """The output for one prompt, or in an event some more of it."""

    index: int
    """Place of the prompt in the request."""
    text: str
    """The output."""
    logprobs: None = None
    """Always null."""
    finish_reason: FinishReason | None = None
    """stop, or length where the output reached the task's longest; in a stream null until the prompt's last event."""
    polyloop: dict[str, JsonValue] | None = None
    """Ours: the inference id of this choice, locale, scores, citations and what else the task's answer has."""


class ChatCompletion(WireModel):
    """The answer to a chat completion request."""

    id: str
    """Signed inference id; feedback refers to it."""
    object: Literal["chat.completion"] = "chat.completion"
    """Kind of the body."""
    created: int
    """Unix time in seconds."""
    model: str
    """Name of the task."""
    system_fingerprint: str
    """Model version that answered."""
    choices: tuple[ChatChoice, ...]
    """One."""
    usage: OpenAIUsage
    """Tokens."""
    polyloop: dict[str, JsonValue]
    """Ours: locale, scores, citations and what else the task's answer has."""


class ChatCompletionChunk(WireModel):
    """One event of a streamed chat completion."""

    id: str
    """Signed inference id, the same in all events."""
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    """Kind of the body."""
    created: int
    """Unix time in seconds, the same in all events."""
    model: str
    """Name of the task."""
    system_fingerprint: str
    """Model version that answers."""
    choices: tuple[ChunkChoice, ...]
    """One, or none in the event that tells the usage."""
    usage: OpenAIUsage | None = None
    """Where it was asked for: null but in the last event."""
    polyloop: dict[str, JsonValue] | None = None
    """Ours, in the event with the finish reason."""


class Completion(WireModel):
    """The answer to a completion request, or one event of it."""

    id: str
    """Signed inference id; with several prompts a mere name, and each choice has its own id under `polyloop`."""
    object: Literal["text_completion"] = "text_completion"
    """Kind of the body."""
    created: int
    """Unix time in seconds."""
    model: str
    """Name of the task."""
    system_fingerprint: str | None
    """Model version that answered; null where several prompts met several versions."""
    choices: tuple[CompletionChoice, ...]
    """One a prompt."""
    usage: OpenAIUsage | None = None
    """Tokens of all prompts together."""


class OpenAIErrorFacts(WireModel):
    """What was wrong."""

    message: str
    """With which value, and what to send instead."""
    type: str
    """Class of error, by the status."""
    param: str | None
    """Place in the request, if it is at one."""
    code: str
    """Stable name of the error, for programs."""


class OpenAIError(WireModel):
    """An error, in OpenAI's shape."""

    error: OpenAIErrorFacts
    """What was wrong."""
