"""Who works on a loop run: takes it, keeps its lease alive, and gives it up.

Input: a store and a task. Output: a run that is the caller's, or the news that another process is at work on it. A
process that is killed renews nothing, so whoever asks next waits until its lease is over and takes the run over.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from polyloop.errors import PolyloopError, RegistryError
from polyloop.registry.runs import StartedRun, get_run, hand_over, heartbeat, start_run
from polyloop.registry.store import Store

logger = logging.getLogger("polyloop.retraining")

LEASE_S = 30.0
RENEW_EVERY_S = 5.0
POLL_S = 1.0
SCHEDULER_PREFIX = "scheduler-"
"""Owners whose name begins so hold a run only until the job that they submitted takes it."""


def take_run(
    store: Store,
    task: str,
    *,
    owner: str,
    trigger: str,
    reason: str,
    run_id: str | None,
    progress: Callable[[str], None],
) -> StartedRun:
    """Start a run of `task`, take over the one that was left behind, or return the one another process works on.

    `run_id` names a run that a scheduler has started for this process. A run whose owner gives no sign of life is
    waited for until its lease is over, `LEASE_S` seconds at most.
    """
    if run_id is not None:
        _accept(store, task, run_id, owner)
    deadline = time.monotonic() + LEASE_S + POLL_S
    started = _start(store, task, trigger, reason, owner)
    lease_seen = started.run.lease_until
    while not started.is_ours and started.run.lease_until == lease_seen and time.monotonic() < deadline:
        progress(f"{task}: {started.run.run_id} belongs to {started.run.owner}; looking whether it lives")
        time.sleep(POLL_S)
        started = _start(store, task, trigger, reason, owner)
    return started


@contextmanager
def kept_lease(store: Store, run_id: str, owner: str) -> Iterator[None]:
    """Renew the lease of `run_id` every `RENEW_EVERY_S` seconds; give it up at once if the block is interrupted."""
    stop = threading.Event()

    def renew() -> None:
        while not stop.wait(RENEW_EVERY_S):
            _renew(store, run_id, owner, LEASE_S)

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=RENEW_EVERY_S)
        if not get_run(store, run_id).state.is_terminal:
            _renew(store, run_id, owner, 0.0)


def _accept(store: Store, task: str, run_id: str, owner: str) -> None:
    scheduled = get_run(store, run_id)
    if scheduled.task != task:
        raise RegistryError(f"{run_id} is a run of {scheduled.task!r}, not of {task!r}")
    if not scheduled.state.is_terminal and scheduled.owner.startswith(SCHEDULER_PREFIX):
        hand_over(store, run_id, scheduled.owner, new_owner=owner, lease_s=LEASE_S, now=datetime.now(UTC))


def _start(store: Store, task: str, trigger: str, reason: str, owner: str) -> StartedRun:
    return start_run(store, task, trigger=trigger, reason=reason, owner=owner, lease_s=LEASE_S, now=datetime.now(UTC))


def _renew(store: Store, run_id: str, owner: str, lease_s: float) -> None:
    try:
        heartbeat(store, run_id, owner, lease_s=lease_s, now=datetime.now(UTC))
    except PolyloopError as error:
        logger.warning("the lease of %s was not renewed: %s", run_id, error)
