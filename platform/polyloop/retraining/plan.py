"""Plans a training: which settings and which beginning a candidate gets. Pure but for paths.

Input: the spec, a task and its champion. Output: a `Plan`, with the two digests that make a loop run idempotent: one
of the way of training (with a dataset, it says whether the champion is up to date), one of everything that decides
the weights (it names the version).
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from polyloop.data.dataset import Dataset
from polyloop.registry.versions import VersionRecord
from polyloop.spec.loader import LoadedSpec
from polyloop.spec.models import RetrainingSpec, TaskSpec
from polyloop.training.config import deciding, training_digest


@dataclass(frozen=True, kw_only=True)
class PreferenceFile:
    """Preferences in a Parquet file, named by the digest (SHA-256, hex) of what is in it."""

    path: Path
    digest: str
    num_rows: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a candidate will be trained; `init_from` and `tokenizer_dir` are the champion's where it goes on from it."""

    task_name: str
    task: TaskSpec
    """The task with the settings of this training."""
    init_from: Path | None
    tokenizer_dir: Path | None
    parent: VersionRecord | None
    """The version that it goes on from."""
    config_digest: str
    """SHA-256 (hex) of the way of training: model, settings, policy; not of data and beginning."""
    preferences: PreferenceFile | None = None
    """What is preferred, where that is learned instead of the dataset's train split."""

    def training_digest(self, dataset: Dataset) -> str:
        """Return the SHA-256 (hex) over everything that decides the weights."""
        return training_digest(
            task_name=self.task_name,
            task=self.task,
            dataset_digest=dataset.digest,
            parent=self.parent.training_digest if self.parent else None,
            preferences=self.preferences.digest if self.preferences else None,
        )


def plan_training(loaded: LoadedSpec, task_name: str, champion: VersionRecord | None, dataset: Dataset | None) -> Plan:
    """Return the plan for the next version of a task, given its champion and the dataset of that one.

    The tokenizer is taken from the dataset, where it has the very bytes that it was first saved with.
    """
    retraining = loaded.spec.retraining
    task = _with_expanded_paths(loaded, task_name)
    config = config_digest(loaded.task(task_name), retraining)
    if champion is None or dataset is None or retraining.start_from == "scratch":
        return Plan(
            task_name=task_name, task=task, init_from=None, tokenizer_dir=None, parent=None, config_digest=config
        )
    return Plan(
        task_name=task_name,
        task=_retrained(task, retraining),
        init_from=loaded.artefacts_dir / str(champion.path),
        tokenizer_dir=dataset.tokenizer_dir,
        parent=champion,
        config_digest=config,
    )


def config_digest(task: TaskSpec, retraining: RetrainingSpec) -> str:
    """Return the SHA-256 (hex) of what the spec says on how a task is trained."""
    inputs = {
        **deciding(task),
        "retraining": retraining.model_dump(mode="json", include={"start_from", "epochs", "learning_rate"}),
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _retrained(task: TaskSpec, retraining: RetrainingSpec) -> TaskSpec:
    changes = {"epochs": retraining.epochs, "learning_rate": retraining.learning_rate}
    given = {name: value for name, value in changes.items() if value is not None}
    return task.model_copy(update={"training": task.training.model_copy(update=given)})


def _with_expanded_paths(loaded: LoadedSpec, task_name: str) -> TaskSpec:
    """Return the task with the places of its checkpoint and its teacher as workers, in other folders, find them."""
    task = loaded.task(task_name)
    checkpoint, teacher = loaded.pretrained(task_name), loaded.teacher(task_name)
    model, training = task.model, task.training
    if checkpoint is not None:
        model = model.model_copy(update={"pretrained": checkpoint})
    if teacher is not None and training.distill is not None:
        distill = training.distill.model_copy(update={"teacher": teacher})
        training = training.model_copy(update={"distill": distill})
    return task.model_copy(update={"model": model, "training": training})
