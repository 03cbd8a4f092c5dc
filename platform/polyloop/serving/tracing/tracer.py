"""Begins the traces of a process: what OpenTelemetry's variables ask for, or nothing.

Input: settings, and the headers that a client or a router sent. Output: the first span of a request here, which goes
on from the caller's. Errors: none after the start; an exporter that is down costs spans, not requests. The provider is
this project's own and not the process's global one, so that what Ray traces by itself and this keep apart.
"""

import logging
import threading
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING

from polyloop import __version__
from polyloop.serving.metrics.recorder import Recorder
from polyloop.serving.tracing.spans import NO_SPAN, Fact, Kind, RecordedSpan, Span, attributes_of
from polyloop.spec.settings import TraceSettings, trace_settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.sdk.trace.sampling import Sampler

logger = logging.getLogger("polyloop.serving")

CLOSE_TIMEOUT_S = 3.0
"""How long a process that ends waits for its last spans to be taken; shorter than Serve's patience with a replica."""
DEFAULT_SERVICE = "polyloop"


class Tracing:
    """Begins no spans: what a process has whose traces are off."""

    def begin(self, name: str, kind: Kind, carrier: Mapping[str, str] | None, **facts: Fact) -> Span:
        """Return a span that goes on from what `carrier` names, or begins a trace; NO_SPAN where it is not sampled."""
        return NO_SPAN

    def join(self, name: str, carrier: Mapping[str, str] | None, **facts: Fact) -> Span:
        """Return a span that goes on from another process of ours; NO_SPAN without a carrier."""
        return NO_SPAN

    def close(self) -> None:
        """Send what waits, for `CLOSE_TIMEOUT_S` at most."""


OFF = Tracing()


class ExportedTracing(Tracing):
    """Begins spans of a provider."""

    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer("polyloop.serving", __version__)
        self._propagator = TraceContextTextMapPropagator()

    def begin(self, name: str, kind: Kind, carrier: Mapping[str, str] | None, **facts: Fact) -> Span:
        """Return a span, or NO_SPAN where the sampler says no."""
        from opentelemetry.trace import SpanKind

        # An empty context: what this process may trace otherwise is not this request's parent.
        context = self._propagator.extract(carrier or {})
        span = self._tracer.start_span(name, context, kind=SpanKind[kind.upper()], attributes=attributes_of(facts))
        return RecordedSpan(self._tracer, span) if span.is_recording() else NO_SPAN

    def join(self, name: str, carrier: Mapping[str, str] | None, **facts: Fact) -> Span:
        """Return a span that goes on from a router's."""
        return self.begin(name, "server", carrier, **facts) if carrier else NO_SPAN

    def close(self) -> None:
        """Send what waits, in a thread: the provider itself would wait for half a minute where nobody takes it."""
        closing = threading.Thread(target=self._provider.shutdown, name="traces-close", daemon=True)
        closing.start()
        closing.join(CLOSE_TIMEOUT_S)


def open_tracing(deployment: str, recorder: Recorder, settings: TraceSettings | None = None) -> Tracing:
    """Return the traces of this process, off unless the environment turns them on; SpecError for a value of it that
    does not fit."""
    asked = settings or trace_settings()
    if not asked.is_on:
        return OFF
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        logger.warning("traces are asked for (OTEL_*) and cannot be sent; `pip install 'polyloop[traces]'`")
        return OFF
    return traced_by(OTLPSpanExporter(), deployment, recorder, asked)


def traced_by(exporter: "SpanExporter", deployment: str, recorder: Recorder, settings: TraceSettings) -> Tracing:
    """Return traces whose spans go to `exporter`."""
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider

    from polyloop.serving.tracing.export import BoundedProcessor

    told = {"service.version": __version__, "service.instance.id": uuid.uuid4().hex, "polyloop.deployment": deployment}
    resource = Resource.create(told)
    if settings.service_name:
        resource = resource.merge(Resource({SERVICE_NAME: settings.service_name}))
    elif str(resource.attributes.get(SERVICE_NAME, "unknown_service")).startswith("unknown_service"):
        resource = resource.merge(Resource({SERVICE_NAME: DEFAULT_SERVICE}))
    # Not at the interpreter's exit: that would wait for a dead collector; `close` is bounded.
    provider = TracerProvider(sampler=sampler_of(settings), resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BoundedProcessor(exporter, recorder, settings))
    return ExportedTracing(provider)


def sampler_of(settings: TraceSettings) -> "Sampler":
    """Return the sampler that the settings name."""
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler, TraceIdRatioBased

    roots: dict[str, Sampler] = {
        "always_on": ALWAYS_ON,
        "always_off": ALWAYS_OFF,
        "traceidratio": TraceIdRatioBased(settings.sampler_ratio),
    }
    root = roots[settings.sampler.removeprefix("parentbased_")]
    return ParentBased(root) if settings.sampler.startswith("parentbased_") else root
