"""The route POST /v1/tasks/{task}:batch: several inputs to one task, each of which succeeds or fails alone.

Input: requests of the task's kind. Output: a result for each, in their order, an answer or a problem with the status
that it would have had by itself. For a key's limits, a batch is one request in flight and as many inputs as it has.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from pydantic import Field, JsonValue, ValidationError
from pydantic_core import to_json

from polyloop.errors import RequestError
from polyloop.serving.answering import Answering
from polyloop.serving.auth import KeyCheck, authorization_of
from polyloop.serving.bodies import explain, read_body
from polyloop.serving.problems import describe, documented
from polyloop.serving.schemas import Problem, WireModel
from polyloop.tasks import kind_of
from polyloop.tasks.base import TaskAnswer, TaskRequest

PATH = "/v1/tasks/{task}:batch"
MAX_INPUTS = 256


class BatchRequest(WireModel):
    """Several requests to one task."""

    inputs: Annotated[list[dict[str, JsonValue]], Field(min_length=1, max_length=MAX_INPUTS)]
    """Each is what POST /v1/tasks/{task} takes."""


class BatchResult(WireModel):
    """What became of one input: either of the two."""

    answer: JsonValue = None
    """What POST /v1/tasks/{task} answers."""
    problem: Problem | None = None
    """Why there is no answer; `problem.status` says whether to send it again."""


class BatchResults(WireModel):
    """What became of all inputs."""

    results: list[BatchResult]
    """In the order of the inputs."""


class BatchRoute:
    """The route, over whatever answers."""

    def __init__(self, answering: Answering, keys: KeyCheck, *, max_body_bytes: int) -> None:
        self._answering, self._keys, self._max_body_bytes = answering, keys, max_body_bytes

    def add_to(self, app: FastAPI) -> None:
        """Add the route to an application, before any whose path takes every name of a task."""
        app.add_api_route(PATH, self.answer_batch, methods=["POST"], tags=["inference"], **_DESCRIBED)

    async def answer_batch(
        self, task: str, request: Request, authorization: Annotated[str | None, Depends(authorization_of)]
    ) -> Response:
        """Answer several inputs; the status is 200 also where all of them failed, each with a problem of its own."""
        caller = await self._keys.require(authorization, "infer")
        model = kind_of(self._answering.task(task)).request_model
        body = await read_body(request, BatchRequest, max_body_bytes=self._max_body_bytes)
        read = [_read(model, one) for one in body.inputs]
        answered = iter(
            await self._answering.answer_each(task, [one for one in read if isinstance(one, TaskRequest)], caller)
        )
        results = [one if isinstance(one, RequestError) else next(answered) for one in read]
        return Response(_written(request, results), media_type="application/json")


def _read(model: type[TaskRequest], item: dict[str, JsonValue]) -> TaskRequest | RequestError:
    try:
        return model.model_validate_json(to_json(item), strict=True)
    except ValidationError as error:
        return explain(error)


def _written(request: Request, results: Sequence[TaskAnswer | Exception]) -> bytes:
    body = {
        "results": [
            {"problem": describe(request, one).problem.model_dump(exclude_none=True)}
            if isinstance(one, Exception)
            else {"answer": one.model_dump(exclude_none=True)}
            for one in results
        ]
    }
    return to_json(body)


def _described() -> dict[str, Any]:
    """Return what the route says of itself in the OpenAPI document."""

    def of(model: str) -> dict[str, Any]:
        return {"application/json": {"schema": {"$ref": f"#/components/schemas/{model}"}}}

    return {
        "responses": {
            200: {"description": "A result for each input", "content": of("BatchResults")},
            **documented(400, 401, 403, 404, 413, 422, 429, 503),
        },
        "openapi_extra": {
            "security": [{"api_key": []}],
            "requestBody": {"required": True, "content": of("BatchRequest")},
        },
    }


_DESCRIBED = _described()
