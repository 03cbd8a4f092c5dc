"""What is told of a release: its versions and roles, how many replicas hold each, and its newest changes. Pure.

Input: a release, its live replicas and its events. Output: the bodies of the release API. The commands show the same.
"""

from collections.abc import Sequence
from typing import get_args

from polyloop.registry.presence import Replica
from polyloop.registry.release_events import ReleaseEvent
from polyloop.registry.releases import Release
from polyloop.serving.releases.schemas import LiveVersion, ReleaseDetail, ReleaseEventInfo, ReleaseInfo, Role

ROLES: tuple[Role, ...] = get_args(Role)
"""Of a version that stands in two places, the first counts: `previous` may be tried again as a canary."""


def roles_of(release: Release) -> dict[str, Role]:
    """Return the versions that replicas are to hold for a release, each with its role, the most important first."""
    roles: dict[str, Role] = {}
    for role in ROLES:
        version = getattr(release, role)
        if version is not None:
            roles.setdefault(version, role)
    return roles


def num_holders(version: str, replicas: Sequence[Replica]) -> int:
    """Return how many replicas hold a version."""
    return sum(version in replica.versions for replica in replicas)


def release_info(release: Release) -> ReleaseInfo:
    """Return what a task serves."""
    return ReleaseInfo(
        task=release.task,
        champion=release.champion,
        previous=release.previous,
        canary=release.canary,
        canary_weight=release.canary_weight if release.canary else None,
        shadow=release.shadow,
        preload=release.preload,
        generation=release.generation,
        updated_at=release.updated_at.isoformat(timespec="seconds") if release.updated_at else None,
    )


def release_detail(release: Release, replicas: Sequence[Replica], history: Sequence[ReleaseEvent]) -> ReleaseDetail:
    """Return what a task serves, who holds it, and its changes; `history` is oldest first."""
    versions = [
        LiveVersion(version=version, role=role, replicas=num_holders(version, replicas))
        for version, role in roles_of(release).items()
    ]
    events = [_event_info(event) for event in reversed(history)]
    told = release_info(release).model_dump()
    return ReleaseDetail(**told, replicas=len(replicas), versions=versions, history=events)


def _event_info(event: ReleaseEvent) -> ReleaseEventInfo:
    return ReleaseEventInfo(
        generation=event.generation,
        action=str(event.action),
        from_version=event.from_version,
        to_version=event.to_version,
        weight=event.weight,
        actor=event.actor,
        reason=event.reason,
        created_at=event.created_at.isoformat(timespec="seconds"),
    )
