"""Turns every failure of a request into one answer with a stable code: problem+json (RFC 9457) or another shape.

Input: an exception. Output: a response whose detail says what was wrong, with which value, and what to send instead.
Unforeseen failures are logged by their places in the code and answered without any inner detail; they end here, so
that no server logs the messages of their exceptions, which may quote what a user wrote. Protocols that others define
have error bodies of their own; `Shape`s, by the beginning of the path, give them the same facts and status.
"""

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from polyloop.errors import FeedbackError, OverloadError, ParameterError, PolyloopError, RequestError, StorageFullError
from polyloop.serving.observing.asked import ASKED, Asked
from polyloop.serving.schemas import Problem
from polyloop.serving.unforeseen import CODE, DETAIL, outline

logger = logging.getLogger("polyloop.serving")

PROBLEM_MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1
SHOWN_CHARACTERS = 200
"""How much of a path the log takes."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What is told of a failure; `parameter` is the place in the request that is wrong, where there is one."""

    problem: Problem
    parameter: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Shape = Callable[[Failure], dict[str, Any]]
"""Gives the JSON body that a protocol has for failures."""


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of the problems that a route can answer with."""
    return documented_as("Problem", PROBLEM_MEDIA_TYPE, *statuses)


def documented_as(model: str, media_type: str, *statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of failures whose body is the component `model`."""
    schema = {"$ref": f"#/components/schemas/{model}"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {media_type: {"schema": schema}}}
        for status in statuses
    }


def install_problem_handlers(app: FastAPI, shapes: Mapping[str, Shape] | None = None) -> None:
    """Make `app` answer all failures with problem+json, or in the shape of the first prefix that a path begins with."""
    app.state.error_shapes = dict(shapes or {})
    for kind in (RequestValidationError, HTTPException, PolyloopError):
        app.add_exception_handler(kind, _answer)
    app.add_middleware(Boundary)


class Boundary:
    """Answers unforeseen failures; what FastAPI does with a handler of `Exception` raises them again for the server.

    PolyloopError for a response that breaks off after it began, so that the server closes the connection.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:  # a request's boundary: logged by `describe`
            response = await _answer(Request(scope, receive), error)
            if has_begun:
                raise PolyloopError("the response broke off after it had begun") from None
            await response(scope, receive, send)


async def _answer(request: Request, error: Exception) -> JSONResponse:
    failure = describe(request, error)
    status = failure.problem.status
    for prefix, shape in request.app.state.error_shapes.items():
        if request.url.path.startswith(prefix):
            return JSONResponse(shape(failure), status_code=status, headers=failure.headers)
    body = failure.problem.model_dump(exclude_none=True)
    return JSONResponse(body, status_code=status, headers=failure.headers, media_type=PROBLEM_MEDIA_TYPE)


def describe(request: Request, error: Exception) -> Failure:
    """Return what a client is told of an exception, and log what it is not told."""
    if isinstance(error, RequestValidationError):
        parts = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
        return _failure(request, 422, "invalid_request", "; ".join(parts))
    if isinstance(error, HTTPException):
        if error.status_code == 404:
            place = request.scope["path"][:SHOWN_CHARACTERS]
            return _failure(request, 404, "no_such_route", f"there is nothing at {place}; see /docs")
        return _failure(request, error.status_code, "http_error", str(error.detail), headers=error.headers)
    asked = f"request {_request_id(request) or 'without an id'} to {_plain(request.scope['path'])}"
    if isinstance(error, RequestError):
        if error.status == 500:
            logger.error("%s failed: %s", asked, error.message)
        parameter = error.parameter if isinstance(error, ParameterError) else None
        # Whole seconds, as HTTP has it, and never too early.
        headers = {"Retry-After": str(math.ceil(error.retry_after_s))} if isinstance(error, OverloadError) else None
        return _failure(request, error.status, error.code, error.message, parameter, headers)
    code = code_of(error)
    if isinstance(error, FeedbackError):
        return _failure(request, 422, code, error.message)
    if isinstance(error, PolyloopError):
        logger.error("%s failed: %s", asked, error.message)
        if isinstance(error, StorageFullError):
            return _failure(request, 503, code, "the server has no space left; nothing was stored")
        return _failure(request, 503, code, "the server cannot answer now; try again")
    logger.error("%s failed: %s", asked, outline(error))
    return _failure(request, 500, code, DETAIL)


def _plain(text: str) -> str:
    """Return what a caller sent as one line for the log, so that nobody can write lines of their own into it."""
    return repr(text[:SHOWN_CHARACTERS])[1:-1]


def code_of(error: BaseException) -> str:
    """Return the stable code of what ended the answering of a request."""
    if isinstance(error, RequestError):
        return error.code
    if isinstance(error, FeedbackError):
        return "invalid_feedback"
    if isinstance(error, StorageFullError):
        return "storage_full"
    return "unavailable" if isinstance(error, PolyloopError) else CODE


def _request_id(request: Request) -> str | None:
    """Return the id that the door gave the request; unforeseen failures are answered outside of its context."""
    asked = request.scope.get(ASKED)
    return asked.request_id if isinstance(asked, Asked) else None


def _failure(
    request: Request,
    status: int,
    code: str,
    detail: str,
    parameter: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Failure:
    """Return one failure; 429 and 503 carry Retry-After, 401 the scheme to use."""
    problem = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        request_id=_request_id(request),
    )
    sent = dict(headers or {})
    if status in (429, 503):
        sent.setdefault("Retry-After", str(RETRY_AFTER_S))
    if status == 401:
        sent["WWW-Authenticate"] = "Bearer"
    return Failure(problem=problem, parameter=parameter, headers=sent)
