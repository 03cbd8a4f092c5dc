"""Traces are off unless the environment asks for them, and a collector that is down costs spans and nothing else."""

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from tests.support.memory_recorder import MemoryRecorder
from tests.support.memory_spans import MemorySpans
from tests.support.span_receiver import receiving

from polyloop.cluster.ports import free_ports
from polyloop.errors import SpecError
from polyloop.serving.metrics.table import SPANS_DROPPED
from polyloop.serving.tracing import tracer
from polyloop.serving.tracing.spans import NO_SPAN
from polyloop.serving.tracing.tracer import OFF, Tracing, open_tracing, traced_by
from polyloop.spec.settings import TraceSettings, trace_settings


@pytest.fixture
def recorder() -> MemoryRecorder:
    return MemoryRecorder()


@pytest.fixture(autouse=True)
def own_settings() -> Iterator[None]:
    trace_settings.cache_clear()
    yield
    trace_settings.cache_clear()


class Stuck(SpanExporter):
    """A collector that takes nothing until it is let go."""

    def __init__(self) -> None:
        self.is_free = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.is_free.wait(60)
        return SpanExportResult.FAILURE


class Broken(SpanExporter):
    """A collector that fails each time, by answer or by exception."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._error:
            raise self._error
        return SpanExportResult.FAILURE


def make_spans(tracing: Tracing, count: int) -> None:
    for _ in range(count):
        with tracing.begin("one", "server", None):
            pass


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_SERVICE_NAME": "x"},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
        {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
    ],
)
def test_traces_are_off_unless_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, recorder: MemoryRecorder, environment: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert open_tracing("router", recorder) is OFF
    assert OFF.begin("one", "server", None) is NO_SPAN


@pytest.mark.parametrize(
    "environment",
    [
        {"OTEL_TRACES_EXPORTER": "otlp"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"},
    ],
)
def test_an_endpoint_or_an_exporter_turns_them_on(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert trace_settings().is_on


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_TRACES_SAMPLER_ARG", "7"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
    ],
)
def test_a_value_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SpecError, match=f"{name} in the environment"):
        trace_settings()


def test_without_the_exporter_a_service_runs_and_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, recorder: MemoryRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    assert open_tracing("router", recorder, TraceSettings(exporter="otlp")) is OFF
    assert "polyloop[traces]" in caplog.text


def test_a_collector_that_hangs_costs_the_spans_beyond_the_queue_and_no_time(recorder: MemoryRecorder) -> None:
    exporter = Stuck()
    tracing = traced_by(exporter, "router", recorder, TraceSettings(max_queue_size=8, max_batch_size=4))
    make_spans(tracing, 4)
    started_s = time.monotonic()
    make_spans(tracing, 200)
    assert time.monotonic() - started_s < 5
    dropped = sum(recorder.of(SPANS_DROPPED, reason="queue_full"))
    assert 200 - 8 <= dropped <= 200
    exporter.is_free.set()
    tracing.close()
    lost = sum(recorder.of(SPANS_DROPPED, reason="not_taken"))
    assert dropped + lost == 204


@pytest.mark.parametrize("error", [None, ConnectionError("down")])
def test_spans_that_nobody_takes_are_counted(recorder: MemoryRecorder, error: Exception | None) -> None:
    tracing = traced_by(Broken(error), "router", recorder, TraceSettings())
    make_spans(tracing, 10)
    tracing.close()
    assert recorder.of(SPANS_DROPPED, reason="queue_full") == []
    assert sum(recorder.of(SPANS_DROPPED, reason="not_taken")) == 10


def test_closing_waits_for_a_collector_that_hangs_only_so_long(
    monkeypatch: pytest.MonkeyPatch, recorder: MemoryRecorder
) -> None:
    monkeypatch.setattr(tracer, "CLOSE_TIMEOUT_S", 0.2)
    exporter = Stuck()
    tracing = traced_by(exporter, "router", recorder, TraceSettings())
    make_spans(tracing, 1)
    started_s = time.monotonic()
    tracing.close()
    assert time.monotonic() - started_s < 5
    exporter.is_free.set()


@pytest.mark.parametrize(
    ("settings", "share"),
    [
        ({"sampler": "always_on"}, 1.0),
        ({"sampler": "always_off"}, 0.0),
        ({"sampler": "traceidratio", "sampler_ratio": 0.0}, 0.0),
        ({"sampler": "parentbased_traceidratio", "sampler_ratio": 0.5}, 0.5),
    ],
)
def test_samplers_keep_their_share(settings: dict[str, Any], share: float) -> None:
    spans = MemorySpans()
    make_spans(spans.tracing("router", **settings), 400)
    assert len(spans.all()) / 400 == pytest.approx(share, abs=0.15 if 0 < share < 1 else 0)


@pytest.mark.parametrize(
    ("environment", "settings", "name"),
    [
        ({}, {}, "polyloop"),
        ({}, {"service_name": "mine"}, "mine"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=theirs,team=a"}, {}, "theirs"),
    ],
)
def test_the_service_has_a_name(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], settings: dict[str, Any], name: str
) -> None:
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    spans = MemorySpans()
    make_spans(spans.tracing("router", **settings), 1)
    assert spans.one("one").resource.attributes["service.name"] == name


def test_a_replica_begins_no_trace_of_its_own() -> None:
    spans = MemorySpans()
    assert spans.tracing("task-mood").join("answer", None) is NO_SPAN


def test_spans_reach_a_collector_by_otlp_over_http(monkeypatch: pytest.MonkeyPatch, recorder: MemoryRecorder) -> None:
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
        tracing = open_tracing("router", recorder)
        with tracing.begin("outer", "server", None, task="mood") as outer, outer.child("inner", attempt=2):
            pass
        tracing.close()
    outer_sent, inner_sent = sorted(receiver.spans, key=lambda span: span.name, reverse=True)
    assert inner_sent.parent_id == outer_sent.span_id
    assert (outer_sent.trace_id, outer_sent.parent_id) == (outer.trace_id, "")
    assert (outer_sent.attributes, inner_sent.attributes) == ({"polyloop.task": "mood"}, {"polyloop.attempt": 2})
    assert outer_sent.resource["service.name"] == "mine"
    assert recorder.values == {}


def test_a_collector_that_is_not_there_costs_spans_that_are_counted(
    monkeypatch: pytest.MonkeyPatch, recorder: MemoryRecorder
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    monkeypatch.setattr(tracer, "CLOSE_TIMEOUT_S", 60.0)
    tracing = open_tracing("router", recorder)
    make_spans(tracing, 3)
    tracing.close()
    assert recorder.of(SPANS_DROPPED, reason="not_taken") == [3]
