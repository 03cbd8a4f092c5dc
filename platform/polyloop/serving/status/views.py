"""What is told of a task just now. Pure.

Input: a task's release, its live replicas, and the requests of late by version. Output: a `TaskStatus`.
"""

from collections.abc import Mapping, Sequence

from polyloop.registry.presence import Replica
from polyloop.registry.releases import Release
from polyloop.serving.metrics.window import Recent
from polyloop.serving.release_watch import canary_is_held
from polyloop.serving.releases.views import num_holders, roles_of
from polyloop.serving.status.schemas import RequestsOfLate, TaskStatus, VersionStatus

NOTHING = Recent(num_requests=0, failures={}, p50_s=None, p99_s=None)


def task_status(kind: str, release: Release, replicas: Sequence[Replica], recent: Mapping[str, Recent]) -> TaskStatus:
    """Return how one task is; `recent` has the empty name for requests that ended before a version was asked."""
    roles = roles_of(release)
    others = sorted(recent.keys() - roles.keys() - {""})
    return TaskStatus(
        task=release.task,
        kind=kind,
        replicas=len(replicas),
        ready=release.champion is not None and num_holders(release.champion, replicas) > 0,
        canary_weight=release.canary_weight if release.canary else None,
        canary_paused=release.canary is not None and not canary_is_held(release, replicas),
        versions=[
            VersionStatus(
                version=version,
                role=roles.get(version),
                replicas=num_holders(version, replicas),
                **_of_late(recent.get(version, NOTHING)).model_dump(),
            )
            for version in (*roles, *others)
        ],
        unassigned=_of_late(recent.get("", NOTHING)),
    )


def _of_late(recent: Recent) -> RequestsOfLate:
    return RequestsOfLate(
        requests=recent.num_requests,
        failures=recent.num_failures,
        failure_codes=dict(recent.failures),
        p50_ms=_milliseconds(recent.p50_s),
        p99_ms=_milliseconds(recent.p99_s),
    )


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
