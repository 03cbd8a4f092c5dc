"""What `polyloop release` tells: rows of tables, and the same for machines. Pure.

Input: events of releases, and comparisons of shadows. Output: plain dictionaries and texts.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from polyloop.evaluation.shadow import Latency, ShadowComparison
from polyloop.registry.release_events import Action, ReleaseEvent


def ended_roles(events: Sequence[ReleaseEvent]) -> list[str]:
    """Return which canary and shadow ended in these events, such as "the canary v2"."""
    names = {Action.END_CANARY: "the canary", Action.END_SHADOW: "the shadow"}
    return [f"{names[event.action]} {event.from_version}" for event in events if event.action in names]


def comparison_rows(ours: str, theirs: str, found: Sequence[ShadowComparison]) -> list[dict[str, Any]]:
    """Return a row a locale, all of them last."""
    return [
        {
            "locale": one.locale,
            "answers": one.num_answers,
            "agree %": f"{one.agreement.value:.1f} ({one.agreement.low:.1f} to {one.agreement.high:.1f})",
            "refused": one.num_refused,
            f"{ours} p50/p95 ms": _percentiles(one.latency),
            f"{theirs} p50/p95 ms": _percentiles(one.shadow_latency),
        }
        for one in found
    ]


def comparison_to_json(
    task: str, ours: str, theirs: str, found: Sequence[ShadowComparison], num_unanswered: int | None
) -> dict[str, Any]:
    """Return the same for machines; `agreement` is in points, `num_unanswered` None for a shadow that has ended."""
    return {
        "task": task,
        "version": theirs,
        "against": ours,
        "num_unanswered": num_unanswered,
        "locales": [asdict(one) for one in found],
    }


def _percentiles(latency: Latency | None) -> str | None:
    return None if latency is None else f"{latency.p50_ms:.1f} / {latency.p95_ms:.1f}"
