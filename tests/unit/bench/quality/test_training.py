"""How a set is trained: one process or several, and the time over all that had a part in it."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.looks import LOOK
from tests.support.small_tasks import small_dataset, small_task

from polyloop.bench.quality.training import launch_command, train_model, training_seconds
from polyloop.errors import TrainingError
from polyloop.spec.training import TrainingSpec
from polyloop.training.config import TrainConfig


def test_the_time_of_a_run_is_that_of_all_its_processes():
    looks = [
        replace(LOOK, pid=1, elapsed_s=5.0),
        replace(LOOK, pid=1, elapsed_s=9.0),
        replace(LOOK, pid=2, elapsed_s=4.0, resumed=True),
    ]

    assert training_seconds(looks) == 13.0
    assert training_seconds([]) == 0.0


def test_one_worker_is_plain_python_and_more_are_launched():
    one = launch_command(TrainingSpec(), Path("c.json"))
    two = launch_command(TrainingSpec(num_workers=2), Path("c.json"))

    assert one[1:] == ["-m", "polyloop.training.launch", "c.json"]
    assert two[1:6] == ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    assert two[-3:] == one[1:]
    assert two[two.index("--num_processes") + 1] == "2"
    assert "--cpu" not in launch_command(TrainingSpec(num_workers=2, use_gpu=True), Path("c.json"))


def test_a_process_trains_a_model_tells_how_far_it_is_and_is_not_run_twice(tmp_path: Path):
    task = small_task("classify", training={"epochs": 1})
    dataset = small_dataset(tmp_path / "dataset", task, range(60))
    config = TrainConfig(task_name="numbers", task=task, dataset_dir=dataset.path, run_dir=tmp_path / "run")
    said: list[str] = []

    trained = train_model(config, "process", said.append)

    assert (trained.model_dir / "model.safetensors").exists()
    assert trained.train_s > 0
    assert said[-1].startswith("numbers: training 100%")
    written = (trained.model_dir / "model.safetensors").stat().st_mtime_ns
    assert train_model(config, "process", said.append) == trained
    assert (trained.model_dir / "model.safetensors").stat().st_mtime_ns == written


def test_a_training_that_fails_says_why(tmp_path: Path):
    config = TrainConfig(
        task_name="numbers", task=small_task("classify"), dataset_dir=tmp_path / "none", run_dir=tmp_path / "run"
    )

    with pytest.raises(TrainingError, match=r"training 'numbers' failed: .*no manifest"):
        train_model(config, "process", lambda _: None)
