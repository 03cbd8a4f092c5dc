"""Makes the Grafana dashboard of the table of figures: `python -m polyloop.serving.metrics.dashboard [FILE] [--check]`.

Output: a dashboard as JSON, to be imported or put where Grafana looks for provisioned ones; its data source is a
variable, and so is the task. Pure but for the file. The model is that of Grafana 10 and later, schema version 39.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyloop.serving.metrics.table import (
    ANSWERED,
    BATCH_ROWS,
    BATCH_SECONDS,
    CACHE,
    FALLBACKS,
    FIRST_PIECE_SECONDS,
    GUARDRAILS,
    KEY_REFUSALS,
    LOG_DROPPED,
    QUEUE_SECONDS,
    REQUEST_SECONDS,
    REQUESTS,
    SPANS_DROPPED,
    TOKENS,
    Metric,
    exported_name,
)
from polyloop.spec.generated import write_or_check

DEFAULT_FILE = Path("deploy/grafana/polyloop.json")
WIDTH, HEIGHT, COLUMNS = 12, 8, 2
SOURCE = {"type": "prometheus", "uid": "${source}"}
OF_TASK = 'task=~"$task"'


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One graph."""

    title: str
    metric: Metric
    queries: tuple[tuple[str, str], ...]
    """Expressions with their legends."""
    unit: str = ""
    """Of the expression, where it is not the metric's."""


def rate(metric: Metric, by: str, more: str = "") -> str:
    """Return the rate of a counter, added up by tags."""
    return f"sum by ({by}) (rate({exported_name(metric)}{{{OF_TASK}{more}}}[$__rate_interval]))"


def quantile(metric: Metric, share: float, by: str) -> str:
    """Return a quantile of a histogram by tags."""
    buckets = f"rate({exported_name(metric)}_bucket{{{OF_TASK}}}[$__rate_interval])"
    return f"histogram_quantile({share:g}, sum by (le, {by}) ({buckets}))"


def _quantiles(metric: Metric, by: str) -> tuple[tuple[str, str], ...]:
    legend = " ".join(f"{{{{{tag}}}}}" for tag in by.split(", "))
    return tuple((quantile(metric, share, by), f"p{share * 100:g} {legend}") for share in (0.5, 0.95, 0.99))


def panels() -> tuple[Panel, ...]:
    """Return the graphs, in reading order."""
    failed = f', outcome!="{ANSWERED}"'
    return (
        Panel(title="Requests", metric=REQUESTS, queries=((rate(REQUESTS, "task"), "{{task}}"),), unit="reqps"),
        Panel(
            title="Requests without an answer",
            metric=REQUESTS,
            queries=((rate(REQUESTS, "task, outcome", failed), "{{task}} {{outcome}}"),),
            unit="reqps",
        ),
        Panel(title="Time of a request", metric=REQUEST_SECONDS, queries=_quantiles(REQUEST_SECONDS, "task")),
        Panel(
            title="Time of a request, by version (p99)",
            metric=REQUEST_SECONDS,
            queries=((quantile(REQUEST_SECONDS, 0.99, "task, version"), "{{task}} {{version}}"),),
        ),
        Panel(
            title="Time of a request, by locale (p95)",
            metric=REQUEST_SECONDS,
            queries=((quantile(REQUEST_SECONDS, 0.95, "task, locale"), "{{task}} {{locale}}"),),
        ),
        Panel(
            title="Requests by version",
            metric=REQUESTS,
            queries=((rate(REQUESTS, "task, version"), "{{task}} {{version}}"),),
            unit="reqps",
        ),
        Panel(
            title="Time to the first piece", metric=FIRST_PIECE_SECONDS, queries=_quantiles(FIRST_PIECE_SECONDS, "task")
        ),
        Panel(
            title="Tokens",
            metric=TOKENS,
            queries=((rate(TOKENS, "task, direction"), "{{task}} {{direction}}"),),
            unit="short",
        ),
        Panel(title="Waiting for the model", metric=QUEUE_SECONDS, queries=_quantiles(QUEUE_SECONDS, "task")),
        Panel(title="Requests in a call of the model", metric=BATCH_ROWS, queries=_quantiles(BATCH_ROWS, "task")),
        Panel(title="Time of a call of the model", metric=BATCH_SECONDS, queries=_quantiles(BATCH_SECONDS, "task")),
        Panel(
            title="Guardrails",
            metric=GUARDRAILS,
            queries=((rate(GUARDRAILS, "task, guard, action"), "{{task}} {{guard}} {{action}}"),),
            unit="cps",
        ),
        Panel(
            title="Inputs looked for among kept answers",
            metric=CACHE,
            queries=((rate(CACHE, "task, outcome"), "{{task}} {{outcome}}"),),
            unit="reqps",
        ),
        Panel(
            title="Fallbacks",
            metric=FALLBACKS,
            queries=((rate(FALLBACKS, "task, version, reason"), "{{task}} {{version}} {{reason}}"),),
            unit="reqps",
        ),
        Panel(
            title="Requests refused by a key's limits",
            metric=KEY_REFUSALS,
            queries=((rate(KEY_REFUSALS, "task, reason"), "{{task}} {{reason}}"),),
            unit="reqps",
        ),
        Panel(
            title="Inferences that could not be logged",
            metric=LOG_DROPPED,
            queries=((f"sum({exported_name(LOG_DROPPED)})", "since the start"),),
        ),
        Panel(
            title="Spans that were lost",
            metric=SPANS_DROPPED,
            queries=((f"sum by (reason) (rate({exported_name(SPANS_DROPPED)}[$__rate_interval]))", "{{reason}}"),),
            unit="cps",
        ),
    )


def dashboard() -> dict[str, Any]:
    """Return the dashboard."""
    task = {"query": f"label_values({exported_name(REQUESTS)}, task)", "refId": "task"}
    return {
        "uid": "polyloop",
        "title": "Polyloop",
        "tags": ["polyloop"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {
            "list": [
                {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
                {
                    "name": "task",
                    "label": "Task",
                    "type": "query",
                    "datasource": SOURCE,
                    "query": task,
                    "refresh": 2,
                    "includeAll": True,
                    "multi": True,
                    "current": {"text": "All", "value": "$__all"},
                },
            ]
        },
        "panels": [_drawn(number, panel) for number, panel in enumerate(panels())],
    }


def _drawn(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, COLUMNS)
    return {
        "id": number + 1,
        "title": panel.title,
        "description": panel.metric.meaning,
        "type": "timeseries",
        "datasource": SOURCE,
        "gridPos": {"h": HEIGHT, "w": WIDTH, "x": column * WIDTH, "y": row * HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit or panel.metric.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": query, "legendFormat": legend}
            for place, (query, legend) in enumerate(panel.queries)
        ],
    }


def render() -> str:
    """Return the dashboard's file."""
    return json.dumps(dashboard(), indent=2) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file, or with --check say whether it is up to date; return the exit code."""
    return write_or_check(
        arguments,
        render,
        default=DEFAULT_FILE,
        module="polyloop.serving.metrics.dashboard",
        what="Write the Grafana dashboard.",
    )


if __name__ == "__main__":
    sys.exit(main())
