"""Failures in OpenAI's shape: {"error": {message, type, param, code}}, with the statuses that all routes have.

Input: a `Failure`. Output: a body, or an event of a stream that breaks off. Codes are ours, but for those few that
clients of OpenAI look for by name (https://developers.openai.com/api/docs/guides/error-codes).
"""

from collections.abc import Mapping
from typing import Any

from polyloop.serving.events import event
from polyloop.serving.openai_api.schemas import OpenAIError, OpenAIErrorFacts
from polyloop.serving.problems import Failure

TYPES: Mapping[int, str] = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
"""Class of error by status; other 4xx are invalid_request_error, 5xx server_error."""

CODES: Mapping[str, str] = {
    "unknown_task": "model_not_found",
    "missing_key": "invalid_api_key",
    "bad_key": "invalid_api_key",
    "overloaded": "rate_limit_exceeded",
}
"""Our codes that have another name there."""

PARAMETERS: Mapping[str, str] = {
    "unknown_task": "model",
    "no_model": "model",
    "unknown_locale": "locale",
    "unknown_style": "style",
}
"""Places that our codes are about, where the failure itself names none."""


def error_body(failure: Failure) -> dict[str, Any]:
    """Return the JSON body of a failure."""
    return _error(failure).model_dump()


def error_event(failure: Failure) -> str:
    """Return the event by which a client learns that a stream has broken off."""
    return event(_error(failure).model_dump_json())


def _error(failure: Failure) -> OpenAIError:
    problem = failure.problem
    other = "server_error" if problem.status >= 500 else "invalid_request_error"
    return OpenAIError(
        error=OpenAIErrorFacts(
            message=problem.detail,
            type=TYPES.get(problem.status, other),
            param=failure.parameter or PARAMETERS.get(problem.code),
            code=CODES.get(problem.code, problem.code),
        )
    )
