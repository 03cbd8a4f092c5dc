"""Tests of accelerator, threads and optimiser."""

import math
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.small_tasks import save_checkpoint, small_task, small_tokenizer
from torch import nn

from polyloop.models.build import build_model
from polyloop.spec.training import TrainingSpec
from polyloop.training.setup import make_accelerator, make_optimizer, rate_of, usable_cores


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


def test_weights_of_t5_from_scratch_learn_in_proportion_to_their_size(tmp_path: Path) -> None:
    task = small_task("translate")
    model: Any = build_model(task, small_tokenizer(tmp_path, task), dropout=0.0)
    groups = make_optimizer(model, TrainingSpec(weight_decay=0.1), rate_of(model, task)).param_groups
    rates = {parameter: group["rate"] for group in groups for parameter in group["params"]}
    for name, weight in model.named_parameters():
        size = weight.detach().square().mean().sqrt().item()
        assert rates[weight] == pytest.approx(size * math.sqrt(128), rel=0.15), name
    assert {round(rate, 2) for rate in rates.values()} == {0.18, 0.71, 1.0, 11.31, 22.63}
    assert all(group["rate"] * group["weight_decay"] in (0.0, pytest.approx(0.1)) for group in groups)
    assert all(group["lr"] == group["rate"] * 1e-3 for group in groups)


def test_a_run_that_goes_on_from_a_version_learns_as_the_first_one_did(tmp_path: Path) -> None:
    task = small_task("translate")
    tokenizer = small_tokenizer(tmp_path / "tokenizer", task)
    first: Any = build_model(task, tokenizer, dropout=0.0)
    with torch.no_grad():
        first.shared.weight.mul_(3)
    first.save_pretrained(tmp_path / "version")
    following = build_model(task, tokenizer, dropout=0.0, init_from=tmp_path / "version")
    names = [name for name, _ in first.named_parameters()]
    rates = [[rate_of(model, task)(name) for name in names] for model in (first, following)]
    assert rates[0] == rates[1]
    assert len(set(rates[0])) == 5


@pytest.mark.parametrize(("kind", "family"), [("translate", "t5"), ("generate", None), ("classify", None)])
def test_checkpoints_and_other_families_learn_at_one_rate(tmp_path: Path, kind: str, family: str | None) -> None:
    task = small_task(kind)
    tokenizer = small_tokenizer(tmp_path / "tokenizer", task)
    if family is not None:
        task = small_task(kind, model={"pretrained": str(save_checkpoint(family, tmp_path / family, tokenizer))})
    model: Any = build_model(task, tokenizer, dropout=0.0)
    assert {rate_of(model, task)(name) for name, _ in model.named_parameters()} == {1.0}
