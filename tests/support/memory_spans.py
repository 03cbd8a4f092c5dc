"""Traces whose spans stay in memory, with the ways in which tests look at them."""

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.support.memory_recorder import MemoryRecorder

from polyloop.serving.tracing.tracer import ExportedTracing, traced_by
from polyloop.spec.settings import TraceSettings


class MemorySpans:
    """Where the spans of several processes end up."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._opened: list[ExportedTracing] = []

    def tracing(self, deployment: str, **settings: Any) -> ExportedTracing:
        """Return the traces of one more process."""
        made = traced_by(self._exporter, deployment, MemoryRecorder(), TraceSettings(**settings))
        assert isinstance(made, ExportedTracing)
        self._opened.append(made)
        return made

    def all(self) -> Sequence[ReadableSpan]:
        """Return all spans that have ended."""
        for one in self._opened:
            one._provider.force_flush()
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        """Return the spans of one name, in the order of their begin."""
        return sorted((span for span in self.all() if span.name == name), key=lambda span: span.start_time or 0)

    def one(self, name: str) -> ReadableSpan:
        """Return the only span of a name."""
        (span,) = self.named(name)
        return span


def told(span: ReadableSpan) -> dict[str, Any]:
    """Return a span's attributes, ours without their prefix."""
    return {name.removeprefix("polyloop."): value for name, value in (span.attributes or {}).items()}


def is_child(child: ReadableSpan, parent: ReadableSpan) -> bool:
    """Return whether a span stands directly below another, in one trace."""
    assert child.parent is not None
    return (child.parent.span_id, child.parent.trace_id) == (parent.context.span_id, parent.context.trace_id)
