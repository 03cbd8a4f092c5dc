"""What each task serves now, kept fresh in a router's memory.

Input: the release table, polled every `POLL_S` seconds. Output: `champion(task)` without a read, and the set of tasks
whose champion is loaded in at least one live replica (for /readyz). When the store cannot be reached, the last known
release goes on being served.
"""

import logging
import threading
from datetime import UTC, datetime

from polyloop.errors import PolyloopError
from polyloop.registry.presence import PRESENCE_TTL_S, live_replicas
from polyloop.registry.releases import all_releases
from polyloop.registry.store import Store

logger = logging.getLogger("polyloop.serving")

POLL_S = 0.5


class ReleaseWatch:
    """Follows the releases of all tasks by a thread."""

    def __init__(self, store: Store, tasks: tuple[str, ...]) -> None:
        self._store = store
        self._tasks = tasks
        self._champions: dict[str, str] = {}
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

    def champion(self, task: str) -> str | None:
        """Return the version that a task serves now, or None before its first promotion."""
        return self._champions.get(task)

    def unready(self) -> dict[str, str]:
        """Return, per task that cannot answer, the reason; empty when all are ready. Reads the store."""
        reasons = {}
        now = datetime.now(UTC)
        for task in self._tasks:
            champion = self._champions.get(task)
            if champion is None:
                reasons[task] = "no version has been promoted"
                continue
            replicas = live_replicas(self._store, task, now=now, ttl_s=PRESENCE_TTL_S)
            if not any(champion in replica.versions for replica in replicas):
                reasons[task] = f"no live replica holds {champion}"
        return reasons

    def _refresh(self) -> None:
        self._champions = {
            release.task: release.champion for release in all_releases(self._store) if release.champion is not None
        }

    def _run(self) -> None:
        while not self._stop.wait(POLL_S):
            try:
                self._refresh()
            except PolyloopError as error:
                logger.warning("the releases cannot be read, serving the last known ones: %s", error)
