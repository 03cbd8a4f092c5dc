"""Carries out a sweep on a Ray cluster with Ray Tune: trials side by side, losers stopped early, the best one named.

Inputs: a task with what is to be tried, and its dataset. Output: a `SweepResult`; everything that is known of each
trial stays in the sweep's folder, whose name stands for the inputs. The same call goes on after a kill: trials
that ended are not run again, others go on from their checkpoints. Limits: Ray must be initialised; a trial is one
process.
"""

import hashlib
import io
import json
import logging
import shutil
import signal
import uuid
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyloop.cluster.signals import kept_handler
from polyloop.errors import TrainingError
from polyloop.progress import Share
from polyloop.spec.models import TaskSpec
from polyloop.spec.sweep import SweepSpec
from polyloop.training.config import MODEL_DIR, TrainConfig, training_digest
from polyloop.training.driver import with_absolute_checkpoint
from polyloop.training.lock import only_driver
from polyloop.training.ray_session import read_failure
from polyloop.training.scores import EpochScore, elapsed_of, epoch_scores
from polyloop.training.setup import usable_cores
from polyloop.training.sweep.capacity import threads_of_trial, trials_at_once
from polyloop.training.sweep.files import SweepFiles
from polyloop.training.sweep.page import SWEEP_REPORT_NAME, render_sweep
from polyloop.training.sweep.results import State, SweepResult, TrialOutcome, decide_winner, outcome_of
from polyloop.training.sweep.space import Trial, plan_trials, task_with
from polyloop.training.sweep.stopping import make_scheduler
from polyloop.training.sweep.trial import train_trial

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class SweepRequest:
    """What is to be swept."""

    task_name: str
    task: TaskSpec
    sweep: SweepSpec
    dataset_dir: Path
    dataset_digest: str
    storage_path: Path
    """Folder for sweeps, on storage that every node can read."""

    @property
    def folder(self) -> Path:
        """Folder of this very sweep: its name holds a digest of everything that decides its outcome."""
        base = training_digest(
            task_name=self.task_name, task=self.task, dataset_digest=self.dataset_digest, parent=None
        )
        # How many trials run at once decides nothing but the time.
        sweep = self.sweep.model_dump(mode="json", exclude={"max_concurrent"})
        digest = hashlib.sha256(json.dumps([base, sweep], sort_keys=True).encode()).hexdigest()
        return self.storage_path.resolve() / f"{self.task_name}-{digest[:24]}"


def run_sweep(request: SweepRequest, *, progress: Tell) -> SweepResult:
    """Run the trials that have not ended yet, and return how all of them did.

    Raises TrainingError where no trial can run or none gave a model, and where the sweep was interrupted.
    """
    select = "loss" if request.task.training.select == "last" else request.task.training.select
    trials = plan_trials(request.task, request.sweep)
    files = SweepFiles(request.folder)
    with only_driver(request.folder):
        ready = _prepare(request, trials, files)
        if ready:
            _tune(request, ready, trials, files, progress)
        outcomes = [outcome for trial in trials if (outcome := files.outcome(trial)) is not None]
    if len(outcomes) < len(trials):
        raise TrainingError(
            f"the sweep of {request.task_name!r} was interrupted after {len(outcomes)} of {len(trials)} trials; "
            "run the same command again to go on"
        )
    return decide_winner(request.task_name, select, outcomes)


def write_report(request: SweepRequest, result: SweepResult) -> Path:
    """Write the sweep's page into its folder and return where it is."""
    files, select = SweepFiles(request.folder), request.task.training.select
    scores = {
        trial.name: epoch_scores(files.looks(trial), select) for trial in plan_trials(request.task, request.sweep)
    }
    path = request.folder / SWEEP_REPORT_NAME
    path.write_text(render_sweep(result, request.sweep, scores), encoding="utf-8")
    return path


def _prepare(request: SweepRequest, trials: Sequence[Trial], files: SweepFiles) -> list[tuple[Trial, TrainConfig]]:
    """Write the config of each trial that has not ended; settings that do not go together end their trial at once."""
    waiting = [trial for trial in trials if files.outcome(trial) is None]
    if not waiting:
        return []
    at_once = _at_once(request, len(waiting))
    num_nodes = sum(bool(node["Alive"]) for node in _ray().nodes())
    wanted = request.task.training.threads_per_worker
    threads = threads_of_trial(wanted, cores=usable_cores(), at_once=at_once, num_nodes=num_nodes)
    ready: list[tuple[Trial, TrainConfig]] = []
    for trial in waiting:
        try:
            task = _alone(task_with(with_absolute_checkpoint(request.task), trial.settings), threads)
        except TrainingError as error:
            files.record(trial, _outcome(request, files, trial, state="failed", message=error.message))
            continue
        config = TrainConfig(
            task_name=request.task_name,
            task=task,
            dataset_dir=request.dataset_dir.resolve(),
            run_dir=files.trial_dir(trial),
        )
        files.write_config(trial, config)
        ready.append((trial, config))
    return ready


