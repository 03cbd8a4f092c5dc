"""Tests of accelerator, threads and optimiser."""

import math
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.small_tasks import save_checkpoint, small_task, small_tokenizer
from torch import nn

from polyloop.models.build import RELATIVE_BIAS_STD, build_model
from polyloop.spec.training import TrainingSpec
from polyloop.training.setup import has_relative_rates, make_accelerator, make_optimizer, relative_rate, usable_cores


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
    groups = make_optimizer(
        model, TrainingSpec(weight_decay=0.1), relative=has_relative_rates(model, task)
    ).param_groups
    rates = {parameter: group["rate"] for group in groups for parameter in group["params"]}
    first = model.encoder.block[0].layer
    attention, inner = first[0].SelfAttention, first[1].DenseReluDense
    assert rates[model.shared.weight] == pytest.approx(math.sqrt(128))
    assert rates[attention.q.weight] == pytest.approx(32**-0.5)
    assert rates[attention.k.weight] == rates[attention.o.weight] == rates[inner.wi.weight] == 1.0
    assert rates[inner.wo.weight] == pytest.approx(math.sqrt(128 / 256))
    assert rates[attention.relative_attention_bias.weight] == pytest.approx(RELATIVE_BIAS_STD * math.sqrt(128))
    assert rates[first[0].layer_norm.weight] == pytest.approx(math.sqrt(128))
    assert all(group["rate"] * group["weight_decay"] in (0.0, pytest.approx(0.1)) for group in groups)
    assert len(rates) == len(list(model.parameters()))


@pytest.mark.parametrize(("kind", "family"), [("translate", "t5"), ("generate", None), ("classify", None)])
def test_checkpoints_and_other_families_learn_at_one_rate(tmp_path: Path, kind: str, family: str | None) -> None:
    task = small_task(kind)
    tokenizer = small_tokenizer(tmp_path / "tokenizer", task)
    if family is not None:
        task = small_task(kind, model={"pretrained": str(save_checkpoint(family, tmp_path / family, tokenizer))})
    assert not has_relative_rates(build_model(task, tokenizer, dropout=0.0), task)


def test_a_weight_of_zeros_learns_as_fast_as_most() -> None:
    assert relative_rate(torch.zeros(3), 128) == 1.0
