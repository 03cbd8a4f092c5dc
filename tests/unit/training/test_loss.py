"""Tests of the loss against torch's own."""

import pytest
import torch
from torch.nn import functional

from polyloop.training.loss import r_drop_loss, summed_divergence, summed_hits, summed_loss


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_with_equal_weights_it_is_torchs_mean_times_the_targets(smoothing: float) -> None:
    torch.manual_seed(1)
    logits = torch.randn(4, 6, 11)
    targets = torch.randint(0, 11, (4, 6))
    targets[1, 3:] = -100
    expected = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), label_smoothing=smoothing)
    summed = summed_loss(logits, targets, torch.ones(4), smoothing)
    assert summed / (targets != -100).sum() == pytest.approx(expected.item(), rel=1e-5)


def test_each_row_counts_by_its_weight() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [5.0, -5.0]])
    targets = torch.tensor([0, 0, 1])
    each = functional.cross_entropy(logits, targets, reduction="none")
    weights = torch.tensor([1.0, 0.25, 0.0])
    assert summed_loss(logits, targets, weights, 0.0).item() == pytest.approx((each * weights).sum().item())


def test_a_row_of_weight_zero_gives_no_gradient() -> None:
    logits = torch.randn(2, 3, 5, requires_grad=True)
    summed_loss(logits, torch.ones(2, 3, dtype=torch.int64), torch.tensor([0.0, 1.0]), 0.1).backward()
    assert logits.grad is not None
    assert not logits.grad[0].any()
    assert logits.grad[1].any()


def test_half_precision_logits_are_summed_in_float32() -> None:
    assert summed_loss(torch.randn(2, 3).bfloat16(), torch.tensor([0, 1]), torch.ones(2), 0.0).dtype == torch.float32


def test_weights_may_differ_within_a_row() -> None:
    logits, targets = torch.randn(2, 3, 5), torch.tensor([[1, 2, 3], [4, 0, -100]])
    by_row = summed_loss(logits, targets, torch.tensor([2.0, 0.5]), 0.1)
    by_token = summed_loss(logits, targets, torch.tensor([[2.0] * 3, [0.5] * 3]), 0.1)
    assert by_token.item() == pytest.approx(by_row.item(), rel=1e-6)


def test_hits_are_weighted_and_skip_padding() -> None:
    logits = torch.eye(3)[None].repeat(2, 1, 1)
    targets = torch.tensor([[0, 1, 2], [0, 2, -100]])
    assert summed_hits(logits, targets, torch.tensor([1.0, 0.5])).item() == 3.5


def test_a_divergence_is_torchs_and_nothing_between_equals() -> None:
    ours, theirs = torch.randn(4, 6), torch.randn(4, 6)
    targets = torch.tensor([1, 2, -100, 3])
    expected = functional.kl_div(ours.log_softmax(-1), theirs.softmax(-1), reduction="none").sum(-1)[[0, 1, 3]].sum()
    assert summed_divergence(ours, theirs, targets, torch.ones(4)).item() == pytest.approx(expected.item(), rel=1e-5)
    assert summed_divergence(ours, ours + 3.0, targets, torch.ones(4)).item() == pytest.approx(0.0, abs=1e-5)


def test_r_drop_adds_both_divergences() -> None:
    ours, theirs, targets, weights = (
        torch.randn(4, 6),
        torch.randn(4, 6),
        torch.ones(4, dtype=torch.int64),
        torch.ones(4),
    )
    both = summed_divergence(ours, theirs, targets, weights) + summed_divergence(theirs, ours, targets, weights)
    assert r_drop_loss(ours, theirs, targets, weights, 4.0).item() == pytest.approx(both.item(), rel=1e-6)
