"""One turn of the loop for a task: curate, build, train, evaluate, gate, promote.

Input: a loaded spec and a task. Output: a `LoopOutcome`; the loop run's row in the registry says at each moment how
far it is. Every stage is idempotent by digest: a run that was killed and taken over finds what its stages have made
and goes on from there, and a run with nothing new ends as `unchanged` with no second version. Ray is initialised by
the caller (polyloop.cluster.connect).
"""

import os
import socket
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from polyloop.data.dataset import Dataset
from polyloop.evaluation.comparison import VersionEvaluation, gate_decision
from polyloop.evaluation.gate import GateDecision
from polyloop.evaluation.results import EvaluationResult
from polyloop.registry.gates import record_gate
from polyloop.registry.releases import get_release
from polyloop.registry.run_states import RunState
from polyloop.registry.runs import LoopRun, advance, get_run
from polyloop.registry.store import Store
from polyloop.registry.versions import (
    FAILED,
    REJECTED,
    TRAINING,
    VersionRecord,
    find_version,
    get_version,
    reserve_version,
    set_version_state,
)
from polyloop.retraining.candidate import make_candidate
from polyloop.retraining.datasets import build_recorded, dataset_of
from polyloop.retraining.evaluations import evaluate_version
from polyloop.retraining.feedback_round import curate_feedback
from polyloop.retraining.lease import kept_lease, take_run
from polyloop.retraining.plan import Plan, plan_training
from polyloop.retraining.preferring import PREFERENCE_TRIGGER, plan_preferring
from polyloop.retraining.promotion import promote_live
from polyloop.retraining.suites import load_suites
from polyloop.spec.loader import LoadedSpec

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class LoopOutcome:
    """How a turn of the loop ended; `candidate` and `champion` are results on the same holdout, where made."""

    task: str
    run_id: str
    state: RunState
    message: str
    version: str | None = None
    candidate: EvaluationResult | None = None
    champion: EvaluationResult | None = None
    decision: GateDecision | None = None
    feedback: dict[str, int] = field(default_factory=dict)
    """Corrections accepted and refused, and examples made of them."""


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """What the stages of one run know."""

    run: LoopRun
    champion: VersionRecord | None
    plan: Plan
    dataset: Dataset
    feedback: dict[str, int]
    idle: str | None = None
    """Why there is nothing to do, where that is known already."""

    def outcome(self, state: RunState, message: str, **facts: Any) -> LoopOutcome:
        """Return an outcome of this run."""
        return LoopOutcome(
            task=self.run.task, run_id=self.run.run_id, state=state, message=message, feedback=self.feedback, **facts
        )


