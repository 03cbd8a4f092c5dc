"""A small collector of OTLP over HTTP on loopback: takes what exporters send, and keeps the spans."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.support.listening import listening


@dataclass(frozen=True, kw_only=True)
class ReceivedSpan:
    """One span, with ids in hexadecimal."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    resource: dict[str, Any]
    links: tuple[str, ...]


@dataclass
class Receiver:
    """Where it listens, and what has come."""

    url: str = ""
    spans: list[ReceivedSpan] = field(default_factory=list)

    def of_trace(self, trace_id: str) -> dict[str, ReceivedSpan]:
        """Return the spans of one trace by name; those of one name must be one."""
        found: dict[str, ReceivedSpan] = {}
        for span in self.spans:
            if span.trace_id == trace_id:
                assert span.name not in found, f"two spans {span.name}"
                found[span.name] = span
        return found

    async def take(self, request: Request) -> Response:
        """Keep the spans of one request."""
        sent = ExportTraceServiceRequest.FromString(await request.body())
        for group in sent.resource_spans:
            resource = _values(group.resource.attributes)
            for scope in group.scope_spans:
                self.spans += [
                    ReceivedSpan(
                        name=span.name,
                        trace_id=span.trace_id.hex(),
                        span_id=span.span_id.hex(),
                        parent_id=span.parent_span_id.hex(),
                        attributes=_values(span.attributes),
                        resource=resource,
                        links=tuple(link.span_id.hex() for link in span.links),
                    )
                    for span in scope.spans
                ]
        return Response(ExportTraceServiceResponse().SerializeToString(), media_type="application/x-protobuf")


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Listen inside the block."""
    receiver = Receiver()
    app = Starlette(routes=[Route("/v1/traces", receiver.take, methods=["POST"])])
    with listening(app) as url:
        receiver.url = url
        yield receiver
