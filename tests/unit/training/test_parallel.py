"""Clipping on one worker: what torch's own does, without touching gradients that are within the norm."""

import pytest
import torch
from accelerate import Accelerator
from torch import nn

from polyloop.training.parallel import Whole


def model_with_gradients(scale: float) -> nn.Module:
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    torch.autograd.backward(model(torch.ones(2, 4)).sum() * scale)
    model[1].bias.grad = None
    return model


@pytest.mark.parametrize("scale", [1e-3, 0.1, 1.0, 100.0])
def test_gradients_and_norm_are_those_of_torchs_clipping(scale: float) -> None:
    ours, theirs = model_with_gradients(scale), model_with_gradients(scale)

    norm = Whole(ours, Accelerator(cpu=True), 1).clipped_norm(1.0)

    assert torch.equal(norm, torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0))
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        if one.grad is None or other.grad is None:
            assert one.grad is other.grad
        else:
            assert torch.equal(one.grad, other.grad)


@pytest.mark.parametrize("scale", [float("nan"), float("inf")])
def test_a_norm_that_is_not_finite_is_told(scale: float) -> None:
    norm = Whole(model_with_gradients(scale), Accelerator(cpu=True), 1).clipped_norm(1.0)

    assert not torch.isfinite(norm)


def test_an_average_is_of_what_steps_change() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 1))
    model[2].requires_grad_(False)

    assert Whole(model, Accelerator(cpu=True), 1).moving().keys() == {"0.weight", "0.bias", "1.weight", "1.bias"}
