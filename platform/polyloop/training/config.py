"""What a training run is given, and the digest that makes it idempotent.

`TrainConfig` is frozen, pickles, and turns into JSON. Paths are absolute and on storage that every worker can read.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from polyloop.spec.models import TaskSpec
from polyloop.spec.settings import Settings

MODEL_DIR = "model"
"""Folder of the trained model in the run's folder; it is there if and only if the run is over."""

TRAINING_FORMAT = 4
"""Raised whenever the training code changes so that the same inputs give other weights."""

DECIDING_FIELDS = {"kind", "labels", "multi_label", "out_of_scope", "pairs", "locales", "styles", "decoding", "model"}
"""Fields of a task besides its training that decide what a version of it is."""

OPERATIONAL_FIELDS = frozenset(
    {
        "num_workers",
        "min_workers",
        "cpus_per_worker",
        "threads_per_worker",
        "use_gpu",
        "sharding",
        "compile",
        "activation_checkpointing",
        "checkpoint_every_s",
        "max_failures",
    }
)
"""Fields of the training spec that say where and how a run goes, not what comes out."""

PREFERENCE_FIELDS = frozenset({"preference"})
"""Fields that matter to the learning of preferences alone."""


class SinkConfig(BaseModel):
    """Where the figures of a run are sent besides its own files (`polyloop.training.sinks`)."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    tensorboard_dir: Path | None = None
    """Folder for TensorBoard event files; each run gets a folder of its own in it."""
    mlflow_uri: str | None = None
    """Tracking URI of MLflow."""


def sinks_of(settings: Settings) -> SinkConfig:
    """Return the sinks that the environment asks for."""
    folder = settings.tensorboard
    return SinkConfig(
        tensorboard_dir=folder.resolve() if folder is not None else None, mlflow_uri=settings.mlflow_tracking_uri
    )


class TrainConfig(BaseModel):
    """One training run."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    task_name: str
    """Name of the task."""
    task: TaskSpec
    """The task; `task.training` says how to train."""
    dataset_dir: Path
    """Folder of the published dataset."""
    run_dir: Path
    """Folder of this run: progress, checkpoints and the trained model."""
    init_from: Path | None = None
    """Folder of the model version to go on from; without one, the task's recipe or checkpoint."""
    preferences: Path | None = None
    """Parquet file of preferences to learn instead of the train split, as `task.training.preference` says."""
    sinks: SinkConfig = SinkConfig()
    """Where its figures are sent."""


def training_digest(
    *, task_name: str, task: TaskSpec, dataset_digest: str, parent: str | None, preferences: str | None = None
) -> str:
    """Return the SHA-256 (hex) over everything that decides the weights; the same digest need not be trained again.

    `parent` is the training digest of the version to go on from, `preferences` the digest of what is preferred.
    """
    inputs = {
        "task": task_name,
        **deciding(task, with_preferences=preferences is not None),
        "dataset": dataset_digest,
        "parent": parent,
        **({} if preferences is None else {"preferences": preferences}),
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def deciding(task: TaskSpec, *, with_preferences: bool = False) -> dict[str, Any]:
    """Return, as JSON values, what a task's spec says that decides what a version of it is."""
    left_out = OPERATIONAL_FIELDS if with_preferences else OPERATIONAL_FIELDS | PREFERENCE_FIELDS
    return {
        "format": TRAINING_FORMAT,
        **task.model_dump(mode="json", include=DECIDING_FIELDS),
        **({"answer": task.answer.model_dump(mode="json")} if task.kind == "answer" else {}),
        "training": task.training.model_dump(mode="json", exclude=set(left_out)),
    }


def without_smoothing(config: TrainConfig) -> TrainConfig:
    """Return the config for places in a text: one beside the right one is simply wrong, and padding is no place."""
    training = config.task.training.model_copy(update={"label_smoothing": 0.0})
    return config.model_copy(update={"task": config.task.model_copy(update={"training": training})})
