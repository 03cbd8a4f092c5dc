"""Tests of Muon: the steps that torch's has, whatever the shapes, and what it refuses."""

import pytest
import torch
from torch import nn

from polyloop.training.muon import Muon, orthogonal

SHAPES = [(16, 16), (32, 16), (16, 32), (16, 16), (16, 48), (16, 32)]


def _weights() -> list[nn.Parameter]:
    torch.manual_seed(0)
    return [nn.Parameter(torch.randn(shape)) for shape in SHAPES]


def test_steps_are_those_of_torch_up_to_its_bfloat16() -> None:
    ours, theirs = _weights(), _weights()
    muon = Muon([{"params": ours, "lr": 0.02, "weight_decay": 0.1}])
    peer = torch.optim.Muon(theirs, lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for at in range(5):
        for mine, other in zip(ours, theirs, strict=True):
            before = mine.detach().clone()
            mine.grad = other.grad = torch.randn(mine.shape) * 10.0 ** (at - 2)
        muon.step()
        peer.step()
    for mine, other, start in zip(ours, theirs, _weights(), strict=True):
        moved = (start - other).norm()
        assert (mine - other).norm() < 0.02 * moved
    assert not torch.equal(before, ours[-1])


def test_singular_values_come_near_one_and_directions_stay() -> None:
    torch.manual_seed(1)
    left, right = torch.linalg.qr(torch.randn(3, 12, 12))[0], torch.linalg.qr(torch.randn(3, 20, 20))[0][:, :12]
    values = torch.logspace(0, 1.5, 12)
    found = orthogonal(left * values @ right)
    assert found.shape == (3, 12, 20)
    assert found.dtype == torch.float32
    turned = left.mT @ found @ right.mT
    diagonal = turned.diagonal(dim1=-2, dim2=-1)
    assert ((diagonal > 0.65) & (diagonal < 1.25)).all()
    assert (turned - torch.diag_embed(diagonal)).abs().max() < 1e-4
    assert torch.equal(orthogonal((left * values @ right).mT).mT, found)


def test_matrices_together_are_each_as_it_is_alone() -> None:
    torch.manual_seed(2)
    several = torch.randn(5, 8, 24)
    torch.testing.assert_close(orthogonal(several), torch.cat([orthogonal(one[None]) for one in several]))


def test_no_gradient_no_step_and_none_gives_no_numbers_that_are_none() -> None:
    still, zero = nn.Parameter(torch.ones(4, 4)), nn.Parameter(torch.ones(4, 4))
    zero.grad = torch.zeros(4, 4)
    Muon([{"params": [still, zero], "lr": 0.1}]).step()
    assert torch.equal(still, torch.ones(4, 4))
    assert torch.equal(zero, torch.ones(4, 4))


def test_what_is_no_matrix_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not weights of the shape \(3,\)"):
        Muon([{"params": [nn.Parameter(torch.ones(2, 3)), nn.Parameter(torch.ones(3))]}])
