"""Turns our answers into OpenAI's bodies, whole or as the events of a stream.

Input: a `TaskAnswer`, or pieces of text and then the answer. Output: JSON texts, and events that end with
`data: [DONE]`. The shape of the events is what api.openai.com sends: a first one with the role, some with text, one
with the finish reason, one with the usage where it was asked for.
"""

import time
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from pydantic import BaseModel, JsonValue

from polyloop.serving.answering import Piece
from polyloop.serving.events import event, side_by_side
from polyloop.serving.openai_api.schemas import (
    ChatChoice,
    ChatCompletion,
    ChatCompletionChunk,
    ChunkChoice,
    Completion,
    CompletionChoice,
    FinishReason,
    OpenAIDelta,
    OpenAIReply,
    OpenAIUsage,
)
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of
from polyloop.tasks.base import TaskAnswer
from polyloop.tasks.writing import TextKind

DONE = event("[DONE]")

Parts = AsyncGenerator[Piece | TaskAnswer]


def chat_completion(answer: TaskAnswer, task: TaskSpec) -> ChatCompletion:
    """Return an answer as a chat completion."""
    choice = ChatChoice(index=0, message=OpenAIReply(content=answer.output), finish_reason=finish_reason(answer, task))
    return ChatCompletion(
        id=answer.id,
        created=_now(),
        model=answer.task,
        system_fingerprint=answer.version,
        choices=(choice,),
        usage=usage_of([answer]),
        polyloop=own_facts(answer),
    )


def completion(answers: Sequence[TaskAnswer], task: TaskSpec) -> Completion:
    """Return the answers to one request's prompts as a completion."""
    versions = {answer.version for answer in answers}
    return Completion(
        id=answers[0].id if len(answers) == 1 else _name(),
        created=_now(),
        model=answers[0].task,
        system_fingerprint=versions.pop() if len(versions) == 1 else None,
        choices=tuple(_choice(number, answer.output, answer, task) for number, answer in enumerate(answers)),
        usage=usage_of(answers),
    )


async def chat_events(name: str, task: TaskSpec, parts: Parts, *, with_usage: bool) -> AsyncGenerator[str]:
    """Yield the events of one chat completion of the task `name`."""
    created, is_first = _now(), True

    def chunk(part: Piece | TaskAnswer, *choices: ChunkChoice, **others: object) -> str:
        facts = _facts("chat.completion.chunk", part.id, created, name, part.version, with_usage)
        return _sent(ChatCompletionChunk.model_validate({**facts, "choices": choices, **others}))

    async with aclosing(parts):
        async for part in parts:
            if is_first:
                yield chunk(part, _added(OpenAIDelta(role="assistant", content="")))
                is_first = False
            if isinstance(part, Piece):
                yield chunk(part, _added(OpenAIDelta(content=part.text)))
            else:
                last = _added(OpenAIDelta(), finish_reason(part, task))
                yield chunk(part, last, polyloop=own_facts(part))
                if with_usage:
                    yield chunk(part, usage=usage_of([part]))
    yield DONE


async def completion_events(
    name: str, task: TaskSpec, streams: Sequence[Parts], *, with_usage: bool
) -> AsyncGenerator[str]:
    """Yield the events of one completion of the task `name`; its prompts are answered side by side."""
    created, answers = _now(), list[TaskAnswer]()
    own_name = _name() if len(streams) > 1 else None

    def chunk(part: Piece | TaskAnswer, *choices: CompletionChoice, **others: object) -> str:
        facts = _facts("text_completion", own_name or part.id, created, name, part.version, with_usage)
        return _sent(Completion.model_validate({**facts, "choices": choices, **others}))

    async with aclosing(side_by_side(streams)) as numbered:
        async for number, part in numbered:
            if isinstance(part, Piece):
                yield chunk(part, CompletionChoice(index=number, text=part.text, logprobs=None, finish_reason=None))
            else:
                answers.append(part)
                yield chunk(part, _choice(number, "", part, task))
    if with_usage:
        yield chunk(answers[-1], usage=usage_of(answers))
    yield DONE


def finish_reason(answer: TaskAnswer, task: TaskSpec) -> FinishReason:
    """Return "length" for an output that reached the task's longest, and so may have been cut off, else "stop"."""
    kind = kind_of(task)
    if not isinstance(kind, TextKind):
        return "stop"
    limit = kind.output_limit(answer.usage.input_tokens, task.model.max_target_tokens)
    return "length" if answer.usage.output_tokens >= limit else "stop"


def usage_of(answers: Sequence[TaskAnswer]) -> OpenAIUsage:
    """Return the tokens of all answers together."""
    read = sum(answer.usage.input_tokens for answer in answers)
    written = sum(answer.usage.output_tokens for answer in answers)
    return OpenAIUsage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written)


def own_facts(answer: TaskAnswer) -> dict[str, JsonValue]:
    """Return what an answer has beyond what OpenAI's bodies have a place for: locale, scores, citations and so on."""
    facts: dict[str, JsonValue] = answer.model_dump(
        mode="json", exclude={"task", "version", "output", "usage"}, exclude_none=True
    )
    return facts


def _choice(number: int, text: str, answer: TaskAnswer, task: TaskSpec) -> CompletionChoice:
    reason = finish_reason(answer, task)
    return CompletionChoice(index=number, text=text, logprobs=None, finish_reason=reason, polyloop=own_facts(answer))


def _added(delta: OpenAIDelta, reason: FinishReason | None = None) -> ChunkChoice:
    return ChunkChoice(index=0, delta=delta, logprobs=None, finish_reason=reason)


def _facts(kind: str, id_: str, created: int, name: str, version: str, with_usage: bool) -> dict[str, Any]:
    """Return what all events of one answer say."""
    facts = {"id": id_, "object": kind, "created": created, "model": name, "system_fingerprint": version}
    return {**facts, "usage": None} if with_usage else facts


def _sent(body: BaseModel) -> str:
    """Return a body as an event; what was not set stays out, what was set to null is sent."""
    return event(body.model_dump_json(exclude_unset=True))


def _now() -> int:
    return int(time.time())


def _name() -> str:
    """Return a name for an answer to several prompts, which feedback can not take for an inference id."""
    return f"cmpl-{uuid.uuid4().hex}"
