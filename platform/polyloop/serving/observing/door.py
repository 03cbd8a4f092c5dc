"""The outermost part of an application: gives each request its id and its span, and writes its access line.

Input: requests over HTTP. Effect: an id that is the same in log lines, errors, the replica's lines and the response; a
span that goes on from the client's `traceparent`; one line at most, when the last byte has been sent. Only requests to
the API are traced and told: health checks and pages are not. Texts, paths as they were sent and secrets are not told.
"""

import logging
import time
from typing import Any, Literal

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from polyloop.serving.metrics.table import ANSWERED
from polyloop.serving.observing.asked import ASKED, Asked, begin_asked, end_asked, is_good_id, new_request_id
from polyloop.serving.tracing.spans import NO_SPAN, in_span
from polyloop.serving.tracing.tracer import Tracing

logger = logging.getLogger("polyloop.access")

HEADER = "x-request-id"
API = ("/v1/", "/v2/")
AccessLog = Literal["none", "failures", "all"]


class Door:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, tracing: Tracing, access_log: AccessLog) -> None:
        self._app, self._tracing, self._access_log = app, tracing, access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = time.perf_counter()
        headers = Headers(scope=scope)
        sent_id = headers.get(HEADER)
        asked = Asked(request_id=sent_id if sent_id and is_good_id(sent_id) else new_request_id())
        is_api = scope["path"].startswith(API)
        span = NO_SPAN
        if is_api:
            span = self._tracing.begin(scope["method"], "server", headers, request_id=asked.request_id)
            asked.trace_id = span.trace_id
        status: int | None = None

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # Under Serve every request comes with an id, which Serve sends back by itself.
                if asked.request_id != sent_id:
                    MutableHeaders(scope=message)[HEADER] = str(asked.request_id)
            await send(message)

        scope[ASKED] = asked
        token = begin_asked(asked)
        try:
            with span, in_span(span):
                try:
                    await self._app(scope, receive, noting)
                except Exception:
                    status = status or 500  # the error's answer is written outside of here
                    raise
                finally:
                    span.http(scope["method"], route_of(scope), status)
                    if is_api and self._is_told(status, asked):
                        _tell(scope, asked, status, time.perf_counter() - started_s)
        finally:
            end_asked(token)

    def _is_told(self, status: int | None, asked: Asked) -> bool:
        if self._access_log == "failures":
            return status is None or status >= 400 or asked.outcome not in (None, ANSWERED)
        return self._access_log == "all"


def route_of(scope: Scope) -> str | None:
    """Return the pattern of the route that answered, such as /v1/tasks/{task}; None where none did."""
    path = getattr(scope.get("route"), "path", None)
    return None if path is None else scope.get("root_path", "") + path


def _tell(scope: Scope, asked: Asked, status: int | None, took_s: float) -> None:
    facts: dict[str, Any] = {
        "method": scope["method"],
        "route": route_of(scope),
        "status": status,
        "latency_ms": round(took_s * 1_000, 3),
        "outcome": asked.outcome,
        "locale": asked.locale,
        "key_id": asked.key_id,
        "input_tokens": asked.input_tokens,
        "output_tokens": asked.output_tokens,
        "inputs": asked.num_inputs,
    }
    told = {name: value for name, value in facts.items() if value not in (None, "", 0)}
    is_fault = status is not None and status >= 500
    logger.log(logging.WARNING if is_fault else logging.INFO, "request", extra={"access": told})
