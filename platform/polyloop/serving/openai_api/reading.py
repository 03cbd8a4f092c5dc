"""Turns OpenAI's requests into the requests of our tasks.

Input: a parsed body and the task that it names. Output: one `TaskRequest`, or one a prompt. Errors: `ParameterError`
with the place that is wrong: 400 where it asks for what Polyloop does not do, 422 where its content does not fit.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue, ValidationError

from polyloop.errors import ParameterError, RequestError
from polyloop.serving.bodies import explain
from polyloop.serving.openai_api.parameters import own_fields
from polyloop.serving.openai_api.schemas import (
    MAX_PROMPTS,
    ChatCompletionRequest,
    CompletionRequest,
    OpenAIMessage,
    OpenAIRequest,
)
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of
from polyloop.tasks.base import TaskRequest
from polyloop.tasks.chat import ChatRequest, Turn

ROLES: Mapping[str, str] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
"""OpenAI's roles and ours; "developer" is its newer name for "system"."""

TURN_KEYS = frozenset({"name", "refusal", "annotations", "audio"})
"""What a message may carry besides role and content: names, and leftovers of earlier answers that are sent back."""


def read_chat(body: ChatCompletionRequest, task: TaskSpec) -> TaskRequest:
    """Return the request of a conversation: its turns for a chat task, else the user's last message."""
    turns = [_turn(message, place) for place, message in enumerate(body.messages)]
    if not turns or turns[-1].role != "user":
        raise ParameterError("messages: the last one must be the user's; replies cannot be begun here", "messages")
    said: dict[str, Any] = {"input": turns[-1].content}
    if issubclass(kind_of(task).request_model, ChatRequest):
        said = {"messages": tuple(turns)}
    return _request(body, task, said, "messages")


def read_prompts(body: CompletionRequest, task: TaskSpec) -> list[TaskRequest]:
    """Return one request a prompt, in their order."""
    prompts = body.prompt if isinstance(body.prompt, list) else [body.prompt]
    if not 0 < len(prompts) <= MAX_PROMPTS or not all(isinstance(prompt, str) for prompt in prompts):
        raise ParameterError(f"prompt: send a text, or 1 to {MAX_PROMPTS} texts; tokens are not taken", "prompt")
    return [_request(body, task, {"input": prompt}, "prompt") for prompt in prompts]


def wants_usage(body: OpenAIRequest) -> bool:
    """Return whether a stream shall end with the usage; ParameterError for stream options without a stream."""
    if body.stream_options is None:
        return False
    if not body.stream:
        raise ParameterError("stream_options: only with `stream`: true", "stream_options")
    return bool(body.stream_options.include_usage)


def _turn(message: OpenAIMessage, place: int) -> Turn:
    where = f"messages[{place}]"
    role = ROLES.get(message.role)
    if role is None:
        raise ParameterError(
            f"{where}.role: {message.role[:40]!r} is not taken; it takes {', '.join(ROLES)}", f"{where}.role"
        )
    for name, value in (message.model_extra or {}).items():
        if value and name not in TURN_KEYS:
            raise ParameterError(f"{where}.{name}: this is not taken; send text alone", f"{where}.{name}")
    try:
        return Turn.model_validate({"role": role, "content": _text(message.content, f"{where}.content")})
    except ValidationError as error:
        raise _at(explain(error), f"{where}.content") from None


def _text(content: JsonValue, place: str) -> str:
    """Return the text of a content, which comes whole or in parts."""
    if isinstance(content, str):
        return content
    texts = [
        _part(part, f"{place}[{number}]") for number, part in enumerate(content if isinstance(content, list) else [])
    ]
    if not texts:
        raise ParameterError(f"{place}: send a text, or parts of text", place)
    return "\n".join(texts)


def _part(part: JsonValue, place: str) -> str:
    text = part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None
    if not isinstance(text, str):
        raise ParameterError(f"{place}: only parts of the type 'text' are taken", place)
    return text


def _request(body: OpenAIRequest, task: TaskSpec, said: Mapping[str, Any], place: str) -> TaskRequest:
    """Return the task's request that says `said`, with the parameters that are the task's own."""
    fields = {**own_fields(body.model_extra or {}, task), **said}
    user = body.user if body.user is not None else body.safety_identifier
    if user is not None:
        fields["user"] = user
    try:
        return kind_of(task).request_model.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]["loc"]
        raise _at(explain(error), place if not first or first[0] in said else str(first[0])) from None


def _at(error: RequestError, place: str) -> ParameterError:
    return ParameterError(error.message, place, error.status, error.code)
