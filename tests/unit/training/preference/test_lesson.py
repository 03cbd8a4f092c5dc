"""Tests of preferences as what a run learns: the losses of whole steps, however they are cut, and what is told."""

from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from tests.support.preference_sets import JUDGED, PAIRS, shaken

from polyloop.spec.training import PreferenceSpec, TrainingSpec
from polyloop.training.preference.batches import binary_batch, preference_batch
from polyloop.training.preference.lesson import JudgedLesson, PairLesson
from polyloop.training.preference.settings import DpoSettings, KtoSettings, balanced_weights
from polyloop.training.preference.step import binary_step, preference_step

FAMILIES = ("bart", "llama")
CUTS = (1_000, 12, 1)
"""Budgets of padded tokens: all rows at once, some, and each alone."""


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
    expected = preference_step(
        policy,
        preference_batch(PAIRS, batch, pad_id=0),
        DpoSettings(beta=0.5, label_smoothing=0.1),
        reference=reference,
    )
    torch.testing.assert_close(loss_in_parts(lesson, policy, batch, budget_tokens), expected.loss, rtol=1e-4, atol=1e-5)
    seen = lesson.seen()
    assert seen["reward_margin"] == pytest.approx(expected.statistics.margin, rel=1e-3)
    assert seen["reward_accuracy"] == pytest.approx(expected.statistics.accuracy)
    assert lesson.seen() == {}


@pytest.mark.parametrize("budget_tokens", CUTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_judged_texts_share_one_reference_point_however_they_are_cut(
    make_model: Any, family: str, budget_tokens: int
) -> None:
    reference = make_model(family).eval()
    policy = shaken(reference, 0.1)
    lesson = JudgedLesson(JUDGED, reference, training_of("kto"), Accelerator(cpu=True), pad_id=0)
    good, bad = balanced_weights(4.5, 4.5)
    for epoch in range(2):
        batch = lesson.plan(epoch)[0]
        assert len(batch) > 2
        expected = binary_step(
            policy,
            binary_batch(JUDGED, batch, pad_id=0),
            KtoSettings(beta=0.5, desirable_weight=good, undesirable_weight=bad),
            reference=reference,
        )
        found = loss_in_parts(lesson, policy, batch, budget_tokens)
        torch.testing.assert_close(found, expected.loss, rtol=1e-4, atol=1e-5)
        assert lesson.seen()["reward_margin"] == pytest.approx(expected.statistics.margin, rel=1e-3)


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
