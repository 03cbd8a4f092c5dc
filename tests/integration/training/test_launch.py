"""Tests of training under `accelerate launch`: two processes learn what one does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.support.small_tasks import small_dataset, small_task

from polyloop.bench.processes import launcher, run_module
from polyloop.training.config import TrainConfig
from polyloop.training.function import train
from polyloop.training.session import LocalSession


def test_two_processes_give_the_weights_of_one_up_to_rounding(tmp_path: Path) -> None:
    task = small_task("translate", training={"epochs": 1, "dropout": 0.0, "label_smoothing": 0.1})
    dataset = small_dataset(tmp_path / "dataset", task, range(100))
    alone = TrainConfig(task_name="n", task=task, dataset_dir=dataset.path, run_dir=tmp_path / "alone")
    expected = load_file(train(alone, LocalSession(run_dir=alone.run_dir)) / "model.safetensors")

    together = alone.model_copy(update={"run_dir": tmp_path / "together"})
    (tmp_path / "config.json").write_text(together.model_dump_json())
    finished = subprocess.run(
        [sys.executable, *launcher(2), "-m", "polyloop.training.launch", str(tmp_path / "config.json")],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    assert finished.stdout.split() == [str(tmp_path / "together" / "model")]
    found = load_file(tmp_path / "together" / "model" / "model.safetensors")
    for name, weight in expected.items():
        torch.testing.assert_close(found[name], weight, rtol=1e-3, atol=2e-4, msg=name)


def test_a_launcher_of_two_starts_two_that_know_of_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "told.py").write_text(
        "import json; from accelerate import PartialState; state = PartialState(cpu=True); "
        "state.is_main_process and print(json.dumps({'num_processes': state.num_processes, 'by': state.backend}))"
    )
    monkeypatch.chdir(tmp_path)
    assert run_module("told", launcher=launcher(2), threads=1) == {"num_processes": 2, "by": "gloo"}
