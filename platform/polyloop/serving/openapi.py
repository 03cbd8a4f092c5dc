"""One OpenAPI document for the whole API: the router's own routes, the task kinds' bodies, and the feedback route.

Input: the router's FastAPI application. Output: the document at /openapi.json and its page at /docs. The feedback
collector is an application of its own behind the same address, so its route is described here. Links say what can be
done with an answer, so that tools can go from one request to the next: feedback on its id, a look at a listed model.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from polyloop.feedback.records import FeedbackRequest
from polyloop.serving.batch_route import BatchRequest, BatchResults
from polyloop.serving.events import MEDIA_TYPE
from polyloop.serving.oip import routes as oip_routes
from polyloop.serving.openai_api import routes as openai_routes
from polyloop.serving.problems import documented
from polyloop.serving.releases.schemas import ReleaseChange
from polyloop.serving.schemas import FeedbackReceipt, Problem, StreamedPiece
from polyloop.tasks import KINDS

REF = "#/components/schemas/{model}"
SUMMARY = "Task models that get better from their users' feedback."


def _any_of(models: list[type[BaseModel]]) -> dict[str, Any]:
    """Return the schema of bodies of several kinds; one of one kind often fits others, as {"input": ...} does."""
    return {"anyOf": [{"$ref": REF.format(model=model.__name__)} for model in models]}


NEEDS_KEY: dict[str, Any] = {"security": [{"api_key": []}]}
"""What a route that takes an API key adds to its description."""

_SECURITY_SCHEMES = {
    "api_key": {"type": "http", "scheme": "bearer", "description": "An API key, made by `polyloop key create`."}
}


def _link(operation: str, description: str, **sent: Any) -> dict[str, Any]:
    """Return the link of a response to the operation that can be asked with some of it."""
    return {"links": {operation: {"operationId": operation, "description": description, **sent}}}


TASKS_ROUTE: dict[str, Any] = {
    "responses": {
        200: _link("answer_task", "A listed task can be asked.", parameters={"task": "$response.body#/tasks/0/task"}),
        **documented(401, 403, 503),
    },
    "openapi_extra": NEEDS_KEY,
}

MODELS_ROUTE: dict[str, Any] = {
    "responses": {
        200: _link("show_model", "A listed model can be shown.", parameters={"model": "$response.body#/data/0/id"}),
        **documented(401, 403, 503),
    },
    "openapi_extra": NEEDS_KEY,
}

TASK_ROUTE: dict[str, Any] = {
    "operation_id": "answer_task",
    "responses": {
        200: {
            "description": "The answer",
            **_link(
                "give_feedback",
                "Feedback refers to the answer's id.",
                requestBody={"inference_id": "$response.body#/id", "rating": 1},
            ),
            "content": {
                "application/json": {"schema": _any_of([kind.answer_model for kind in KINDS.values()])},
                MEDIA_TYPE: {
                    "schema": _any_of([StreamedPiece, *(kind.answer_model for kind in KINDS.values()), Problem])
                },
            },
        },
        **documented(400, 401, 403, 404, 413, 422, 429, 503, 504),
    },
    "openapi_extra": {
        **NEEDS_KEY,
        "parameters": [
            {
                "name": "version",
                "in": "query",
                "required": False,
                "description": "For keys with the scope admin: the champion, canary, shadow or previous champion that "
                "shall answer. Left out, the release decides.",
                "schema": {"type": "string"},
            },
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _any_of([kind.request_model for kind in KINDS.values()])}},
        },
    },
}

MODEL_ROUTE: dict[str, Any] = {
    "operation_id": "show_model",
    "responses": documented(401, 403, 404, 503),
    "openapi_extra": NEEDS_KEY,
}

_FEEDBACK_ROUTE: dict[str, Any] = {
    "tags": ["feedback"],
    "summary": "Give feedback",
    "description": "State a rating, a correction or a comment on one inference. Answered after it is committed.",
    "operationId": "give_feedback",
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "Makes a repeated request safe: the same key and body are stored once.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        },
    ],
    **NEEDS_KEY,
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": REF.format(model="FeedbackRequest")}}},
    },
    "responses": {
        "201": {
            "description": "Committed",
            "content": {"application/json": {"schema": {"$ref": REF.format(model="FeedbackReceipt")}}},
        },
        **{str(status): body for status, body in documented(400, 401, 403, 404, 409, 413, 422, 503).items()},
    },
}


def install(app: FastAPI, tasks: Sequence[str]) -> None:
    """Make `app` serve the whole document, which names the tasks that a path may have."""
    app.openapi = partial(_document, app, tasks)  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _document(app: FastAPI, tasks: Sequence[str]) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, summary=SUMMARY, routes=app.routes)
        kinds = KINDS.values()
        read: list[type[BaseModel]] = [FeedbackRequest, BatchRequest, ReleaseChange]
        read += [kind.request_model for kind in kinds]
        read += [*openai_routes.REQUESTS, *oip_routes.REQUESTS]
        sent: list[type[BaseModel]] = [Problem, FeedbackReceipt, StreamedPiece, BatchResults]
        sent += [kind.answer_model for kind in kinds]
        sent += [*openai_routes.ANSWERS, *oip_routes.ANSWERS]
        modes: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in read]
        modes += [(model, "serialization") for model in sent]
        _, definitions = models_json_schema(modes, ref_template=REF)
        components = document.setdefault("components", {})
        components.setdefault("schemas", {}).update(definitions["$defs"])
        components["securitySchemes"] = _SECURITY_SCHEMES
        document["paths"]["/v1/feedback"] = {"post": _FEEDBACK_ROUTE}
        _name_tasks(document, tasks)
        app.openapi_schema = document
    return app.openapi_schema


def _name_tasks(document: dict[str, Any], tasks: Sequence[str]) -> None:
    """Say which tasks there are wherever a path has one."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if (parameter["in"], parameter["name"]) == ("path", "task"):
                    parameter["schema"] = {**parameter["schema"], "enum": list(tasks)}
