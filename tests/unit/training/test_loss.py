"""Tests of the loss against torch's own."""

import pytest
import torch
from torch.nn import functional

from polyloop.training.loss import summed_loss


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
