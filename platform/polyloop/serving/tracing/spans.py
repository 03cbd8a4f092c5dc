"""Spans of OpenTelemetry as serving makes them, or nothing where no trace is made.

Input: names and facts. Effect: a span that ends with its block. Code that is traced holds a `Span` and never asks
whether traces are on: `NO_SPAN` does nothing, makes no object and is its own child. Facts become attributes
`polyloop.NAME`; no text of a user, no key's secret and no user's name is ever one.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal

from polyloop.errors import FeedbackError, RequestError

if TYPE_CHECKING:
    from opentelemetry.trace import Span as OpenTelemetrySpan
    from opentelemetry.trace import Tracer

Fact = str | int | float | bool | None
Kind = Literal["internal", "server", "client"]
PREFIX = "polyloop."


class Span:
    """A span that is not made."""

    is_recorded = False
    trace_id: str | None = None
    """32 hexadecimal digits, where the span is recorded."""
    carrier: Mapping[str, str] | None = None
    """The headers `traceparent` and `tracestate` by which another process goes on from this span."""

    def __enter__(self) -> "Span":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        return None

    def child(self, name: str, kind: Kind = "internal", **facts: Fact) -> "Span":
        """Begin a span below this one."""
        return self

    def past(self, name: str, began_s: float, ended_s: float, links: "Sequence[Span]" = (), **facts: Fact) -> "Span":
        """Tell of something that is over, with its times by `time.perf_counter`, and spans that it has to do with."""
        return self

    def note(self, **facts: Fact) -> None:
        """Tell facts; those that are None are left out."""

    def http(self, method: str, route: str | None, status: int | None) -> None:
        """Tell of a request of HTTP; a route is a pattern of this service, never the path that was sent."""

    def failed(self, code: str, is_fault: bool = True) -> None:
        """Tell by which stable code it ended; a client's mistake is no fault."""


NO_SPAN = Span()
_current: ContextVar[Span] = ContextVar("polyloop_span", default=NO_SPAN)


def current_span() -> Span:
    """Return the span that work in this context belongs to."""
    return _current.get()


def in_span(span: Span) -> AbstractContextManager[Span]:
    """Make `span` the current one inside the block, which must not yield to another context."""
    return _made_current(span) if span.is_recorded else NO_SPAN


@contextmanager
def _made_current(span: Span) -> Iterator[Span]:
    token = _current.set(span)
    try:
        yield span
    finally:
        _current.reset(token)


class RecordedSpan(Span):
    """A span that a tracer made."""

    is_recorded = True

    def __init__(self, tracer: "Tracer", span: "OpenTelemetrySpan") -> None:
        self._tracer, self._span = tracer, span
        self._has_failed = False

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        # Codes and names of types tell enough: messages of errors may quote what a user sent.
        if isinstance(error, Exception) and not self._has_failed:
            self.failed(error.code if isinstance(error, RequestError) else type(error).__name__, is_fault(error))
        self._span.end()

    @property
    def trace_id(self) -> str:  # type: ignore[override]
        """32 hexadecimal digits."""
        return f"{self._span.get_span_context().trace_id:032x}"

    @property
    def carrier(self) -> Mapping[str, str]:  # type: ignore[override]
        """The headers by which another process goes on from this span."""
        from opentelemetry.trace import set_span_in_context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        headers: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(headers, set_span_in_context(self._span))
        return headers

    def child(self, name: str, kind: Kind = "internal", **facts: Fact) -> Span:
        """Begin a span below this one."""
        return self._begin(name, kind, facts)

    def past(self, name: str, began_s: float, ended_s: float, links: Sequence[Span] = (), **facts: Fact) -> Span:
        """Tell of something that is over."""
        offset_ns = time.time_ns() - time.perf_counter_ns()
        span = self._begin(name, "internal", facts, links=links, start_ns=int(began_s * 1e9) + offset_ns)
        span._span.end(int(ended_s * 1e9) + offset_ns)
        return span

    def _begin(
        self,
        name: str,
        kind: Kind,
        facts: Mapping[str, Fact],
        *,
        links: Sequence[Span] = (),
        start_ns: int | None = None,
    ) -> "RecordedSpan":
        from opentelemetry.trace import Link, SpanKind, set_span_in_context

        span = self._tracer.start_span(
            name,
            set_span_in_context(self._span),
            kind=SpanKind[kind.upper()],
            attributes=attributes_of(facts),
            links=[Link(one._span.get_span_context()) for one in links if isinstance(one, RecordedSpan)],
            start_time=start_ns,
        )
        return RecordedSpan(self._tracer, span)

    def note(self, **facts: Fact) -> None:
        """Tell facts."""
        self._span.set_attributes(attributes_of(facts))

    def http(self, method: str, route: str | None, status: int | None) -> None:
        """Tell of a request of HTTP, by the names of OpenTelemetry's semantic conventions."""
        told = {"http.request.method": method, "http.route": route, "http.response.status_code": status}
        self._span.set_attributes({name: value for name, value in told.items() if value is not None})
        self._span.update_name(f"{method} {route}" if route else method)
        if status is not None and status >= 500:
            self.failed(str(status))

    def failed(self, code: str, is_fault: bool = True) -> None:
        """Tell by which stable code it ended."""
        from opentelemetry.trace import Status, StatusCode

        self._has_failed = True
        self._span.set_attribute("error.type", code)
        if is_fault:
            self._span.set_status(Status(StatusCode.ERROR))


def attributes_of(facts: Mapping[str, Fact]) -> dict[str, str | int | float | bool]:
    """Return facts as attributes; those that are None are left out."""
    return {PREFIX + name: value for name, value in facts.items() if value is not None}


def is_fault(error: BaseException | None) -> bool:
    """Return whether work ended by a fault of the service: neither a client's mistake nor its leaving."""
    if not isinstance(error, Exception):
        return False  # it left: the work was cancelled, or its generator closed
    return not isinstance(error, RequestError | FeedbackError) or getattr(error, "status", 422) >= 500
