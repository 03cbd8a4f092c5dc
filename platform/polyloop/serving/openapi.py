"""One OpenAPI document for the whole API: the router's own routes, the task kinds' bodies, and the feedback route.

Input: the router's FastAPI application. Output: the document at /openapi.json and its page at /docs. The feedback
collector is an application of its own behind the same address, so its route is described here.
"""

from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from polyloop.feedback.records import FeedbackRequest
from polyloop.serving.events import MEDIA_TYPE
from polyloop.serving.oip import routes as oip_routes
from polyloop.serving.openai_api import routes as openai_routes
from polyloop.serving.problems import documented
from polyloop.serving.releases.schemas import ReleaseChange
from polyloop.serving.schemas import FeedbackReceipt, Problem, StreamedPiece
from polyloop.tasks import KINDS

REF = "#/components/schemas/{model}"
SUMMARY = "Task models that get better from their users' feedback."


def _one_of(models: list[type[BaseModel]]) -> dict[str, Any]:
    return {"oneOf": [{"$ref": REF.format(model=model.__name__)} for model in models]}


NEEDS_KEY: dict[str, Any] = {"security": [{"api_key": []}]}
"""What a route that takes an API key adds to its description."""

_SECURITY_SCHEMES = {
    "api_key": {"type": "http", "scheme": "bearer", "description": "An API key, made by `polyloop key create`."}
}

TASK_ROUTE: dict[str, Any] = {
    "responses": {
        200: {
            "description": "The answer",
            "content": {
                "application/json": {"schema": _one_of([kind.answer_model for kind in KINDS.values()])},
                MEDIA_TYPE: {"schema": _one_of([StreamedPiece, *(kind.answer_model for kind in KINDS.values())])},
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
            "content": {"application/json": {"schema": _one_of([kind.request_model for kind in KINDS.values()])}},
        },
    },
}

MODEL_ROUTE: dict[str, Any] = {"responses": documented(401, 403, 404, 503), "openapi_extra": NEEDS_KEY}

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


def install(app: FastAPI) -> None:
    """Make `app` serve the whole document."""
    app.openapi = partial(_document, app)  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, summary=SUMMARY, routes=app.routes)
        kinds = KINDS.values()
        read: list[type[BaseModel]] = [FeedbackRequest, ReleaseChange, *(kind.request_model for kind in kinds)]
        read += [*openai_routes.REQUESTS, *oip_routes.REQUESTS]
        sent: list[type[BaseModel]] = [Problem, FeedbackReceipt, StreamedPiece, *(kind.answer_model for kind in kinds)]
        sent += [*openai_routes.ANSWERS, *oip_routes.ANSWERS]
        modes: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in read]
        modes += [(model, "serialization") for model in sent]
        _, definitions = models_json_schema(modes, ref_template=REF)
        components = document.setdefault("components", {})
        components.setdefault("schemas", {}).update(definitions["$defs"])
        components["securitySchemes"] = _SECURITY_SCHEMES
        document["paths"]["/v1/feedback"] = {"post": _FEEDBACK_ROUTE}
        app.openapi_schema = document
    return app.openapi_schema
