"""Tests of accelerator, threads and learning rates."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.small_tasks import save_checkpoint, small_task, small_tokenizer

from polyloop.models.build import build_model
from polyloop.training.setup import make_accelerator, rate_of, usable_cores


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
