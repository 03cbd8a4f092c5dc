"""Makes a version the champion without a restart and without a failed request.

Input: a published version. Output: the new release. The order is what makes it safe: every live replica is asked to
load the version and answer with it once; only when all hold it is the release row flipped; routers see the flip within
their polling interval; replicas keep the old version, so calls already under way still find it.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from polyloop.errors import ClusterError, PolyloopError
from polyloop.registry.presence import PRESENCE_TTL_S, live_replicas
from polyloop.registry.releases import Release, get_release, promote, set_preload
from polyloop.registry.store import Store

logger = logging.getLogger("polyloop.retraining")

"""A replica not heard of for this long is dead; they write a heartbeat every 2 s, also while they load."""
POLL_S = 0.25
LOAD_TIMEOUT_S = 180.0


def promote_live(
    store: Store,
    task: str,
    version: str,
    *,
    actor: str,
    reason: str,
    progress: Callable[[str], None],
    load_timeout_s: float = LOAD_TIMEOUT_S,
) -> Release:
    """Preload `version` on every live replica of `task`, then flip the release.

    Where nothing serves the task now, the flip is immediate: replicas read the release when they start. ClusterError,
    with the release left as it was, if some replica has not loaded the version after `load_timeout_s`.
    """
    release = get_release(store, task)
    if release.champion == version:
        return release
    release = set_preload(store, task, version)
    try:
        _wait_until_held(store, task, version, progress, load_timeout_s)
        return promote(store, task, version, actor=actor, reason=reason, expected_generation=release.generation)
    except BaseException:
        _withdraw(store, task, version)
        raise


def _withdraw(store: Store, task: str, version: str) -> None:
    """Ask replicas no more to hold `version`, unless another promotion has asked for another one meanwhile."""
    try:
        if get_release(store, task).preload == version:
            set_preload(store, task, None)
    except PolyloopError as error:
        logger.warning("%s of %s is still asked for by its release: %s", version, task, error)


def _wait_until_held(
    store: Store, task: str, version: str, progress: Callable[[str], None], load_timeout_s: float
) -> None:
    deadline = time.monotonic() + load_timeout_s
    while True:
        replicas = live_replicas(store, task, now=datetime.now(UTC), ttl_s=PRESENCE_TTL_S)
        missing = [replica.replica_id for replica in replicas if version not in replica.versions]
        if not missing:
            progress(f"{version} answers in {len(replicas)} live replicas")
            return
        if time.monotonic() > deadline:
            raise ClusterError(
                f"{version} of {task} was not loaded by {', '.join(missing)} within {load_timeout_s:g} s; the release "
                "stays as it is; see the replica's log"
            )
        time.sleep(POLL_S)