class LoopRunner:
    """Carries out loop runs of one project as one owner."""

    def __init__(self, loaded: LoadedSpec, store: Store, progress: Progress) -> None:
        self._loaded = loaded
        self._store = store
        self._progress = progress
        self._owner = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"

    def run(
        self,
        task: str,
        *,
        trigger: str = "manual",
        reason: str = "asked for by hand",
        run_id: str | None = None,
        release: bool = True,
    ) -> LoopOutcome:
        """Run one turn for `task`, or take over the run `run_id` that a scheduler has started for it.

        A run that another process is working on is left to it, and its state returned. A failure is noted in the
        registry before it is raised. Without `release`, the turn ends as `trained` once the candidate is published.
        """
        self._loaded.task(task)
        started = take_run(
            self._store, task, owner=self._owner, trigger=trigger, reason=reason, run_id=run_id, progress=self._progress
        )
        run = started.run
        if not started.is_ours:
            message = f"{run.run_id} is under way elsewhere ({run.state}); left to it"
            return LoopOutcome(task=task, run_id=run.run_id, state=run.state, message=message, version=run.version)
        with kept_lease(self._store, run.run_id, self._owner):
            try:
                return self._decided(run) or self._turn(run, release)
            except Exception as error:  # the run's boundary: whatever went wrong, the registry shall say so
                self._advance(run, RunState.FAILED, error=f"{type(error).__name__}: {error}")
                raise

    def _decided(self, run: LoopRun) -> LoopOutcome | None:
        """Return how a run ended whose owner was killed after the decision and before it was noted; usually None."""
        if run.version is None:
            return None
        if get_release(self._store, run.task).champion == run.version:
            state = RunState.PROMOTED
        elif get_version(self._store, run.task, run.version).state == REJECTED:
            state = RunState.REJECTED
        else:
            return None
        self._advance(run, state)
        message = f"{run.version} was {state} before this process took the run over"
        return LoopOutcome(task=run.task, run_id=run.run_id, state=state, message=message, version=run.version)

    def _turn(self, run: LoopRun, release: bool) -> LoopOutcome:
        load_suites(self._loaded, run.task)  # so that a mistake in one is told before hours of training
        self._advance(run, RunState.BUILDING)
        turn = self._prepare(run)
        self._advance(run, RunState.TRAINING, dataset_digest=turn.dataset.digest, details={"feedback": turn.feedback})
        unchanged = self._unchanged(turn)
        if unchanged:
            self._advance(run, RunState.UNCHANGED)
            return unchanged
        version = self._reserve(turn)
        self._advance(run, RunState.TRAINING, version=version.version)
        candidate = make_candidate(self._loaded, self._store, version, turn.plan, turn.dataset, self._progress)
        self._advance(run, RunState.EVALUATING)
        if not release:
            self._advance(run, RunState.TRAINED)
            message = f"{version.version} is published and evaluated; nothing was released"
            return turn.outcome(RunState.TRAINED, message, version=version.version, candidate=candidate.holdout)
        return self._judge(turn, version, candidate)

    def _prepare(self, run: LoopRun) -> _Turn:
        task = run.task
        name = get_release(self._store, task).champion
        champion = get_version(self._store, task, name) if name else None
        learned = dataset_of(self._loaded, self._store, champion) if champion else None
        if run.trigger == PREFERENCE_TRIGGER:
            found = plan_preferring(self._loaded, self._store, task, champion, learned, self._progress)
            return _Turn(run=run, champion=champion, **vars(found))
        feedback = curate_feedback(self._loaded, self._store, task, learned)
        if feedback.counts:
            accepted, refused = feedback.counts["accepted"], feedback.counts["refused"]
            self._progress(f"{task}: feedback curated: {accepted} corrections accepted, {refused} refused")
        plan = plan_training(self._loaded, task, champion, learned)
        dataset = build_recorded(
            self._loaded,
            self._store,
            task,
            feedback=feedback.path,
            tokenizer_dir=plan.tokenizer_dir,
            progress=self._progress,
        )
        return _Turn(run=run, champion=champion, plan=plan, dataset=dataset, feedback=feedback.counts)

    def _unchanged(self, turn: _Turn) -> LoopOutcome | None:
        """Return the outcome of a turn that has nothing to do, or None."""
        champion, dataset, plan = turn.champion, turn.dataset, turn.plan
        if turn.idle:
            return turn.outcome(RunState.UNCHANGED, turn.idle)
        is_usual = plan.preferences is None
        if (
            is_usual
            and champion
            and champion.dataset_digest == dataset.digest
            and champion.spec_digest == plan.config_digest
        ):
            message = f"nothing is to be done: {champion.version} was trained on this very dataset in the same way"
            return turn.outcome(RunState.UNCHANGED, message, version=champion.version)
        known = find_version(self._store, turn.run.task, plan.training_digest(dataset))
        if known and known.state == REJECTED:
            message = f"nothing is to be done: {known.version}, made from the same inputs, was rejected by the gate"
            return turn.outcome(RunState.UNCHANGED, message, version=known.version)
        return None

    def _reserve(self, turn: _Turn) -> VersionRecord:
        version = reserve_version(
            self._store,
            turn.run.task,
            turn.plan.training_digest(turn.dataset),
            dataset_digest=turn.dataset.digest,
            holdout_digest=turn.dataset.holdout_digest,
            spec_digest=turn.plan.config_digest,
            parent=turn.champion.version if turn.champion else None,
        )
        if version.state == FAILED:
            version = set_version_state(self._store, version.task, version.version, TRAINING)
        return version

    def _judge(self, turn: _Turn, version: VersionRecord, candidate: VersionEvaluation) -> LoopOutcome:
        """Compare the candidate with the champion, and promote or reject it."""
        task = self._loaded.task(version.task)
        champion = None
        if turn.champion is not None:
            champion = evaluate_version(self._loaded, self._store, turn.champion, turn.dataset, self._progress)
        self._advance(turn.run, RunState.GATING)
        decision = gate_decision(task, candidate, champion)
        record_gate(
            self._store,
            version.task,
            version.version,
            decision.champion,
            decision.passed,
            decision.to_dict()["checks"],
        )
        if decision.passed:
            self._advance(turn.run, RunState.PROMOTING)
            promote_live(
                self._store,
                version.task,
                version.version,
                actor=turn.run.run_id,
                reason="the gate passed",
                progress=self._progress,
                instead_of=turn.champion.version if turn.champion else None,
            )
        else:
            set_version_state(self._store, version.task, version.version, REJECTED)
        state = RunState.PROMOTED if decision.passed else RunState.REJECTED
        self._advance(turn.run, state)
        outcome = turn.outcome(state, decision.explain(), version=version.version, candidate=candidate.holdout)
        return replace(outcome, champion=champion.holdout if champion else None, decision=decision)

    def _advance(self, run: LoopRun, state: RunState, **facts: Any) -> None:
        """Put the run into `state` unless it is past it, as it is after a takeover; facts are noted either way."""
        current = get_run(self._store, run.run_id).state
        if not state.is_terminal and current.has_reached(state):
            state = current
        advance(self._store, run.run_id, self._owner, state, now=datetime.now(UTC), **facts)
