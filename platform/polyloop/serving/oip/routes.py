"""The routes of the Open Inference Protocol v2, below /v2: health, metadata and inference.

Input: tensors of texts. Output: tensors of outputs with their signed inference ids. A model is a task. Releases choose
versions, so that the champion is the only one that can be named in a path; all others are 404. Who names it gets it,
canary or not. Errors are {"error": ...}.
Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from pydantic import BaseModel

from polyloop import __version__
from polyloop.errors import ParameterError, RequestError
from polyloop.serving.answering import Answering
from polyloop.serving.auth import KeyCheck, authorization_of
from polyloop.serving.bodies import read_body
from polyloop.serving.oip.schemas import (
    InferenceError,
    InferenceRequest,
    InferenceResponse,
    ModelMetadata,
    ModelReady,
    ServerLive,
    ServerMetadata,
    ServerReady,
)
from polyloop.serving.oip.tensors import input_metadata, output_metadata, output_tensors, read_requests
from polyloop.serving.problems import Failure, Shape, documented_as
from polyloop.tasks.base import TaskAnswer

ROOT = "/v2"
MODEL = f"{ROOT}/models/{{task}}"
VERSION = f"{MODEL}/versions/{{version}}"

REQUESTS: tuple[type[BaseModel], ...] = (InferenceRequest,)
ANSWERS: tuple[type[BaseModel], ...] = (InferenceResponse, InferenceError)
"""Bodies that the routes' descriptions refer to."""

Authorization = Annotated[str | None, Depends(authorization_of)]


async def version_of(request: Request) -> str | None:
    """Return the version that a path names, if it does; a coroutine for the same reason as `authorization_of`."""
    return request.path_params.get("version")


Version = Annotated[str | None, Depends(version_of)]


def error_body(failure: Failure) -> dict[str, Any]:
    """Return the JSON body of a failure."""
    return InferenceError(error=failure.problem.detail, code=failure.problem.code).model_dump()


SHAPES: Mapping[str, Shape] = {ROOT: error_body}
"""Paths whose failures have the protocol's shape."""


