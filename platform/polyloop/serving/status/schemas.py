"""Body of GET /v1/status: live versions of each task, who holds them, and this router's requests of late."""

from polyloop.serving.releases.schemas import Role
from polyloop.serving.schemas import WireModel


class RequestsOfLate(WireModel):
    """What became of requests in the window, as this router saw it."""

    requests: int
    """How many ended."""
    failures: int
    """How many of them failed; those whose client left are not among them."""
    failure_codes: dict[str, int]
    """Code of the error -> how many failed so."""
    p50_ms: float | None
    """Median time of answers in milliseconds, null without any."""
    p99_ms: float | None
    """Time that 99 in 100 answers did not exceed, in milliseconds."""


class VersionStatus(RequestsOfLate):
    """A version that a task serves or has served in the window."""

    version: str
    """Name of the version."""
    role: Role | None
    """What it is held for; null for one that has no role any more."""
    replicas: int
    """Live replicas of the task that hold it."""


class TaskStatus(WireModel):
    """One task."""

    task: str
    """Name of the task."""
    kind: str
    """Kind of the task."""
    replicas: int
    """Its live replicas."""
    ready: bool
    """True if a live replica holds the champion."""
    canary_weight: float | None
    """Part of the users whom the canary answers, 0 to 1; null without a canary."""
    canary_paused: bool
    """True while routers leave the canary out, as a replica that answers does not hold it."""
    versions: list[VersionStatus]
    """Champion, canary, shadow, preload and previous, then those without a role."""
    unassigned: RequestsOfLate
    """Requests that ended before a version was asked, such as those with a locale that the task does not serve."""


class Status(WireModel):
    """How the service is just now. Requests are those of one router; with several, each answers for itself."""

    window_s: float
    """Seconds that requests are told of: the last five minutes, or those since the router started."""
    tasks: list[TaskStatus]
    """In the order of the spec."""