def _tune(
    request: SweepRequest,
    ready: Sequence[tuple[Trial, TrainConfig]],
    trials: Sequence[Trial],
    files: SweepFiles,
    progress: Tell,
) -> None:
    """Have Ray Tune run the trials that are ready."""
    from ray import tune

    from polyloop.training.sweep.recorder import Recorder

    for name in ("ray.tune", "ray.train"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # What Ray Tune writes for itself is not needed once it is over: all that counts is in the trials' folders.
    scratch = files.folder / f".tune-{uuid.uuid4().hex}"
    by_folder = {str(files.trial_dir(trial)): trial for trial, _ in ready}

    def ended(folder: str, has_died: bool) -> None:
        trial = by_folder[folder]
        files.record(trial, ended_outcome(request, files, trial, has_died=has_died))
        progress(_status(request, trials, files))

    most_epochs = max(config.task.training.epochs for _, config in ready)
    tuner = tune.Tuner(
        tune.with_resources(train_trial, dict(_resources(request))),
        param_space={"folder": tune.grid_search(list(by_folder))},
        tune_config=tune.TuneConfig(
            scheduler=make_scheduler(request.sweep, most_epochs, _past(request, trials, files)),
            # Loading torch takes longer than a small trial.
            reuse_actors=True,
            max_concurrent_trials=_at_once(request, len(ready)),
            trial_dirname_creator=str,
        ),
        run_config=tune.RunConfig(
            name="trials",
            storage_path=str(scratch),
            verbose=0,
            callbacks=[Recorder(ended)],
            failure_config=tune.FailureConfig(max_failures=request.task.training.max_failures),
        ),
    )
    progress(_status(request, trials, files))
    try:
        # Ray Tune prints its own settings whatever its verbosity; stdout is for data.
        with kept_handler(signal.SIGINT), redirect_stdout(io.StringIO()):
            tuner.fit()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _past(
    request: SweepRequest, trials: Sequence[Trial], files: SweepFiles
) -> list[tuple[str, tuple[EpochScore, ...]]]:
    """Return what trials that have ended told; those that go on tell it again themselves."""
    select = request.task.training.select
    return [(one.name, epoch_scores(files.looks(one), select)) for one in trials if files.outcome(one) is not None]


def ended_outcome(request: SweepRequest, files: SweepFiles, trial: Trial, *, has_died: bool) -> TrialOutcome:
    """Return how a trial ended that Ray Tune has let go of."""
    failure = read_failure(files.trial_dir(trial))
    if failure is not None:
        return _outcome(request, files, trial, state="failed", message=failure.message)
    if (files.trial_dir(trial) / MODEL_DIR).is_dir():
        return _outcome(request, files, trial, state="finished")
    if has_died:
        times = request.task.training.max_failures + 1
        message = f"its process died {times} times, as where memory runs out; give it more, or raise `max_failures`"
        return _outcome(request, files, trial, state="failed", message=message)
    return _outcome(request, files, trial, state="stopped")


def _outcome(
    request: SweepRequest, files: SweepFiles, trial: Trial, *, state: State, message: str = ""
) -> TrialOutcome:
    looks = files.looks(trial)
    select = request.task.training.select
    scores = epoch_scores(looks, select)
    if state == "finished" and not scores:
        state, message = "failed", "the dev split is empty, so nothing says how good the trial is; add dev rows"
    return outcome_of(trial, scores, select, state=state, elapsed_s=elapsed_of(looks), message=message)


def _status(request: SweepRequest, trials: Sequence[Trial], files: SweepFiles) -> Share:
    outcomes = [outcome for trial in trials if (outcome := files.outcome(trial)) is not None]
    scores = [one.score for one in outcomes if one.state == "finished" and one.score is not None]
    counts = {state: sum(one.state == state for one in outcomes) for state in ("stopped", "failed")}
    told = [f"{number} {state}" for state, number in counts.items() if number]
    if scores:
        told.append(f"best {max(scores):.4g}")
    return Share(
        f"{request.task_name}: sweep, {len(outcomes)} of {len(trials)} trials ended",
        fraction=len(outcomes) / len(trials),
        details=", ".join(told),
    )


def _resources(request: SweepRequest) -> dict[str, float]:
    training = request.task.training
    return {"CPU": training.cpus_per_worker} | ({"GPU": 1.0} if training.use_gpu else {})


def _at_once(request: SweepRequest, num_trials: int) -> int:
    return trials_at_once(
        _ray().cluster_resources(), _resources(request), num_trials=num_trials, wanted=request.sweep.max_concurrent
    )


def _ray() -> Any:
    """Return Ray, some of whose functions come without types."""
    import ray

    return ray


def _alone(task: TaskSpec, threads: int) -> TaskSpec:
    """Return the task for one process."""
    changes = {"num_workers": 1, "min_workers": None, "sharding": "none", "threads_per_worker": threads}
    return task.model_copy(update={"training": task.training.model_copy(update=changes)})