class InferenceRoutes:
    """The routes, over whatever answers."""

    def __init__(self, answering: Answering, keys: KeyCheck, *, max_body_bytes: int) -> None:
        self._answering = answering
        self._keys = keys
        self._max_body_bytes = max_body_bytes

    def add_to(self, app: FastAPI) -> None:
        """Add the routes to an application."""
        common: dict[str, Any] = {"tags": ["Open Inference Protocol"], "response_model_exclude_none": True}
        app.add_api_route(f"{ROOT}/health/live", self.live, **common)
        app.add_api_route(f"{ROOT}/health/ready", self.ready, responses={503: {"model": ServerReady}}, **common)
        app.add_api_route(ROOT, self.server_metadata, **common, responses=_errors(401, 403), openapi_extra=_NEEDS_KEY)
        for path, parameters in ((MODEL, []), (VERSION, [_VERSION_PARAMETER])):
            extra = {**_NEEDS_KEY, "parameters": parameters}
            app.add_api_route(
                path, self.model_metadata, **common, responses=_errors(401, 403, 404), openapi_extra=extra
            )
            not_ready = {**_errors(401, 403, 404), 503: {"model": ModelReady}}
            app.add_api_route(f"{path}/ready", self.model_ready, **common, responses=not_ready, openapi_extra=extra)
            asks = {**extra, "requestBody": {"required": True, **_json_of(InferenceRequest)}}
            app.add_api_route(
                f"{path}/infer", self.infer, methods=["POST"], **common, responses=_INFERRED, openapi_extra=asks
            )

    async def live(self) -> ServerLive:
        """Say that the server runs."""
        return ServerLive(live=True)

    def ready(self, response: Response) -> ServerReady:
        """Say whether every task's champion is loaded in a live replica (503 if not)."""
        is_ready = not self._answering.unready()
        response.status_code = 200 if is_ready else 503
        return ServerReady(ready=is_ready)

    async def server_metadata(self, authorization: Authorization) -> ServerMetadata:
        """Say what this server is."""
        await self._keys.require(authorization, "infer")
        return ServerMetadata(name="polyloop", version=__version__, extensions=[])

    async def model_metadata(self, task: str, authorization: Authorization, version: Version) -> ModelMetadata:
        """Say what a task takes and gives."""
        await self._keys.require(authorization, "infer")
        spec = self._answering.task(task)
        _require(task, version, self._answering.champion(task))
        champion = self._answering.champion(task)
        return ModelMetadata(
            name=task,
            versions=[champion] if champion else [],
            platform=f"polyloop_{spec.kind}",
            inputs=input_metadata(spec),
            outputs=output_metadata(spec),
        )

    async def model_ready(
        self, task: str, response: Response, authorization: Authorization, version: Version
    ) -> ModelReady:
        """Say whether a task's champion is loaded in a live replica (503 if not)."""
        await self._keys.require(authorization, "infer")
        self._answering.task(task)
        _require(task, version, self._answering.champion(task))
        is_ready = task not in await asyncio.to_thread(self._answering.unready)
        response.status_code = 200 if is_ready else 503
        return ModelReady(name=task, ready=is_ready)

    async def infer(self, task: str, request: Request, authorization: Authorization, version: Version) -> Response:
        """Answer each text of the tensor `input`."""
        caller = await self._keys.require(authorization, "infer")
        spec = self._answering.task(task)
        _require(task, version, self._answering.champion(task))
        body = await read_body(request, InferenceRequest, max_body_bytes=self._max_body_bytes)
        wanted = _wanted(body, [tensor.name for tensor in output_metadata(spec)])
        answers = await self._answering.answer_all(task, read_requests(body, spec), caller, named=version)
        for answer in answers:  # a promotion may have come between
            _require(task, version, answer.version)
        tensors = [tensor for tensor in output_tensors(answers, spec) if tensor.name in wanted]
        content = InferenceResponse(
            model_name=task,
            model_version=_one_version(answers),
            id=body.id,
            parameters={
                "input_tokens": sum(answer.usage.input_tokens for answer in answers),
                "output_tokens": sum(answer.usage.output_tokens for answer in answers),
            },
            outputs=tensors,
        )
        return Response(content.model_dump_json(exclude_none=True), media_type="application/json")


def _require(task: str, version: str | None, champion: str | None) -> None:
    """Refuse a version other than the champion."""
    if version is not None and version != champion:
        raise RequestError(
            f"the task {task!r} serves {champion or 'no version yet'}, not {version[:80]!r}; releases choose which "
            "version answers, so leave the version out, or promote it",
            404,
            "version_not_served",
        )


def _wanted(body: InferenceRequest, known: Sequence[str]) -> set[str]:
    """Return the names of the output tensors to send; ParameterError for one that the task does not give."""
    if body.outputs is None:
        return set(known)
    names = {output.name for output in body.outputs}
    unknown = sorted(names - set(known))
    if unknown:
        raise ParameterError(f"outputs: this task gives no {unknown[0][:80]!r}; it gives {', '.join(known)}", "outputs")
    return names or set(known)


def _one_version(answers: Sequence[TaskAnswer]) -> str | None:
    versions = {answer.version for answer in answers}
    return versions.pop() if len(versions) == 1 else None


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return documented_as("InferenceError", "application/json", *statuses)


def _json_of(model: type[BaseModel]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}}


_NEEDS_KEY: dict[str, Any] = {"security": [{"api_key": []}]}
_VERSION_PARAMETER: dict[str, Any] = {
    "name": "version",
    "in": "path",
    "required": True,
    "description": "The champion; any other version is a 404.",
    "schema": {"type": "string"},
}
_INFERRED: dict[int | str, dict[str, Any]] = {
    200: {"description": "The answers", **_json_of(InferenceResponse)},
    **_errors(400, 401, 403, 404, 413, 422, 429, 503, 504),
}
