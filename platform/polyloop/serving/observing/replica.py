"""Follows the calls of a task's replica: figures and spans of its batches, and log lines with the request's id.

Inputs: calls as routers sent them, and facts of batches. Effect: what the router tells of a request and what the
replica tells of it carry the same id and belong to one trace.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from polyloop.cluster.serve_log import log_through_serve
from polyloop.serving.batcher import BatchFacts
from polyloop.serving.calls import Call
from polyloop.serving.metrics.batches import BatchFigures
from polyloop.serving.metrics.recorder import RayRecorder
from polyloop.serving.observing.asked import Asked, begin_asked, end_asked, line_facts
from polyloop.serving.options import task_deployment
from polyloop.serving.tracing.batches import trace_batch
from polyloop.serving.tracing.spans import Span, in_span
from polyloop.serving.tracing.tracer import Tracing, open_tracing

logger = logging.getLogger("polyloop.serving")


class ObservedReplica:
    """What a replica of one task tells of its work."""

    def __init__(self, task: str, *, is_json: bool, tracing: Tracing | None = None) -> None:
        """Begin to log through Serve, and to trace: as the process does that is given, else if the environment asks."""
        self._task = task
        log_through_serve(line_facts, is_json=is_json)
        recorder = RayRecorder()
        self._figures = BatchFigures(recorder, task)
        self._is_own = tracing is None
        self._tracing = tracing or open_tracing(task_deployment(task), recorder)

    def on_batch(self, batch: BatchFacts) -> None:
        """Tell of one call of the model."""
        self._figures(batch)
        trace_batch(batch)

    @contextmanager
    def call(self, call: Call) -> Iterator[None]:
        """Follow one call that is answered whole, inside of the block."""
        span = self._joined(call, is_streamed=False)
        token = begin_asked(self._asked(call, span))
        try:
            with span, in_span(span):
                yield
            logger.debug("answered")
        finally:
            end_asked(token)

    def stream(self, call: Call) -> Span:
        """Return the span of a call that is answered in pieces, and make the call that of this context from now on.

        A generator may end in another context than it began in, so nothing is undone; each call has a context.
        """
        span = self._joined(call, is_streamed=True)
        begin_asked(self._asked(call, span))
        return span

    def close(self) -> None:
        """Send the last spans, unless others go on with the same traces."""
        if self._is_own:
            self._tracing.close()

    def _joined(self, call: Call, *, is_streamed: bool) -> Span:
        return self._tracing.join(
            "answer", call.trace, task=self._task, version=call.version, locale=call.locale, is_streamed=is_streamed
        )

    def _asked(self, call: Call, span: Span) -> Asked:
        return Asked(request_id=call.request_id, trace_id=span.trace_id, task=self._task, version=call.version)
