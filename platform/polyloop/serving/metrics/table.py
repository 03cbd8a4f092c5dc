"""Every figure that serving tells Prometheus: name, kind, tags and meaning. Plain data.

Recorders and the dashboard are made from this table, and a test compares the guide, so that all say the same. Ray puts
`ray_` before each name, and `_total` behind counters. Tags have few values: tasks, locales and labels of the spec, live
versions, stable codes. No user, key or text is ever a tag.
"""

from dataclasses import dataclass
from typing import Literal

ANSWERED = "answered"
"""Outcome of a request that was answered; the others are the codes of problem+json."""
CANCELLED = "cancelled"
"""Outcome of a request whose client left."""

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Bounds of buckets for times: from a cache's answer to the longest request."""
ROWS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One figure."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    tags: tuple[str, ...]
    meaning: str
    buckets: tuple[float, ...] = ()
    """Upper bounds, for histograms."""
    unit: Literal["short", "s"] = "short"
    """As Grafana names it."""


REQUESTS = Metric(
    name="polyloop_requests",
    kind="counter",
    tags=("task", "version", "locale", "outcome"),
    meaning="Requests for an answer, by what became of them; version and locale are empty where it ended before.",
)
REQUEST_SECONDS = Metric(
    name="polyloop_request_seconds",
    kind="histogram",
    tags=("task", "version", "locale"),
    meaning="Time of answered requests in the router, to the last piece.",
    buckets=SECONDS,
    unit="s",
)
FIRST_PIECE_SECONDS = Metric(
    name="polyloop_first_piece_seconds",
    kind="histogram",
    tags=("task", "version"),
    meaning="Time to the first piece of answers that are streamed.",
    buckets=SECONDS,
    unit="s",
)
TOKENS = Metric(
    name="polyloop_tokens",
    kind="counter",
    tags=("task", "version", "direction"),
    meaning="Tokens of answered requests: direction is input (read) or output (written).",
)
GUARDRAILS = Metric(
    name="polyloop_guardrails",
    kind="counter",
    tags=("task", "guard", "on", "action"),
    meaning="Texts in which a guardrail met something, by what it did.",
)
CACHE = Metric(
    name="polyloop_cache",
    kind="counter",
    tags=("task", "outcome"),
    meaning="Inputs that were looked for among kept answers: outcome is hit or miss.",
)
FALLBACKS = Metric(
    name="polyloop_fallbacks",
    kind="counter",
    tags=("task", "version", "reason"),
    meaning="Requests that another version answered, or another task where version is empty, by why.",
)
KEY_REFUSALS = Metric(
    name="polyloop_key_refusals",
    kind="counter",
    tags=("task", "reason"),
    meaning="Requests that were refused because of what their key may ask: reason is key_rate or key_concurrency.",
)
BATCH_ROWS = Metric(
    name="polyloop_batch_rows",
    kind="histogram",
    tags=("task", "version"),
    meaning="Requests that one call of a model answered.",
    buckets=ROWS,
)
BATCH_SECONDS = Metric(
    name="polyloop_batch_seconds",
    kind="histogram",
    tags=("task", "version"),
    meaning="Time of one call of a model.",
    buckets=SECONDS,
    unit="s",
)
QUEUE_SECONDS = Metric(
    name="polyloop_queue_seconds",
    kind="histogram",
    tags=("task",),
    meaning="Longest time that a request of a call of the model had waited for it in the replica.",
    buckets=SECONDS,
    unit="s",
)
LOG_DROPPED = Metric(
    name="polyloop_inference_log_dropped",
    kind="gauge",
    tags=(),
    meaning="Records of inferences that a router gave up since its start, as its queue was full or the store refused.",
)

SPANS_DROPPED = Metric(
    name="polyloop_spans_dropped",
    kind="counter",
    tags=("reason",),
    meaning="Spans of traces that were lost: the queue was full (queue_full), or the collector did not take them.",
)

METRICS = (
    REQUESTS,
    REQUEST_SECONDS,
    FIRST_PIECE_SECONDS,
    TOKENS,
    GUARDRAILS,
    CACHE,
    FALLBACKS,
    KEY_REFUSALS,
    QUEUE_SECONDS,
    BATCH_ROWS,
    BATCH_SECONDS,
    LOG_DROPPED,
    SPANS_DROPPED,
)
"""All figures, in the order in which the guide and the dashboard show them."""


def exported_name(metric: Metric) -> str:
    """Return the name under which Prometheus finds a figure."""
    return f"ray_{metric.name}" + ("_total" if metric.kind == "counter" else "")
