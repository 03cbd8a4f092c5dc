"""Tests of Muon: the steps that torch's has, whatever the shapes, the same on all workers, and what it refuses."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, local

import pytest
import torch
from torch import nn

from polyloop.training import muon
from polyloop.training.muon import Muon, divided_orthogonal, orthogonal

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


class Workers:
    """Workers as threads, of which each rounds in its own way; stands for torch.distributed."""

    def __init__(self, num_workers: int) -> None:
        self.num_workers = num_workers
        self.place, self.parts = local(), [torch.empty(0)] * num_workers
        self.barrier = Barrier(num_workers, timeout=60)

    def is_initialized(self) -> bool:
        return True

    def get_world_size(self) -> int:
        return self.num_workers

    def get_rank(self) -> int:
        rank: int = self.place.rank
        return rank

    def all_gather_into_tensor(self, whole: torch.Tensor, part: torch.Tensor) -> None:
        self.parts[self.get_rank()] = part.clone()
        self.barrier.wait()
        whole.copy_(torch.cat(self.parts))
        self.barrier.wait()

    def orthogonal(self, matrices: torch.Tensor) -> torch.Tensor:
        return orthogonal(matrices) + 1e-6 * self.get_rank()

    def run(self, rank: int, matrices: torch.Tensor) -> torch.Tensor:
        self.place.rank = rank
        return divided_orthogonal(matrices)


@pytest.mark.parametrize("num_matrices", [1, 2, 3, 5])
@pytest.mark.parametrize("num_workers", [2, 3])
def test_all_workers_get_the_same_though_each_rounds_in_its_own_way(
    monkeypatch: pytest.MonkeyPatch, num_workers: int, num_matrices: int
) -> None:
    workers = Workers(num_workers)
    monkeypatch.setattr(muon, "dist", workers)
    monkeypatch.setattr(muon, "orthogonal", workers.orthogonal)
    torch.manual_seed(4)
    matrices = torch.randn(num_matrices, 6, 4)
    with ThreadPoolExecutor(num_workers) as pool:
        found = list(pool.map(lambda rank: workers.run(rank, matrices), range(num_workers)))
    assert all(torch.equal(one, found[0]) for one in found)
    torch.testing.assert_close(found[0], orthogonal(matrices), rtol=0.0, atol=1e-5)


def test_no_gradient_no_step_and_none_gives_no_numbers_that_are_none() -> None:
    still, zero = nn.Parameter(torch.ones(4, 4)), nn.Parameter(torch.ones(4, 4))
    zero.grad = torch.zeros(4, 4)
    Muon([{"params": [still, zero], "lr": 0.1}]).step()
    assert torch.equal(still, torch.ones(4, 4))
    assert torch.equal(zero, torch.ones(4, 4))


def test_what_is_no_matrix_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not weights of the shape \(3,\)"):
        Muon([{"params": [nn.Parameter(torch.ones(2, 3)), nn.Parameter(torch.ones(3))]}])
