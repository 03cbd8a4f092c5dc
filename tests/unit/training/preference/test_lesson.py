"""Tests of preferences as what a run learns: the losses of whole steps, however they are cut, and what is told."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from threading import Barrier
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from tests.support.preference_sets import JUDGED, PAIRS, judged_batch, kto_step, pair_batch, shaken

from polyloop.spec.training import PreferenceSpec, TrainingSpec
from polyloop.training.batches import share_of
from polyloop.training.preference.batches import binary_batch
from polyloop.training.preference.lesson import JudgedLesson, PairLesson
from polyloop.training.preference.settings import DpoSettings, KtoSettings, balanced_weights
from polyloop.training.preference.step import preference_step

FAMILIES = ("bart", "llama")
CUTS = (1_000, 12, 1)
"""Budgets of padded tokens: all rows at once, some, and each alone."""
GOOD_WEIGHT, BAD_WEIGHT = balanced_weights(4.5, 4.5)
BALANCED = KtoSettings(beta=0.5, desirable_weight=GOOD_WEIGHT, undesirable_weight=BAD_WEIGHT)


def training_of(method: Any, **changes: Any) -> TrainingSpec:
    return TrainingSpec(epochs=2, batch_tokens=64, preference=PreferenceSpec(method=method, beta=0.5, **changes))


def loss_in_parts(lesson: Any, policy: Any, batch: Any, budget_tokens: int) -> torch.Tensor:
    parts = [(rows, lesson.weights[rows]) for rows in lesson.cut(batch, budget_tokens)]
    summed_loss = lesson.begin(policy, batch, parts)
    return torch.stack([summed_loss(rows, weights) for rows, weights in parts]).sum()


@pytest.mark.parametrize("budget_tokens", CUTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_pairs_have_the_loss_of_a_step_however_they_are_cut(make_model: Any, family: str, budget_tokens: int) -> None:
    reference = make_model(family).eval()
    policy = shaken(reference)
    lesson = PairLesson(PAIRS, reference, training_of("dpo", label_smoothing=0.1), Accelerator(cpu=True), pad_id=0)
    batch = lesson.plan(0)[0]
    expected = preference_step(policy, pair_batch(reference, batch), DpoSettings(beta=0.5, label_smoothing=0.1))
    torch.testing.assert_close(loss_in_parts(lesson, policy, batch, budget_tokens), expected.loss, rtol=1e-4, atol=1e-5)
    seen = lesson.seen()
    assert seen["reward_margin"] == pytest.approx(expected.statistics.margin, rel=1e-3)
    assert seen["reward_accuracy"] == pytest.approx(expected.statistics.accuracy)
    assert seen["reward_kl"] is None
    assert lesson.seen() == {}


@pytest.mark.parametrize("budget_tokens", CUTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_judged_texts_share_one_reference_point_however_they_are_cut(
    make_model: Any, family: str, budget_tokens: int
) -> None:
    reference = make_model(family).eval()
    policy = shaken(reference, 0.1)
    lesson = JudgedLesson(JUDGED, reference, training_of("kto"), Accelerator(cpu=True), pad_id=0)
    for epoch in range(2):
        batch = lesson.plan(epoch)[0]
        assert len(batch) > 2
        expected = kto_step(policy, judged_batch(reference, batch), BALANCED)
        found = loss_in_parts(lesson, policy, batch, budget_tokens)
        torch.testing.assert_close(found, expected.loss, rtol=1e-4, atol=1e-5)
        seen = lesson.seen()
        assert seen["reward_margin"] == pytest.approx(expected.statistics.margin, rel=1e-3)
        assert seen["reward_kl"] == pytest.approx(expected.statistics.kl, rel=1e-3)


def test_the_batches_of_a_step_are_made_once(make_model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = make_model("llama").eval()
    judged = JudgedLesson(JUDGED, reference, training_of("kto"), Accelerator(cpu=True), pad_id=0)
    made: list[Any] = []

    def counted(rows: Any, share: Any, *arguments: Any, **settings: Any) -> Any:
        made.append(share)
        return binary_batch(rows, share, *arguments, **settings)

    monkeypatch.setattr("polyloop.training.preference.lesson.binary_batch", counted)
    batch = judged.plan(0)[0]
    loss_in_parts(judged, shaken(reference), batch, 12)
    assert len(made) == len(judged.cut(batch, 12)) > 1


class Workers:
    """Some workers, each a thread, that add up their tensors."""

    def __init__(self, num_workers: int) -> None:
        self.num_workers = num_workers
        self.barrier = Barrier(num_workers, timeout=60)
        self.tensors: list[torch.Tensor] = [torch.empty(0)] * num_workers


class Worker:
    """Stands in for the accelerator of one of them."""

    device = torch.device("cpu")

    def __init__(self, workers: Workers, rank: int) -> None:
        self.workers, self.process_index, self.num_processes = workers, rank, workers.num_workers

    def autocast(self) -> Any:
        return nullcontext()

    def reduce(self, tensor: torch.Tensor, reduction: str) -> torch.Tensor:
        assert reduction == "sum"
        self.workers.tensors[self.process_index] = tensor
        self.workers.barrier.wait()
        total = torch.stack(self.workers.tensors).sum(dim=0)
        self.workers.barrier.wait()
        return total


@pytest.mark.parametrize("num_workers", [2, 3])
@pytest.mark.parametrize("family", FAMILIES)
def test_workers_together_lose_what_one_would(make_model: Any, family: str, num_workers: int) -> None:
    policy, workers = make_model(family).eval(), Workers(num_workers)
    reference = shaken(policy, 0.1)  # so that the reference point is above 0, where it counts

    def lose(rank: int) -> tuple[Any, torch.Tensor]:
        accelerator: Any = Worker(workers, rank)
        lesson = JudgedLesson(JUDGED, reference, training_of("kto"), accelerator, pad_id=0)
        batch = lesson.plan(0)[0]
        rows, weights = share_of(batch, lesson.weights, rank=rank, world_size=num_workers)
        return batch, lesson.begin(policy, batch, [(rows, weights)])(rows, weights)

    with ThreadPoolExecutor(num_workers) as pool:
        found = list(pool.map(lose, range(num_workers)))
    whole = kto_step(policy, judged_batch(reference, found[0][0]), BALANCED)
    assert whole.statistics.kl is not None
    assert whole.statistics.kl > 0.1
    torch.testing.assert_close(torch.stack([loss for _, loss in found]).sum(), whole.loss, rtol=1e-4, atol=1e-5)


def test_rows_that_count_nothing_add_nothing(make_model: Any) -> None:
    reference = make_model("bart").eval()
    lesson = JudgedLesson(JUDGED, reference, training_of("kto"), Accelerator(cpu=True), pad_id=0)
    batch = lesson.plan(0)[0]
    policy = shaken(reference, 0.1)
    own, filler = (batch, lesson.weights[batch]), (batch[:1], np.zeros(1, np.float32))
    with_filler = lesson.begin(policy, batch, [own, filler])
    assert with_filler(*filler).item() == 0.0
    assert with_filler(*own).item() == lesson.begin(policy, batch, [own])(*own).item() > 0.0


def test_costs_count_what_a_row_is_padded_to(make_model: Any) -> None:
    reference = make_model("bart").eval()
    pairs = PairLesson(PAIRS, reference, training_of("dpo"), Accelerator(cpu=True), pad_id=0)
    judged = JudgedLesson(JUDGED, reference, training_of("kto"), Accelerator(cpu=True), pad_id=0)
    rows = np.arange(2)
    assert pairs.costs(rows).tolist() == [2 * (3 + 3), 2 * (1 + 3)]
    assert judged.costs(rows).tolist() == [3 + 3, 1 + 2]
    assert pairs.num_tokens(rows) == (2 * 3 + 3 + 3) + (2 * 1 + 2 + 3)
