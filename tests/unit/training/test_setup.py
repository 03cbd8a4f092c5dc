"""Tests of accelerator, threads and optimiser."""

import os
from pathlib import Path

import pytest
import torch
from tests.support.small_tasks import small_task
from torch import nn

from polyloop.spec.training import TrainingSpec
from polyloop.training.setup import make_accelerator, make_optimizer, usable_cores


def test_threads_are_those_asked_for_or_a_share_of_the_cores() -> None:
    before = torch.get_num_threads()
    try:
        make_accelerator(small_task("classify", training={"threads_per_worker": 3}).training, 1)
        assert torch.get_num_threads() == 3
        make_accelerator(small_task("classify", training={"threads_per_worker": 0}).training, 1_000)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("content", "cores"),
    [("max 100000\n", None), ("100000 100000\n", 1), ("50000 100000\n", 1), ("99900000 100000", None)],
)
def test_cores_are_cut_to_the_containers_quota(tmp_path: Path, content: str, cores: int | None) -> None:
    (tmp_path / "cpu.max").write_text(content)
    assert usable_cores(tmp_path / "cpu.max") == (cores or len(os.sched_getaffinity(0)))


def test_without_a_quota_the_affinity_counts(tmp_path: Path) -> None:
    assert usable_cores(tmp_path / "absent") == len(os.sched_getaffinity(0))


def test_one_process_can_train_in_one_precision_after_another() -> None:
    for precision in ("bf16", "fp32"):
        accelerator = make_accelerator(small_task("classify", training={"precision": precision}).training, 1)
        with accelerator.autocast():
            result = torch.ones(2, 2) @ torch.ones(2, 2)
        assert result.dtype == (torch.bfloat16 if precision == "bf16" else torch.float32)


def test_only_matrices_decay() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Embedding(5, 2))
    decaying, constant = make_optimizer(model, TrainingSpec(weight_decay=0.1)).param_groups
    assert (decaying["weight_decay"], constant["weight_decay"]) == (0.1, 0.0)
    assert {tuple(p.shape) for p in decaying["params"]} == {(4, 3), (5, 2)}
    assert all(p.ndim == 1 for p in constant["params"])
    assert len(constant["params"]) == 3
