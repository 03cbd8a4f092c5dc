"""The scheduler: looks at the facts of each task, asks the policy, and submits loop runs as Ray jobs.

A deployment with one replica, which Serve restarts if it dies; a row in the registry (the queued loop run and its
lease) keeps two schedulers, or a scheduler and a person, from starting the same run twice. A run whose job was killed
is found by its expired lease and submitted again, as is one whose job could not be submitted; its stages then go on
from what they had made.
"""

import logging
import shlex
import sys
import threading
import uuid
from datetime import UTC, datetime

import ray

from polyloop.cluster.jobs import submit_job
from polyloop.cluster.serve_log import log_through_serve
from polyloop.errors import ClusterError, PolyloopError
from polyloop.feedback.curation_store import count_acceptable
from polyloop.registry.releases import get_release
from polyloop.registry.run_states import RunState
from polyloop.registry.runs import LoopRun, StartedRun, abandoned_run, advance, alive_run, list_runs, start_run
from polyloop.registry.store import Store, open_store
from polyloop.retraining.lease import SCHEDULER_PREFIX
from polyloop.retraining.triggers import TriggerFacts, decide
from polyloop.spec.loader import LoadedSpec, load_spec
from polyloop.spec.settings import settings

logger = logging.getLogger("polyloop.retraining")

SUBMIT_LEASE_S = 120.0
"""How long a submitted job may take to begin; after that the run counts as abandoned and is submitted again."""
RATING_WINDOW_S = 86_400.0
MAX_JOBS = 5
"""How many jobs a run may take before it is given up."""
JOBS = "num_jobs"
"""Where a run's details keep the number of jobs that were submitted for it."""


class Scheduler:
    """Serve deployment class; works in a thread of its own.

    `cluster` is where jobs are submitted: by default POLYLOOP_RAY_ADDRESS, or else the cluster that this process is in.
    """

    def __init__(self, spec_path: str, cluster: str | None = None) -> None:
        self._loaded = load_spec(spec_path)
        log_through_serve(is_json=self._loaded.spec.serving.logs == "json")
        self._store = open_store(self._loaded.store_url)
        self._owner = f"{SCHEDULER_PREFIX}{uuid.uuid4().hex[:8]}"
        # Inside the cluster, the address of its control store leads the job client to the dashboard.
        self._cluster = cluster or settings().ray_address or ray.get_runtime_context().gcs_address
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        self._thread.start()

    def check_health(self) -> None:
        """Tell Serve to replace this replica when its thread has ended."""
        if not self._thread.is_alive():
            raise ClusterError("the scheduler's thread has ended")

    def __del__(self) -> None:
        """Stop looking when Serve stops this replica."""
        if hasattr(self, "_stop"):
            self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(self._loaded.spec.retraining.poll_s):
            for task in self._loaded.spec.tasks:
                try:
                    self._look(task)
                except PolyloopError as error:
                    logger.warning("the scheduler could not see to %s: %s", task, error)

    def _look(self, task: str) -> None:
        now = datetime.now(UTC)
        policy = self._loaded.spec.retraining
        facts = gather_facts(self._loaded, self._store, task, now)
        abandoned = abandoned_run(self._store, task, now)
        if abandoned is None:
            decision = decide(facts, policy)
            if decision.start:
                self._submit(task, decision.trigger, decision.reason)
        elif policy.enabled and facts.runs_alive < policy.max_concurrent_runs:
            if abandoned.details.get(JOBS, 0) >= MAX_JOBS:
                self._give_up(task, abandoned)
            else:
                self._submit(task, abandoned.trigger, abandoned.reason)

    def _give_up(self, task: str, abandoned: LoopRun) -> None:
        """End a run whose jobs keep dying, so that its task is free for a new one."""
        started = self._start(task, abandoned.trigger, abandoned.reason)
        if started.is_ours:
            error = f"given up: {abandoned.details[JOBS]} jobs died before they could finish; see their logs"
            advance(self._store, started.run.run_id, self._owner, RunState.FAILED, now=datetime.now(UTC), error=error)

    def _submit(self, task: str, trigger: str, reason: str) -> None:
        """Submit a job for a new or abandoned run; if that fails, the run's lease runs out and it is tried again."""
        started = self._start(task, trigger, reason)
        if not started.is_ours:
            return
        run = started.run
        num_jobs = run.details.get(JOBS, 0) + 1
        job_id = f"{run.run_id}-{num_jobs}"
        # Noted before the job exists: afterwards the run belongs to the job.
        now = datetime.now(UTC)
        advance(self._store, run.run_id, self._owner, run.state, now=now, job_id=job_id, details={JOBS: num_jobs})
        command = [sys.executable, "-m", "polyloop", "--spec", str(self._loaded.path), "loop", "run"]
        command += ["--task", task, "--run", run.run_id]
        submit_job(self._cluster, shlex.join(command), job_id=job_id)
        logger.info("submitted %s for %s: %s", job_id, task, reason)

    def _start(self, task: str, trigger: str, reason: str) -> StartedRun:
        return start_run(
            self._store,
            task,
            trigger=trigger,
            reason=reason,
            owner=self._owner,
            lease_s=SUBMIT_LEASE_S,
            now=datetime.now(UTC),
        )


def gather_facts(loaded: LoadedSpec, store: Store, task: str, now: datetime) -> TriggerFacts:
    """Return what the policy looks at for a task."""
    runs = list_runs(store, task, limit=1)
    alive = [name for name in loaded.spec.tasks if alive_run(store, name, now) is not None]
    return TriggerFacts(
        task=task,
        now=now,
        has_champion=get_release(store, task).champion is not None,
        run_alive=task in alive,
        runs_alive=len(alive),
        new_corrections=count_acceptable(store, task, now=now, window_s=RATING_WINDOW_S).num_new_corrections,
        last_started_at=runs[0].created_at if runs else None,
    )
