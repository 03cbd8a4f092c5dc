"""Turns every failure of a request into one problem+json answer (RFC 9457) with a stable code.

Input: an exception. Output: a response whose detail says what was wrong, with which value, and what to send instead.
Unforeseen failures are logged with their traceback and answered without any inner detail.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from polyloop.errors import FeedbackError, PolyloopError, RequestError, StorageFullError
from polyloop.serving.schemas import Problem

logger = logging.getLogger("polyloop.serving")

PROBLEM_MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of the problems that a route can answer with."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {PROBLEM_MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def problem_response(
    request: Request, status: int, code: str, detail: str, extra_headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return the answer for one failure; 429 and 503 carry Retry-After, 401 the scheme to use."""
    problem = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        request_id=request.headers.get("x-request-id"),
    )
    headers = dict(extra_headers or {})
    if status in (429, 503):
        headers["Retry-After"] = str(RETRY_AFTER_S)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(
        problem.model_dump(exclude_none=True), status_code=status, headers=headers, media_type=PROBLEM_MEDIA_TYPE
    )


def install_problem_handlers(app: FastAPI) -> None:
    """Make `app` answer all failures with problem+json."""
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(PolyloopError, _on_named)
    app.add_exception_handler(Exception, _on_unforeseen)


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    parts = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
    return problem_response(request, 422, "invalid_request", "; ".join(parts))


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return problem_response(request, 404, "no_such_route", f"there is nothing at {request.url.path}; see /docs")
    return problem_response(request, error.status_code, "http_error", str(error.detail), error.headers)


async def _on_named(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PolyloopError)
    if isinstance(error, RequestError):
        return problem_response(request, error.status, error.code, error.message)
    if isinstance(error, FeedbackError):
        return problem_response(request, 422, "invalid_feedback", error.message)
    logger.error("request to %s failed: %s", request.url.path, error.message)
    if isinstance(error, StorageFullError):
        return problem_response(request, 503, "storage_full", "the server has no space left; nothing was stored")
    return problem_response(request, 503, "unavailable", "the server cannot answer now; try again")


async def _on_unforeseen(request: Request, error: Exception) -> JSONResponse:
    logger.error("request to %s failed", request.url.path, exc_info=error)
    return problem_response(request, 500, "internal_error", "an unforeseen failure; the server's log has the details")
