"""Keeps in a replica what its task's release asks for: the live versions, and the previous champion.

Input: the release row, polled by one thread. Output: loaded predictors, and a heartbeat row, written by another thread
so that a long load does not make the replica look dead. That row tells which versions this replica can answer with,
and is what a promotion waits for: a release is only flipped when every live replica holds the new version and has
answered with it. The previous champion stays loaded so that a rollback is instant, and a version that nothing asks for
any more for `LINGER_S` seconds, so that calls of routers that have not seen the change find it. A version that cannot
be loaded is tried again when the release changes, and every `RETRY_FAILED_S` seconds.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from polyloop.errors import PolyloopError, RequestError
from polyloop.registry.presence import beat, forget
from polyloop.registry.releases import Release, get_release
from polyloop.registry.store import Store
from polyloop.registry.versions import get_version
from polyloop.serving.warm import load_warm

if TYPE_CHECKING:
    from polyloop.models.predict import Predictor

logger = logging.getLogger("polyloop.serving")

POLL_S = 0.5
BEAT_S = 2.0
RETRY_FAILED_S = 30.0
LINGER_S = 5.0
"""Ten times what routers take to see a change; a canary that ends must not be loaded again for a late call."""
STOP_TIMEOUT_S = 5.0


def wanted_versions(release: Release) -> tuple[str, ...]:
    """Return the versions that a replica must hold for a release, the most urgent first (pure)."""
    names = (*release.live_versions, release.previous)
    return tuple(dict.fromkeys(name for name in names if name is not None))


class HeldVersions:
    """The loaded versions of one task in one replica, kept in step with its release."""

    def __init__(
        self, store: Store, *, task: str, replica_id: str, load: "Callable[[Path], Predictor]", artefacts_dir: Path
    ) -> None:
        self._store = store
        self._task = task
        self._replica_id = replica_id
        self._load = load
        self._artefacts_dir = artefacts_dir
        # Replaced, never changed in place, so that other threads may read them at any moment.
        self._held: Mapping[str, Predictor] = {}
        self._failed: Mapping[str, tuple[float, PolyloopError]] = {}
        self._unwanted_since: dict[str, float] = {}
        self._lock = threading.Lock()
        self._release: Release | None = None
        self._stop = threading.Event()
        self._news = threading.Event()
        self._follower = threading.Thread(target=self._follow_on, name="held-versions", daemon=True)
        self._beater = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Load what the release asks for now, then follow it until `stop`."""
        self._beater.start()
        self._follow()
        self._follower.start()

    def stop(self) -> None:
        """Stop following and take this replica out of the presence table."""
        self._stop.set()
        self._news.set()
        for thread in (self._beater, self._follower):
            if thread.is_alive():
                thread.join(timeout=STOP_TIMEOUT_S)
        forget(self._store, self._replica_id)

    @property
    def alive(self) -> bool:
        """True while both threads run."""
        return self._follower.is_alive() and self._beater.is_alive()

    def get(self, version: str) -> "Predictor":
        """Return a loaded version; loads it at once if a router knows of it before this replica does."""
        return self._held.get(version) or self._ensure(version)

    def holds(self, version: str) -> bool:
        """Return whether a version is loaded."""
        return version in self._held

    async def wait_for(self, version: str) -> "Predictor":
        """Do as `get`, with a thread only where something has to be loaded."""
        return self.get(version) if self.holds(version) else await asyncio.to_thread(self.get, version)

    def _ensure(self, version: str) -> "Predictor":
        with self._lock:
            if version in self._held:
                return self._held[version]
            failure = self._failed.get(version)
            if failure and time.monotonic() - failure[0] < RETRY_FAILED_S:
                raise failure[1].with_traceback(None)
            try:
                predictor = self._load_version(version)
            except PolyloopError as error:
                self._failed = {**self._failed, version: (time.monotonic(), error)}
                logger.error("%s %s cannot be loaded: %s", self._task, version, error)
                raise
            self._held = {**self._held, version: predictor}
        self._news.set()
        return predictor

    def _load_version(self, version: str) -> "Predictor":
        started = time.monotonic()
        record = get_version(self._store, self._task, version)
        if record.path is None:
            raise RequestError(f"version {version} of {self._task} is not published", 503, "version_not_published")
        predictor = load_warm(self._load, self._artefacts_dir / record.path, f"{self._task} {version}")
        logger.info("%s %s loaded and warm after %.2f s", self._task, version, time.monotonic() - started)
        return predictor

    def _follow(self) -> None:
        release = get_release(self._store, self._task)
        wanted = wanted_versions(release)
        with self._lock:
            if release != self._release:
                self._release, self._failed = release, {}
            self._let_go(wanted)
        for version in wanted:
            if version not in self._held and not self._stop.is_set():
                self._try(version)

    def _let_go(self, wanted: tuple[str, ...]) -> None:
        """Drop what has not been wanted for `LINGER_S` seconds; the caller holds the lock."""
        now = time.monotonic()
        unwanted = self._held.keys() - set(wanted)
        self._unwanted_since = {version: self._unwanted_since.get(version, now) for version in unwanted}
        dropped = {version for version, since in self._unwanted_since.items() if now - since >= LINGER_S}
        if dropped:
            self._held = {version: held for version, held in self._held.items() if version not in dropped}
            self._news.set()

    def _try(self, version: str) -> None:
        try:
            self._ensure(version)
        except PolyloopError as error:
            logger.debug("%s %s is not held: %s", self._task, version, error)

    def _follow_on(self) -> None:
        while not self._stop.wait(POLL_S):
            try:
                self._follow()
            except PolyloopError as error:
                logger.warning("the release of %s cannot be read, going on with what is loaded: %s", self._task, error)

    def _beat_on(self) -> None:
        while not self._stop.is_set():
            self._news.clear()
            try:
                beat(self._store, self._replica_id, self._task, sorted(self._held), datetime.now(UTC))
            except PolyloopError as error:
                logger.warning("the heartbeat of %s could not be written: %s", self._replica_id, error)
            self._news.wait(BEAT_S)
