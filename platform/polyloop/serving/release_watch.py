"""What each task serves now, kept fresh in a router's memory.

Input: the release table and the presence table, polled every `POLL_S` seconds. Output: each task's release and how many
replicas it has without a read, and the set of tasks whose champion is loaded in at least one live replica (for
/readyz). When the store cannot be reached, the last known release goes on being served.

A canary that a replica cannot answer with must not cost a user an answer, so `release` leaves it out while a live
replica that answers with the champion does not hold it; the champion then answers all, with a propensity of 1.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from polyloop.errors import PolyloopError
from polyloop.registry.presence import PRESENCE_TTL_S, Replica, count_live, live_replicas
from polyloop.registry.releases import Release, all_releases
from polyloop.registry.store import Store

logger = logging.getLogger("polyloop.serving")

POLL_S = 0.5


class ReleaseWatch:
    """Follows the releases of all tasks by a thread; `may_rest` are those that need no replica while nobody asks."""

    def __init__(self, store: Store, tasks: tuple[str, ...], *, may_rest: frozenset[str] = frozenset()) -> None:
        self._store = store
        self._tasks = tasks
        self._may_rest = may_rest
        self._releases: Mapping[str, Release] = {}
        self._paused: frozenset[tuple[str, str]] = frozenset()
        self._num_replicas: Mapping[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="release-watch", daemon=True)

    def start(self) -> None:
        """Read the releases once, then follow them until `stop`."""
        self._refresh()
        self._thread.start()

    def stop(self) -> None:
        """Stop following."""
        self._stop.set()

    @property
    def alive(self) -> bool:
        """True while the following thread runs."""
        return self._thread.is_alive()

    def release(self, task: str) -> Release:
        """Return what a task serves now, an empty release before its first promotion; without a paused canary."""
        return self._releases.get(task) or Release(task=task)

    def champion(self, task: str) -> str | None:
        """Return the champion of a task, or None before its first promotion."""
        return self.release(task).champion

    def num_replicas(self, task: str) -> int:
        """Return how many replicas of a task were alive a moment ago, on all nodes."""
        return self._num_replicas.get(task, 0)

    def unready(self) -> dict[str, str]:
        """Return, per task that cannot answer, the reason; empty when all are ready. Reads the store.

        While the store is away nobody knows which replicas live, so no task counts as ready.
        """
        try:
            return self._unready()
        except PolyloopError as error:
            logger.warning("whether the tasks are ready cannot be read: %s", error)
            return dict.fromkeys(self._tasks, "the store cannot say which replicas live")

    def _unready(self) -> dict[str, str]:
        reasons = {}
        for task in self._tasks:
            champion = self.champion(task)
            if champion is None:
                reasons[task] = "no version has been promoted"
                continue
            replicas = self._replicas(task)
            is_resting = task in self._may_rest and not replicas
            if not is_resting and not any(champion in replica.versions for replica in replicas):
                reasons[task] = f"no live replica holds {champion}"
        return reasons

    def _replicas(self, task: str) -> tuple[Replica, ...]:
        return live_replicas(self._store, task, now=datetime.now(UTC), ttl_s=PRESENCE_TTL_S)

    def _refresh(self) -> None:
        releases, paused = {}, set()
        for release in all_releases(self._store):
            releases[release.task] = release
            if release.canary is not None and not canary_is_held(release, self._replicas(release.task)):
                paused.add((release.task, release.canary))
                releases[release.task] = replace(release, canary=None, canary_weight=0.0)
        for task, canary in paused - self._paused:
            logger.warning("the canary %s of %s pauses: not every replica that answers holds it", canary, task)
        for task, canary in self._paused - paused:
            logger.info("the canary %s of %s pauses no more", canary, task)
        self._num_replicas = count_live(self._store, now=datetime.now(UTC), ttl_s=PRESENCE_TTL_S)
        self._releases, self._paused = releases, frozenset(paused)

    def _run(self) -> None:
        while not self._stop.wait(POLL_S):
            try:
                self._refresh()
            except PolyloopError as error:
                logger.warning("the releases cannot be read, serving the last known ones: %s", error)


def canary_is_held(release: Release, replicas: Sequence[Replica]) -> bool:
    """Return whether a canary may answer: each replica that holds the champion holds it too, and there is one (pure).

    A replica that is starting holds neither and counts for nothing; Serve sends it no calls before it has loaded both.
    """
    answering = [replica.versions for replica in replicas if release.champion in replica.versions]
    return bool(answering) and all(release.canary in versions for versions in answering)
