"""One OpenAPI document for the whole API: the router's own routes, the task kinds' bodies, and the feedback route.

Input: the router's FastAPI application. Output: the document at /openapi.json and its page at /docs. The feedback
collector is an application of its own behind the same address, so its route is described here.
"""

from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from polyloop.feedback.records import FeedbackRequest
from polyloop.serving.problems import documented
from polyloop.serving.schemas import FeedbackReceipt, Problem
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
            "content": {"application/json": {"schema": _one_of([kind.answer_model for kind in KINDS.values()])}},
        },
        **documented(400, 401, 403, 404, 413, 422, 429, 503, 504),
    },
    "openapi_extra": {
        **NEEDS_KEY,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _one_of([kind.request_model for kind in KINDS.values()])}},
        },
    },
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


def install(app: FastAPI) -> None:
    """Make `app` serve the whole document."""
    app.openapi = partial(_document, app)  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, summary=SUMMARY, routes=app.routes)
        models: list[type[BaseModel]] = [Problem, FeedbackRequest, FeedbackReceipt]
        models += [model for kind in KINDS.values() for model in (kind.request_model, kind.answer_model)]
        _, definitions = models_json_schema(
            [(model, "serialization" if "Answer" in model.__name__ else "validation") for model in models],
            ref_template=REF,
        )
        components = document.setdefault("components", {})
        components.setdefault("schemas", {}).update(definitions["$defs"])
        components["securitySchemes"] = _SECURITY_SCHEMES
        document["paths"]["/v1/feedback"] = {"post": _FEEDBACK_ROUTE}
        app.openapi_schema = document
    return app.openapi_schema
