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

pytestmark = pytest.mark.usefixtures("ray_cluster")

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


def test_a_killed_worker_goes_on_from_its_checkpoint_and_the_run_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    task = small_task(
        "classify", training={"epochs": 60, "batch_tokens": 64, "checkpoint_every_s": 0.3, "max_failures": 2, **WORKER}
    )
    dataset_dir = small_dataset(tmp_path / "dataset", task, range(200)).path
    looks: list[Progress] = []

    def kill_once(look: Progress) -> None:
        looks.append(look)
        if (
            not look.resumed
            and look.pid not in killed
            and any((tmp_path / "runs" / "r1").glob("checkpoint-*/state.pt"))
        ):
            killed.append(look.pid)
            os.kill(look.pid, signal.SIGKILL)

    killed: list[int] = []
    model = _run(tmp_path, task, dataset_dir, on_progress=kill_once)
    assert len(killed) == 1
    after = [look for look in looks if look.resumed]
    assert after
    assert after[0].num_steps > 1
    assert killed[0] not in {look.pid for look in after}
    plain = TrainConfig(task_name="numbers", task=task, dataset_dir=dataset_dir, run_dir=tmp_path / "plain")
    expected = load_file(train(plain, LocalSession(run_dir=plain.run_dir)) / "model.safetensors")
    found = load_file(model / "model.safetensors")
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())
    assert len(list((tmp_path / "runs" / "r1").glob("checkpoint-*/state.pt"))) <= 3


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


def test_an_unforeseen_failure_of_the_workers_is_one_line(tmp_path: Path) -> None:
    task = small_task("classify", training={"max_failures": 0, **WORKER})
    dataset_dir = small_dataset(tmp_path / "dataset", task, range(50)).path
    run_dir = tmp_path / "runs" / "r1"
    run_dir.mkdir(parents=True)
    (run_dir / "progress.jsonl").mkdir()
    with pytest.raises(TrainingError, match=r"training 'numbers' failed: IsADirectoryError: .*run it again") as caught:
        _run(tmp_path, task, dataset_dir)
    assert "\n" not in caught.value.message
