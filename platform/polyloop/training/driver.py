"""Runs the train function on a Ray cluster with Ray Train, once per run name.

Inputs: what to train, a run name, and storage that every node can read. Output: the folder of the trained Hugging Face
model. The same name resumes a run that was killed, waits for one that another process drives, and returns at once for
one that is over. Limits: Ray must be initialised; removing the run's folder in the end is up to the caller.
"""

import signal
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from ray.train.torch import TorchTrainer
from ray.train.v2.api.config import CheckpointConfig, FailureConfig, LoggingConfig, RunConfig, ScalingConfig
from ray.train.v2.api.exceptions import TrainingFailedError, WorkerGroupError

from polyloop.cluster.signals import kept_handler
from polyloop.errors import PolyloopError, StorageFullError, TrainingError
from polyloop.models.storage import is_storage_full
from polyloop.spec.models import TaskSpec
from polyloop.spec.settings import settings
from polyloop.spec.training import TrainingSpec
from polyloop.training.config import MODEL_DIR, TrainConfig, sinks_of
from polyloop.training.lock import only_driver
from polyloop.training.progress import Progress, ProgressFollower
from polyloop.training.ray_session import FAILURE_FILE, read_failure, train_worker
from polyloop.training.session import CHECKPOINTS_TO_KEEP, PROGRESS_FILE
from polyloop.training.sinks import check_sinks


def run_training(
    *,
    task_name: str,
    task: TaskSpec,
    dataset_dir: Path,
    run_name: str,
    storage_path: Path,
    init_from: Path | None = None,
    preferences: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Path:
    """Train and return the model's folder, `storage_path`/`run_name`/model.

    `preferences` is a file to learn instead of the dataset's train split. `run_name` is the training digest or another
    name that stands for these inputs; `on_progress` is called from another thread, about once a second. Raises what the
    train function raises, and TrainingError, in one line, when workers died more often than `max_failures` or the run
    failed otherwise.
    """
    config = TrainConfig(
        task_name=task_name,
        task=with_absolute_checkpoint(task),
        dataset_dir=dataset_dir.resolve(),
        run_dir=storage_path.resolve() / run_name,
        init_from=init_from.resolve() if init_from is not None else None,
        preferences=preferences.resolve() if preferences is not None else None,
        sinks=sinks_of(settings()),
    )
    check_sinks(config.sinks)
    model_dir = config.run_dir / MODEL_DIR
    with only_driver(config.run_dir):
        if not model_dir.is_dir():
            (config.run_dir / FAILURE_FILE).unlink(missing_ok=True)
            progress = config.run_dir / PROGRESS_FILE
            with ProgressFollower(progress, on_progress) if on_progress is not None else nullcontext():
                _fit(config)
    if not model_dir.is_dir():
        raise read_failure(config.run_dir) or TrainingError(f"the training run {run_name} ended without a model")
    return model_dir


def _fit(config: TrainConfig) -> None:
    training = config.task.training
    # Its type hints name the configuration of Ray Train V1.
    trainer_class: Any = TorchTrainer
    trainer = trainer_class(
        train_worker,
        train_loop_config=config.model_dump(mode="json"),
        scaling_config=_scaling(training),
        run_config=RunConfig(
            name=config.run_dir.name,
            storage_path=str(config.run_dir.parent),
            failure_config=FailureConfig(max_failures=training.max_failures),
            checkpoint_config=CheckpointConfig(num_to_keep=CHECKPOINTS_TO_KEEP),
            logging_config=LoggingConfig(log_level="ERROR"),
        ),
    )
    try:
        with kept_handler(signal.SIGINT):
            trainer.fit()
    except TrainingFailedError as error:
        raise read_failure(config.run_dir) or named_failure(error, config) from error


def named_failure(error: TrainingFailedError, config: TrainConfig) -> PolyloopError:
    """Return the one-line error for a failed run: the first worker's own, if it has one."""
    failures = error.worker_failures if isinstance(error, WorkerGroupError) else {}
    causes = [root_cause(failures[rank]) for rank in sorted(failures)] or [root_cause(error)]
    named = next((cause for cause in causes if isinstance(cause, PolyloopError)), None)
    if named is not None:
        return named
    if any(is_storage_full(cause) for cause in causes):
        return StorageFullError(f"no space left while training in {config.run_dir}; free some and run it again")
    cause = causes[0]
    line = " ".join(str(cause).split())[:300]
    return TrainingError(
        f"training {config.task_name!r} failed: {type(cause).__name__}: {line}; run it again to go on from its last "
        "checkpoint"
    )


def root_cause(error: BaseException) -> BaseException:
    """Return the exception that a worker raised, out of what Ray wrapped it in."""
    seen = {id(error)}
    current: Any = error
    while True:
        inner = getattr(current, "_base_exc", None) or getattr(current, "cause", None) or current.__cause__
        if not isinstance(inner, BaseException) or id(inner) in seen:
            found: BaseException = current
            return found
        seen.add(id(inner))
        current = inner


def _scaling(training: TrainingSpec) -> ScalingConfig:
    resources = {"CPU": training.cpus_per_worker} | ({"GPU": 1.0} if training.use_gpu else {})
    most, least = training.num_workers, training.min_workers
    return ScalingConfig(
        num_workers=most if least in (None, most) else (least, most),
        use_gpu=training.use_gpu,
        resources_per_worker=resources,
        # Workers that come or go send a run back to its last checkpoint.
        elastic_resize_monitor_interval_s=training.checkpoint_every_s,
    )


def with_absolute_checkpoint(task: TaskSpec) -> TaskSpec:
    """Return the task with the path of a local checkpoint made absolute: workers run in another folder."""
    pretrained = task.model.pretrained
    if pretrained is None or not Path(pretrained).is_dir():
        return task
    model = task.model.model_copy(update={"pretrained": str(Path(pretrained).resolve())})
    return task.model_copy(update={"model": model})
