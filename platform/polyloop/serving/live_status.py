"""What each task serves and does at the moment: from the store and from the nodes' Prometheus pages.

Inputs: the project's store, and a cluster's dashboard. Output: a row a task. Ray's agents get figures from their
processes every 10 s, so that rates and quantiles are those of the last `WINDOW_S` seconds: over less, they would jump.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from polyloop.cluster.metrics_pages import metrics_targets, read_pages
from polyloop.registry.presence import PRESENCE_TTL_S, Replica, live_replicas
from polyloop.registry.releases import Release, get_release
from polyloop.registry.store import Store
from polyloop.serving.metrics.reading import Reading, TaskFigures, figures_of, read_page
from polyloop.serving.release_watch import canary_is_held

WINDOW_S = 30.0


@dataclass(frozen=True, kw_only=True)
class TaskStatus:
    """One task; `figures` is None before there are two readings."""

    release: Release
    replicas: tuple[Replica, ...]
    figures: TaskFigures | None

    @property
    def is_canary_paused(self) -> bool:
        """True while a replica that answers does not hold the canary, so that the champion answers all."""
        return self.release.canary is not None and not canary_is_held(self.release, self.replicas)


class LiveStatus:
    """Looks at a project again and again."""

    def __init__(
        self, store: Store, tasks: Sequence[str], pages: Callable[[], Mapping[str, str]], *, window_s: float = WINDOW_S
    ) -> None:
        self._store, self._tasks, self._pages, self._window_s = store, tuple(tasks), pages, window_s
        self._readings: deque[Reading] = deque()

    def look(self) -> list[TaskStatus]:
        """Return a row a task; RegistryError or ClusterError where store or dashboard do not answer."""
        pages = {target: read_page(text) for target, text in self._pages().items()}
        self._readings.append(Reading(at_s=time.monotonic(), pages=pages))
        while len(self._readings) > 2 and self._readings[-1].at_s - self._readings[1].at_s >= self._window_s:
            self._readings.popleft()
        first, last = self._readings[0], self._readings[-1]
        figures = figures_of(first, last, self._tasks) if last.at_s > first.at_s else {}
        now = datetime.now(UTC)
        return [
            TaskStatus(
                release=get_release(self._store, task),
                replicas=live_replicas(self._store, task, now=now, ttl_s=PRESENCE_TTL_S),
                figures=figures.get(task),
            )
            for task in self._tasks
        ]


def pages_of_cluster(dashboard_url: str) -> dict[str, str]:
    """Return the page of each node of a cluster."""
    return read_pages(metrics_targets(dashboard_url))
