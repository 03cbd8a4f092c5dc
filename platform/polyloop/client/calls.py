"""What the client sends and how it reads what comes back; knows nothing of connections.

Input: arguments of the client's methods. Output: an `Outgoing` request, and from a response the typed result or a
`ProblemError`. Both clients share all of it. ClientError, before anything is sent, for texts that cannot be sent.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from polyloop.client.bodies import Answer, Health, ModelList, Problem, Receipt, TaskList
from polyloop.errors import (
    ClientError,
    NoAnswerError,
    OverloadedError,
    ProblemError,
    RefusedKeyError,
    RefusedRequestError,
    ServiceFailedError,
    UnknownNameError,
)

Result = TypeVar("Result", bound=BaseModel)

EVENTS = "text/event-stream"
SHOWN_CHARACTERS = 200

HALF_CHARACTER = re.compile("[\ud800-\udfff]")
"""A lone surrogate, which UTF-8 cannot say: half of a character, or a byte that was read as no text."""


@dataclass(frozen=True, kw_only=True)
class Outgoing(Generic[Result]):
    """One call: the same body and headers at each try, so that the service can tell a repetition."""

    method: str
    path: str
    result: type[Result]
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    fine: frozenset[int] = frozenset({200, 201})
    """Statuses whose body is a result."""
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Sent as X-Request-Id, and told in errors."""

    def __post_init__(self) -> None:
        for name, value in (self.body or {}).items():
            _check_sendable(value, name)
        for name, text in self.headers.items():
            if not (text.isascii() and text.isprintable()):
                raise ClientError(f"{name}: {text!r} has characters that a header cannot carry; use printable ASCII")


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """What came back at one try."""

    status: int
    content: bytes
    retry_after: str | None = None


def answer(
    task: str, input_: str | None, fields: Mapping[str, Any], *, version: str | None = None, as_events: bool = False
) -> Outgoing[Answer]:
    """Ask a task, or one version of it."""
    body = {name: value for name, value in {"input": input_, **fields}.items() if value is not None}
    _check_sendable(task, "task")
    headers = {"Accept": EVENTS} if as_events else {}
    path = f"v1/tasks/{quote(task, safe='')}" + (f"?version={quote(version, safe='')}" if version else "")
    return Outgoing(method="POST", path=path, result=Answer, body=body, headers=headers)


def feedback(about: Answer | str, statement: Mapping[str, Any], idempotency_key: str | None) -> Outgoing[Receipt]:
    """State something about an answer."""
    inference_id = about if isinstance(about, str) else about.id
    body = {"inference_id": inference_id, **{name: value for name, value in statement.items() if value is not None}}
    headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
    return Outgoing(method="POST", path="v1/feedback", result=Receipt, body=body, headers=headers)


def tasks() -> Outgoing[TaskList]:
    """List tasks."""
    return Outgoing(method="GET", path="v1/tasks", result=TaskList)


def models() -> Outgoing[ModelList]:
    """List versions."""
    return Outgoing(method="GET", path="v1/models", result=ModelList)


def health() -> Outgoing[Health]:
    """Ask whether every task can answer: a 503 is an answer too."""
    return Outgoing(method="GET", path="readyz", result=Health, fine=frozenset({200, 503}))


def read(call: Outgoing[Result], response: Incoming) -> Result:
    """Return the result of a call; ProblemError where the service refused it."""
    if response.status not in call.fine:
        raise problem(call, response)
    try:
        return call.result.model_validate_json(response.content)
    except ValidationError as error:
        if response.status >= 400:
            raise problem(call, response) from None
        raise unreadable(call, response.content, error) from None


def problem(call: Outgoing[Any], response: Incoming) -> ProblemError:
    """Return the error that tells why the service refused a call; what is no problem+json is quoted."""
    status = response.status
    try:
        told = Problem.model_validate_json(response.content)
    except ValidationError:
        text = response.content.decode("utf-8", errors="replace").strip()[:SHOWN_CHARACTERS]
        told = Problem(status=status, code="not_a_problem", detail=text or f"{call.path} gave no reason")
    return _error_class(status)(told.detail, status, told.code, told.request_id or call.request_id)


def unreadable(call: Outgoing[Any], content: bytes | str, error: ValidationError) -> ClientError:
    """Return the error of a result that is not what a Polyloop service sends."""
    first = error.errors(include_url=False)[0]
    shown = content[:SHOWN_CHARACTERS]
    return ClientError(
        f"{call.path} did not answer as a Polyloop service does ({first['msg']}): {shown!r}; check the base_url"
    )


def no_answer(call: Outgoing[Any], base_url: str, why: Exception) -> NoAnswerError:
    """Return the error of a call that nothing came back to."""
    reason = f"{type(why).__name__}: {why}".removesuffix(": ")
    return NoAnswerError(f"{call.method} {base_url}{call.path} got no answer: {reason} (request {call.request_id})")


def sent_headers(call: Outgoing[Any]) -> dict[str, str]:
    """Return the headers of a call, besides those that go with all of a client's."""
    return {"X-Request-Id": call.request_id, **call.headers}


def _check_sendable(value: object, place: str) -> None:
    """Raise a ClientError for a text, wherever it is in `value`, that UTF-8 cannot say."""
    if isinstance(value, str):
        half = HALF_CHARACTER.search(value)
        if half is not None:
            raise ClientError(
                f"{place}: character {half.start()} is {half[0]!r}, half of a character, which cannot be sent; decode "
                "the text with its right encoding, or drop such characters"
            )
    elif isinstance(value, Mapping):
        for name, one in value.items():
            _check_sendable(name, place)
            _check_sendable(one, f"{place}.{name}")
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            _check_sendable(one, f"{place}[{number}]")


def _error_class(status: int) -> type[ProblemError]:
    by_status = {401: RefusedKeyError, 403: RefusedKeyError, 404: UnknownNameError, 429: OverloadedError}
    return by_status.get(status, ServiceFailedError if status >= 500 else RefusedRequestError)
