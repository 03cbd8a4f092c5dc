"""Makes a version live, as champion, canary or shadow, without a restart and without a failed request.

Input: a published version. Output: the new release. The order is what makes it safe: every live replica is asked to
load the version and answer with it once; only when all hold it is the release row flipped; routers see the flip within
their polling interval; replicas keep the old version, so calls already under way still find it. Commands, loop runs
and the HTTP API all change releases by these functions. They block for as long as replicas load, unless `stop` is set;
where `expected_generation` is given, they refuse a release that has changed since.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from types import EllipsisType
from typing import Protocol

from polyloop.errors import NotLoadedError, PolyloopError, ReleaseChangedError, SpecError
from polyloop.registry.presence import PRESENCE_TTL_S, live_replicas
from polyloop.registry.releases import (
    Release,
    check_canary,
    check_generation,
    check_shadow,
    clear_preload,
    get_release,
    promote,
    set_canary,
    set_preload,
    set_shadow,
)
from polyloop.registry.store import Store
from polyloop.spec.loader import LoadedSpec

logger = logging.getLogger("polyloop.retraining")

POLL_S = 0.25
LOAD_TIMEOUT_S = 180.0


class Flip(Protocol):
    """A change of the release row."""

    def __call__(self, *, expected_generation: int | None) -> Release:
        """Change it if its generation is still this one."""
        ...


def promote_live(
    store: Store,
    task: str,
    version: str,
    *,
    actor: str,
    reason: str,
    progress: Callable[[str], None],
    load_timeout_s: float = LOAD_TIMEOUT_S,
    stop: threading.Event | None = None,
    expected_generation: int | None = None,
    instead_of: str | EllipsisType | None = ...,
) -> Release:
    """Make `version` the champion of `task` once every live replica holds it; errors as for `flip_when_held`.

    RegistryError also if `instead_of` is given (None for a task that has had no champion) and is not the champion:
    what was judged beside one says nothing of another, and must not undo what somebody has done meanwhile.
    """
    release = get_release(store, task)
    if release.champion == version:
        return release
    check_generation(release, expected_generation)
    if instead_of is not ... and release.champion != instead_of:
        raise ReleaseChangedError(
            f"{version} of {task} was judged beside {instead_of or 'no champion'}, and the champion is "
            f"{release.champion or 'none'} now; it was not promoted; have it judged again"
        )

    flip = partial(promote, store, task, version, actor=actor, reason=reason)
    return flip_when_held(store, release, version, flip, progress=progress, load_timeout_s=load_timeout_s, stop=stop)


def canary_live(
    store: Store,
    task: str,
    version: str,
    weight: float,
    *,
    actor: str,
    reason: str,
    progress: Callable[[str], None],
    load_timeout_s: float = LOAD_TIMEOUT_S,
    stop: threading.Event | None = None,
    expected_generation: int | None = None,
) -> Release:
    """Let `version` answer the part `weight` of users once every live replica holds it; errors as for `flip_when_held`.

    RegistryError, before anything is loaded, if the version or the weight cannot be a canary's.
    """
    release = get_release(store, task)
    check_canary(release, version, weight)
    if (release.canary, release.canary_weight) == (version, weight):
        return release
    check_generation(release, expected_generation)

    flip = partial(set_canary, store, task, version, weight, actor=actor, reason=reason)
    return flip_when_held(store, release, version, flip, progress=progress, load_timeout_s=load_timeout_s, stop=stop)


def shadow_live(
    store: Store,
    loaded: LoadedSpec,
    task: str,
    version: str,
    *,
    actor: str,
    reason: str,
    progress: Callable[[str], None],
    load_timeout_s: float = LOAD_TIMEOUT_S,
    stop: threading.Event | None = None,
    expected_generation: int | None = None,
) -> Release:
    """Make `version` the shadow of `task` once every live replica holds it; errors as for `flip_when_held`.

    Before anything is loaded: SpecError where the inference log keeps no inputs, RegistryError if the version cannot be
    a shadow.
    """
    if not loaded.spec.serving.log_inputs:
        raise SpecError(
            f"{loaded.path}: serving.log_inputs is false, and a shadow answers the inputs of the inference log; "
            f"set it to true and deploy again, or try {version} with `polyloop release canary {task} {version}`"
        )
    release = get_release(store, task)
    check_shadow(release, version)
    if release.shadow == version:
        return release
    check_generation(release, expected_generation)

    flip = partial(set_shadow, store, task, version, actor=actor, reason=reason)
    return flip_when_held(store, release, version, flip, progress=progress, load_timeout_s=load_timeout_s, stop=stop)


def flip_when_held(
    store: Store,
    decided_on: Release,
    version: str,
    flip: Flip,
    *,
    progress: Callable[[str], None],
    load_timeout_s: float = LOAD_TIMEOUT_S,
    stop: threading.Event | None = None,
) -> Release:
    """Preload `version` on every live replica of a task, then `flip` its release, which it was decided on.

    Where nothing serves the task now, the flip is immediate: replicas read the release when they start. NotLoadedError,
    with the release left as it was, if some replica has not loaded the version after `load_timeout_s`, or `stop` is set
    before; ReleaseRefusedError if the version is not published, or another change of the release came between, which
    ends the wait at once.
    """
    task, generation = decided_on.task, decided_on.generation
    set_preload(store, task, version)
    try:
        _wait_until_held(store, task, version, generation, progress, load_timeout_s, stop or threading.Event())
        return flip(expected_generation=generation)
    finally:
        _withdraw(store, task, version)  # a flip has done so itself, unless another one came to the same before


def _withdraw(store: Store, task: str, version: str) -> None:
    """Ask replicas no more to hold `version`, unless another promotion has asked for another one meanwhile."""
    try:
        clear_preload(store, task, version)
    except PolyloopError as error:
        logger.warning("%s of %s is still asked for by its release: %s", version, task, error)


def _wait_until_held(
    store: Store,
    task: str,
    version: str,
    generation: int,
    progress: Callable[[str], None],
    load_timeout_s: float,
    stop: threading.Event,
) -> None:
    """Wait until every live replica holds `version`, or another change of the release has ended the wait for it."""
    deadline = time.monotonic() + load_timeout_s
    while True:
        replicas = live_replicas(store, task, now=datetime.now(UTC), ttl_s=PRESENCE_TTL_S)
        missing = [replica.replica_id for replica in replicas if version not in replica.versions]
        if not missing:
            progress(f"{version} answers in {len(replicas)} live replicas")
            return
        release = get_release(store, task)
        if release.generation != generation:
            return  # the flip decides: it refuses, or finds done what it was to do
        if release.preload != version:
            raise ReleaseChangedError(
                f"another change of the release of {task} asks for {release.preload or 'no version'} now, so that "
                f"nobody loads {version} any more; look at it and try again"
            )
        if time.monotonic() > deadline:
            raise NotLoadedError(
                f"{version} of {task} was not loaded by {', '.join(missing)} within {load_timeout_s:g} s; the release "
                "stays as it is; see the replica's log"
            )
        if stop.wait(POLL_S):
            raise NotLoadedError(
                f"the process that waited for {', '.join(missing)} to load {version} of {task} stops; the release "
                "stays as it is; change it again"
            )
