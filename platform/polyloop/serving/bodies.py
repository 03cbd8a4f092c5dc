"""Reads request bodies within a limit and into typed objects.

Input: a request. Output: a pydantic object, or a `RequestError` that names the first places that are wrong. A body
that announces no length is cut off as soon as it has grown too large, so that it is never held whole.
"""

import json
from collections.abc import Sequence
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from polyloop.errors import ParameterError, RequestError

Body = TypeVar("Body", bound=BaseModel)
SHOWN_ERRORS = 5


async def read_body(request: Request, model: type[Body], *, max_body_bytes: int) -> Body:
    """Return the JSON body as `model`, strictly; errors are 413, 400 (cut off or not JSON) and 422 (wrong content)."""
    raw = await _read_bounded(request, max_body_bytes)
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise explain(error) from None


async def _read_bounded(request: Request, max_body_bytes: int) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_body_bytes:
        raise _too_large(max_body_bytes)
    parts, is_whole = bytearray(), False
    while not is_whole:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise RequestError("the connection ended before the whole body had come", 400, "incomplete_body")
        parts += message.get("body", b"")
        if len(parts) > max_body_bytes:
            raise _too_large(max_body_bytes)
        is_whole = not message.get("more_body", False)
    return bytes(parts)


def _too_large(max_body_bytes: int) -> RequestError:
    return RequestError(
        f"the body is larger than the limit of {max_body_bytes} bytes; send less at once", 413, "body_too_large"
    )


def explain(error: ValidationError) -> RequestError:
    """Return what a client is told of a body that does not fit: 400 where it is not JSON, else 422."""
    details = error.errors(include_url=False, include_context=False)
    if any(item["type"] == "json_invalid" for item in details):
        return RequestError(f"the body is not JSON: {details[0]['msg']}", 400, "invalid_json")
    lines = []
    for item in details[:SHOWN_ERRORS]:
        place = ".".join(str(part) for part in item["loc"]) or "body"
        value = json.dumps(item["input"], ensure_ascii=False, default=str)
        lines.append(f"{place}: {item['msg']} (got {value[:80]})")
    return ParameterError("; ".join(lines), place_of(details[0]["loc"]), 422)


def place_of(location: Sequence[int | str]) -> str:
    """Return a place in a body as programs write it: `messages[0].content`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")
