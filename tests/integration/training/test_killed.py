"""Tests of `kill -9` in the middle of epoch 2 or later: the run that goes on ends with bitwise the same weights.

A worker under Ray Train, a driver under Ray Train, and a plain process are killed, each with other kinds, averages and
ways to batch.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import ray
import torch
from safetensors.torch import load_file
from tests.support.driving import Killer, start_driving, worker_of
from tests.support.small_tasks import small_dataset, small_task

from polyloop.spec.models import TaskSpec
from polyloop.training.checkpoint import read_state
from polyloop.training.config import TrainConfig
from polyloop.training.driver import run_training
from polyloop.training.function import train
from polyloop.training.progress import Progress
from polyloop.training.session import LocalSession

needs_ray = [
    pytest.mark.usefixtures("ray_cluster"),
    # Ray Train copies the settings of Ray Data, which then warns of its own defaults.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context"),
]
WORKER = {"cpus_per_worker": 0.5, "threads_per_worker": 1, "checkpoint_every_s": 0.2, "max_failures": 1}
TASKS: dict[str, dict[str, Any]] = {
    "classify": {
        "model": {"ngrams": {}},
        "training": {"epochs": 20, "batch_tokens": 32, "ema_decay": 0.99},
    },
    "translate": {"training": {"epochs": 6, "batch_tokens": 128, "average_epochs": 2, "optimizer": "muon"}},
    "generate": {"training": {"epochs": 4, "batch_tokens": 96, "packing": True, "ema_decay": 0.9}},
}


def _task(kind: str) -> TaskSpec:
    return small_task(kind, model=TASKS[kind].get("model", {}), training=TASKS[kind]["training"] | WORKER)


def _config(tmp_path: Path, kind: str, name: str) -> TrainConfig:
    task = _task(kind)
    dataset_dir = tmp_path / "dataset"
    if not dataset_dir.exists():
        small_dataset(dataset_dir, task, range(160))
    return TrainConfig(task_name="numbers", task=task, dataset_dir=dataset_dir, run_dir=tmp_path / "runs" / name)


def _assert_as_unbroken(tmp_path: Path, kind: str, model: Path) -> None:
    plain = _config(tmp_path, kind, "unbroken")
    unbroken = train(plain, LocalSession(run_dir=plain.run_dir))
    assert (model / "config.json").read_text() == (unbroken / "config.json").read_text()
    expected, found = (load_file(folder / "model.safetensors") for folder in (unbroken, model))
    assert found.keys() == expected.keys()
    for name, weight in expected.items():
        assert torch.equal(found[name], weight), name


def _drive(config: TrainConfig, looks: list[Progress]) -> Path:
    return run_training(
        task_name=config.task_name,
        task=config.task,
        dataset_dir=config.dataset_dir,
        run_name=config.run_dir.name,
        storage_path=config.run_dir.parent,
        on_progress=looks.append,
    )


class TestUnderRay:
    pytestmark = needs_ray

    @pytest.mark.parametrize("kind", TASKS)
    def test_a_killed_worker_changes_nothing(self, tmp_path: Path, kind: str) -> None:
        config = _config(tmp_path, kind, "killed")
        looks: list[Progress] = []
        with Killer(config.run_dir, lambda: worker_of(config.run_dir)) as killer:
            model = _drive(config, looks)
        assert killer.position is not None, "the run was over before it was killed"
        resumed = [look for look in looks if look.resumed]
        # A checkpoint at the last step of an epoch is followed by the look at its end, which counts no more steps.
        assert all(look.num_steps >= killer.position.num_steps for look in resumed)
        assert resumed[-1].num_steps > killer.position.num_steps
        assert killer.killed not in {look.pid for look in resumed}
        _assert_as_unbroken(tmp_path, kind, model)

    def test_a_killed_driver_changes_nothing(self, tmp_path: Path) -> None:
        config = _config(tmp_path, "generate", "killed")
        driver = start_driving(ray.get_runtime_context().gcs_address, config, tmp_path)
        with Killer(config.run_dir, lambda: driver.pid) as killer:
            driver.wait(timeout=90)
        assert killer.position is not None, "the run was over before it was killed"
        assert driver.returncode == -signal.SIGKILL
        left_behind = worker_of(config.run_dir)
        looks: list[Progress] = []
        model = _drive(config, looks)
        continued = [look for look in looks if look.pid != left_behind]  # it may have told of some more steps
        assert continued
        assert all(look.resumed for look in continued)
        _assert_as_unbroken(tmp_path, "generate", model)


def test_a_killed_plain_process_changes_nothing(tmp_path: Path) -> None:
    config = _config(tmp_path, "translate", "killed")
    path = tmp_path / "config.json"
    path.write_text(config.model_dump_json())
    command = [sys.executable, "-m", "polyloop.training.launch", str(path)]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    session = LocalSession(run_dir=config.run_dir)
    while first.poll() is None:
        time.sleep(0.05)
        newest = session.latest_checkpoint()
        position = read_state(newest).position if newest is not None and newest.exists() else None
        if position is not None and position.epoch >= 1 and position.step > 0:
            os.kill(first.pid, signal.SIGKILL)
            first.wait()
    assert first.returncode == -signal.SIGKILL
    second = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert second.returncode == 0, second.stderr
    assert second.stdout.split() == [str(config.run_dir / "model")]
    _assert_as_unbroken(tmp_path, "translate", config.run_dir / "model")
