"""Tests of cheap dropout."""

import pytest
import torch
from torch import nn

from polyloop.training.dropout import ByteDropout, use_cheap_dropout


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_it_drops_the_asked_part_and_keeps_the_mean(p: float) -> None:
    torch.manual_seed(1)
    out = ByteDropout(p)(torch.ones(400, 1_001))
    assert (out == 0).float().mean().item() == pytest.approx(p, abs=0.005)
    assert out.mean().item() == pytest.approx(1.0, abs=0.01)
    assert len(out.unique()) == 2


def test_which_elements_are_dropped_is_decided_by_the_seed() -> None:
    values = torch.ones(10, 10)
    masks = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        masks.append(ByteDropout(0.5)(values))
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])


def test_it_does_nothing_outside_training_or_at_zero() -> None:
    values = torch.randn(5, 7)
    assert ByteDropout(0.5).eval()(values) is values
    assert ByteDropout(0.0)(values) is values


def test_dropped_elements_get_no_gradient() -> None:
    values = torch.ones(64, 64, requires_grad=True)
    out = ByteDropout(0.5)(values)
    out.sum().backward()
    assert values.grad is not None
    assert torch.equal(values.grad == 0, out == 0)


def test_every_dropout_of_a_model_is_replaced_and_the_weights_keep_their_names() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.2), nn.Sequential(nn.Dropout(0.3), nn.Linear(3, 1))).eval()
    before = model.state_dict().keys()
    use_cheap_dropout(model)
    assert model.state_dict().keys() == before
    found = [module for module in model.modules() if isinstance(module, ByteDropout)]
    assert [module.p for module in found] == [0.2, 0.3]
    assert not any(isinstance(module, nn.Dropout) for module in model.modules())
    assert not any(module.training for module in found)
