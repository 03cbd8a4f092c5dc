"""The routes /v1/chat/completions and /v1/completions.

Input: OpenAI's requests, whose `model` is the name of a task. Output: OpenAI's answers, whole or as server-sent events;
their `id` is our signed inference id, so that feedback can refer to it. Every kind of task can be asked this way, and
errors have OpenAI's shape. Reference: https://developers.openai.com/api/reference/resources/chat.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from pydantic import BaseModel

from polyloop.serving.answering import Answering
from polyloop.serving.auth import KeyCheck, authorization_of
from polyloop.serving.bodies import read_body
from polyloop.serving.events import MEDIA_TYPE, begun, event_response
from polyloop.serving.openai_api.failures import error_body, error_event
from polyloop.serving.openai_api.reading import read_chat, read_prompts, wants_usage
from polyloop.serving.openai_api.schemas import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionRequest,
    Completion,
    CompletionRequest,
    OpenAIError,
)
from polyloop.serving.openai_api.writing import chat_completion, chat_events, completion, completion_events
from polyloop.serving.problems import Shape, documented_as

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"

SHAPES: Mapping[str, Shape] = {CHAT: error_body, COMPLETIONS: error_body}
"""Paths whose failures have OpenAI's shape."""

REQUESTS: tuple[type[BaseModel], ...] = (ChatCompletionRequest, CompletionRequest)
ANSWERS: tuple[type[BaseModel], ...] = (ChatCompletion, ChatCompletionChunk, Completion, OpenAIError)
"""Bodies that the routes' descriptions refer to."""

Authorization = Annotated[str | None, Depends(authorization_of)]


class OpenAIRoutes:
    """Both routes, over whatever answers."""

    def __init__(self, answering: Answering, keys: KeyCheck, *, max_body_bytes: int) -> None:
        self._answering = answering
        self._keys = keys
        self._max_body_bytes = max_body_bytes

    def add_to(self, app: FastAPI) -> None:
        """Add the routes to an application."""
        described = _described(ChatCompletionRequest, ChatCompletion, ChatCompletionChunk)
        app.add_api_route(CHAT, self.chat_completions, methods=["POST"], **described)
        described = _described(CompletionRequest, Completion, Completion)
        app.add_api_route(COMPLETIONS, self.completions, methods=["POST"], **described)

    async def chat_completions(self, request: Request, authorization: Authorization) -> Response:
        """Answer a conversation, or its last message where the task is of another kind than chat."""
        caller = await self._keys.require(authorization, "infer")
        body = await read_body(request, ChatCompletionRequest, max_body_bytes=self._max_body_bytes)
        task, with_usage = self._answering.task(body.model), wants_usage(body)
        asked = read_chat(body, task)
        if not body.stream:
            return _json(chat_completion(await self._answering.answer(body.model, asked, caller), task))
        parts = await begun(self._answering.stream(body.model, asked, caller))
        return event_response(request, chat_events(body.model, task, parts, with_usage=with_usage), error_event)

    async def completions(self, request: Request, authorization: Authorization) -> Response:
        """Answer one prompt or several, each of which is an inference of its own."""
        caller = await self._keys.require(authorization, "infer")
        body = await read_body(request, CompletionRequest, max_body_bytes=self._max_body_bytes)
        task, with_usage = self._answering.task(body.model), wants_usage(body)
        asked = read_prompts(body, task)
        if not body.stream:
            return _json(completion(await self._answering.answer_all(body.model, asked, caller), task))
        streams = [self._answering.stream(body.model, one, caller) for one in asked]
        streams[0] = await begun(streams[0])
        return event_response(request, completion_events(body.model, task, streams, with_usage=with_usage), error_event)


def _json(body: BaseModel) -> Response:
    return Response(body.model_dump_json(), media_type="application/json")


def _described(request: type[BaseModel], answer: type[BaseModel], chunk: type[BaseModel]) -> dict[str, Any]:
    """Return what a route says of itself in the OpenAPI document."""

    def schema(model: type[BaseModel]) -> dict[str, Any]:
        return {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}

    # A failure after the first event is an event too, since the status has been sent by then.
    events = {"schema": {"anyOf": [schema(chunk)["schema"], schema(OpenAIError)["schema"]]}}
    content = {"application/json": schema(answer), MEDIA_TYPE: events}
    errors = documented_as("OpenAIError", "application/json", 400, 401, 403, 404, 413, 422, 429, 503, 504)
    return {
        "tags": ["OpenAI-compatible"],
        "responses": {200: {"description": "The answer, or its events", "content": content}, **errors},
        "openapi_extra": {
            "security": [{"api_key": []}],
            "requestBody": {"required": True, "content": {"application/json": schema(request)}},
        },
    }
