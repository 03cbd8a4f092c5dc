"""Sends finished spans from a bounded queue, and counts those that were lost.

Input: spans as they end, on any thread. Effect: batches to an exporter, from OpenTelemetry's own thread. A span that
finds the queue full is dropped at once, so that a collector that is down or slow costs neither time nor memory.
"""

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from polyloop.serving.metrics.recorder import Recorder
from polyloop.serving.metrics.table import SPANS_DROPPED
from polyloop.spec.settings import TraceSettings

if TYPE_CHECKING:
    from opentelemetry.context import Context


class BoundedProcessor(SpanProcessor):
    """Lets as many spans wait as the settings say.

    OpenTelemetry's processor drops too, but tells nobody how many; so this one stands in front of it and keeps its
    queue from ever being full.
    """

    def __init__(self, exporter: SpanExporter, recorder: Recorder, settings: TraceSettings) -> None:
        self._recorder, self._max_waiting = recorder, settings.max_queue_size
        self._lock = threading.Lock()
        self._num_waiting = 0
        self._behind = BatchSpanProcessor(
            _CountingExporter(exporter, self._taken, self._lost),
            max_queue_size=settings.max_queue_size,
            max_export_batch_size=min(settings.max_batch_size, settings.max_queue_size),
        )

    def on_start(self, span: ReadableSpan, parent_context: "Context | None" = None) -> None:
        """Do nothing."""

    def on_end(self, span: ReadableSpan) -> None:
        """Put a span into the queue, or drop it."""
        with self._lock:
            has_room = self._num_waiting < self._max_waiting
            self._num_waiting += has_room
        if has_room:
            self._behind.on_end(span)
        else:
            self._recorder.add(SPANS_DROPPED, 1, reason="queue_full")

    def shutdown(self) -> None:
        """Send what waits, and stop."""
        self._behind.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        """Send what waits."""
        return self._behind.force_flush(timeout_millis)

    def _taken(self, count: int) -> None:
        with self._lock:
            self._num_waiting -= count

    def _lost(self, count: int) -> None:
        self._recorder.add(SPANS_DROPPED, count, reason="not_taken")


class _CountingExporter(SpanExporter):
    """Tells how many spans left the queue, and how many of them nobody took."""

    def __init__(self, exporter: SpanExporter, taken: Callable[[int], None], lost: Callable[[int], None]) -> None:
        self._exporter, self._taken, self._lost = exporter, taken, lost

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch."""
        self._taken(len(spans))
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            if result is not SpanExportResult.SUCCESS:
                self._lost(len(spans))
        return result

    def shutdown(self) -> None:
        """Let go of the exporter."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Pass it on."""
        return self._exporter.force_flush(timeout_millis)
