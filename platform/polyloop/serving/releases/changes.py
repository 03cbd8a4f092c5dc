"""Carries out changes of releases for a router: in threads of their own, to the end, whoever goes away meanwhile.

Input: a validated change and the name of the key that asks. Output: the new release, or None while replicas still load
the version; who asks again for the same then waits for the same change. Errors: RequestErrors with stable codes.
Limits: at most `MAX_LOADING` changes that load something are under way in a router. A router that is stopped in order
ends its waits and leaves the releases as they are; one that is killed leaves a preload behind, which serves no one and
goes with the next change.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from polyloop.errors import (
    NotLoadedError,
    PolyloopError,
    ReleaseChangedError,
    ReleaseRefusedError,
    RequestError,
    SpecError,
    UnknownVersionError,
)
from polyloop.registry.releases import Release, clear_canary, clear_shadow, rollback
from polyloop.registry.store import Store
from polyloop.retraining.promotion import canary_live, promote_live, shadow_live
from polyloop.serving.releases.schemas import CanaryChange, Change, Promotion, Rollback, ShadowChange
from polyloop.spec.loader import LoadedSpec

logger = logging.getLogger("polyloop.serving")

MAX_LOADING = 8
KEEP_S = 60.0
"""How long an outcome that nobody has waited for is kept for who asks again."""

FAILURES: tuple[tuple[type[PolyloopError], int, str], ...] = (
    (UnknownVersionError, 404, "unknown_version"),
    (ReleaseChangedError, 409, "release_changed"),
    (ReleaseRefusedError, 409, "release_refused"),
    (SpecError, 409, "release_refused"),
    (NotLoadedError, 503, "version_not_loaded"),
)
"""Error -> status and code, the first that fits; any other is a failure of the service."""

Asked = tuple[str, str, Change]
"""Task, key id and change: who asks for the same as before waits for it."""


class Changes:
    """The changes of a router that are under way. For one event loop."""

    def __init__(self, store: Store, loaded: LoadedSpec, *, wait_s: float) -> None:
        """`wait_s` is how long a request waits for replicas that load."""
        self._store, self._loaded, self._wait_s = store, loaded, wait_s
        self._under_way: dict[Asked, asyncio.Future[Release]] = {}
        self._stop = threading.Event()
        self._threads = ThreadPoolExecutor(MAX_LOADING, thread_name_prefix="release-change")

    async def carry_out(self, task: str, change: Change, *, key_id: str, actor: str) -> Release | None:
        """Change a release; None where replicas have not loaded the version within `wait_s`: the change goes on."""
        work = partial(_change, self._store, self._loaded, task, change, actor=actor, stop=self._stop)
        try:
            if not loads(change):
                return await asyncio.to_thread(work)
            asked = (task, key_id, change)
            running = self._under_way.get(asked) or self._begin(asked, work)
            await asyncio.wait({running}, timeout=self._wait_s)
            if not running.done():
                return None
            self._forget(asked, running)
            return running.result()
        except PolyloopError as error:
            raise request_error(error) from None

    def close(self) -> None:
        """End what waits for replicas; the releases concerned stay as they are. Blocks for a moment."""
        self._stop.set()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _begin(self, asked: Asked, work: Callable[[], Release]) -> "asyncio.Future[Release]":
        if len([one for one in self._under_way.values() if not one.done()]) >= MAX_LOADING:
            raise RequestError(
                f"{MAX_LOADING} changes wait for replicas already; try again when one of them is done",
                503,
                "overloaded",
            )
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._threads, work)
        self._under_way[asked] = running

        def ended(done: "asyncio.Future[Release]") -> None:
            if not done.cancelled() and done.exception() is not None:
                logger.warning("the release of %s was not changed: %s", asked[0], done.exception())
            loop.call_later(KEEP_S, self._forget, asked, done)

        running.add_done_callback(ended)
        return running

    def _forget(self, asked: Asked, running: "asyncio.Future[Release]") -> None:
        if self._under_way.get(asked) is running:
            del self._under_way[asked]


def loads(change: Change) -> bool:
    """Return whether a change may have to wait until replicas have loaded a version (pure)."""
    return not isinstance(change, Rollback) and not getattr(change, "off", False)


def request_error(error: PolyloopError) -> PolyloopError:
    """Return what a client is told of the failure of a change; other failures stay what they are."""
    for kind, status, code in FAILURES:
        if isinstance(error, kind):
            return RequestError(error.message, status, code)
    return error


def _change(
    store: Store, loaded: LoadedSpec, task: str, change: Change, *, actor: str, stop: threading.Event
) -> Release:
    """Carry out a change and return the new release. Blocks."""
    by: dict[str, Any] = {
        "actor": actor,
        "reason": change.reason,
        "expected_generation": change.expected_generation,
    }
    waiting: dict[str, Any] = {"progress": logger.info, "stop": stop}
    match change:
        case Promotion():
            return promote_live(store, task, change.version, **by, **waiting)
        case Rollback():
            return rollback(store, task, **by)
        case CanaryChange(weight=float(weight)):
            return canary_live(store, task, change.version, weight, **by, **waiting)
        case CanaryChange():
            return clear_canary(store, task, change.version, **by)
        case ShadowChange(off=True):
            return clear_shadow(store, task, change.version, **by)
        case ShadowChange():
            return shadow_live(store, loaded, task, change.version, **by, **waiting)
