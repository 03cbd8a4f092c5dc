"""Tests of training on a Ray cluster: workers, failures and resumption."""

import os
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.support.small_tasks import bert_tokenizer, save_checkpoint, small_dataset, small_task

from polyloop.errors import DataError, ModelError, TrainingError
from polyloop.spec.models import TaskSpec
from polyloop.training.config import TrainConfig
from polyloop.training.driver import run_training
from polyloop.training.function import train
from polyloop.training.progress import Progress
from polyloop.training.session import LocalSession

pytestmark = [
    pytest.mark.usefixtures("ray_cluster"),
    # Ray Train copies the settings of Ray Data, which then warns of its own defaults.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context"),
]

WORKER = {"cpus_per_worker": 0.5, "threads_per_worker": 1}


def _run(tmp_path: Path, task: TaskSpec, dataset_dir: Path, name: str = "r1", **options: object) -> Path:
    return run_training(
        task_name="numbers",
        task=task,
        dataset_dir=dataset_dir,
        run_name=name,
        storage_path=tmp_path / "runs",
        **options,  # type: ignore[arg-type]
    )


def test_one_and_two_workers_learn_what_a_plain_process_does(tmp_path: Path) -> None:
    training = {"epochs": 2, "dropout": 0.0, **WORKER}
    alone = small_task("classify", training=training)
    dataset_dir = small_dataset(tmp_path / "dataset", alone, range(200)).path
    plain = TrainConfig(task_name="numbers", task=alone, dataset_dir=dataset_dir, run_dir=tmp_path / "plain")
    expected = load_file(train(plain, LocalSession(run_dir=plain.run_dir)) / "model.safetensors")
    looks: list[Progress] = []
    pair = small_task("classify", training=training | {"num_workers": 2})
    for name, task in (("one", alone), ("two", pair)):
        found = load_file(_run(tmp_path, task, dataset_dir, name, on_progress=looks.append) / "model.safetensors")
        for key, weight in expected.items():
            torch.testing.assert_close(found[key], weight, rtol=1e-3, atol=2e-4, msg=f"{name} {key}")
    ends = [look for look in looks if look.fraction == 1.0]
    assert len(ends) == 2
    assert ends[0].dev_loss == pytest.approx(ends[1].dev_loss, rel=1e-3)
    assert ends[0].num_steps == ends[1].num_steps


class Killer:
    """Kills the first worker once, when Ray Train has taken note of a checkpoint."""

    def __init__(self, run_dir: Path) -> None:
        self.looks: list[Progress] = []
        self.killed: int | None = None
        self._noted = run_dir / "checkpoint_manager_snapshot.json"

    def __call__(self, look: Progress) -> None:
        self.looks.append(look)
        if self.killed is None and self._noted.exists():
            self.killed = look.pid
            os.kill(look.pid, signal.SIGKILL)


@pytest.fixture
def slow_task() -> TaskSpec:
    """A task whose training takes several seconds and checkpoints."""
    return small_task(
        "classify", training={"epochs": 60, "batch_tokens": 64, "checkpoint_every_s": 0.3, "max_failures": 1, **WORKER}
    )


def _assert_as_in_a_plain_process(tmp_path: Path, model: Path, task: TaskSpec, dataset_dir: Path) -> None:
    plain = TrainConfig(task_name="numbers", task=task, dataset_dir=dataset_dir, run_dir=tmp_path / "plain")
    expected = load_file(train(plain, LocalSession(run_dir=plain.run_dir)) / "model.safetensors")
    found = load_file(model / "model.safetensors")
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())


def test_a_run_that_broke_off_is_told_in_one_line_and_resumed_by_its_name(tmp_path: Path, slow_task: TaskSpec) -> None:
    training = slow_task.training.model_copy(update={"max_failures": 0})
    task = slow_task.model_copy(update={"training": training})
    dataset_dir = small_dataset(tmp_path / "dataset", task, range(200)).path
    with pytest.raises(TrainingError, match=r"training 'numbers' failed: .*run it again to go on") as caught:
        _run(tmp_path, task, dataset_dir, on_progress=Killer(tmp_path / "runs" / "r1"))
    assert "\n" not in caught.value.message
    looks: list[Progress] = []
    model = _run(tmp_path, task, dataset_dir, on_progress=looks.append)
    assert looks
    assert all(look.resumed for look in looks)
    _assert_as_in_a_plain_process(tmp_path, model, task, dataset_dir)


def test_a_run_that_failed_says_why_at_once_and_can_be_run_again(tmp_path: Path) -> None:
    task = small_task("classify", training={"epochs": 1, "max_failures": 3, **WORKER})
    empty = small_dataset(tmp_path / "empty", task, range(0)).path
    with pytest.raises(DataError, match=r"the train split of .* is empty"):
        _run(tmp_path, task, empty)
    whole = small_dataset(tmp_path / "whole", task, range(50)).path
    assert (_run(tmp_path, task, whole) / "config.json").exists()


def test_a_failure_of_one_worker_among_several_ends_the_run(tmp_path: Path) -> None:
    checkpoint = save_checkpoint("bert", tmp_path / "checkpoint", bert_tokenizer())
    (checkpoint / "model.safetensors").rename(checkpoint / "pytorch_model.bin")
    task = small_task(
        "classify", model={"pretrained": str(checkpoint)}, training={"num_workers": 2, "max_failures": 1, **WORKER}
    )
    dataset_dir = small_dataset(tmp_path / "dataset", task, range(50)).path
    with pytest.raises(ModelError, match="pickled weights can run code"):
        _run(tmp_path, task, dataset_dir)
