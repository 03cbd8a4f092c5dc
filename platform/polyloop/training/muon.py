"""Muon: steps of matrices, made orthogonal, all matrices of one shape at once and each by one of the workers.

Inputs: matrices whose gradients are the same on all workers. Output: the same step on all of them.
Sources: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/ (momentum, coefficients, their division among
workers); Liu et al. 2025, https://arxiv.org/abs/2502.16982, section 2.2 (steps of the size that AdamW's have).
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

MOMENTUM = 0.95
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the odd polynomial of degree five that pushes singular values towards 1."""
ITERATIONS = 5
EPSILON = 1e-7
ADAMW_SIZE = 0.2
"""The root mean square of AdamW's steps, at a learning rate of 1, that steps are scaled to."""


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum and decoupled weight decay, for matrices that each worker has whole.

    torch.optim.Muon goes through the matrices one by one, on each worker, in bfloat16, which a CPU without AVX512-BF16
    multiplies some thirty times as slowly as float32 (decision 0022).
    """

    def __init__(self, groups: Iterable[dict[str, Any]]) -> None:
        super().__init__(groups, {"lr": 1e-3, "weight_decay": 0.0})
        if odd := [tuple(p.shape) for group in self.param_groups for p in group["params"] if p.ndim != 2]:
            raise ValueError(f"Muon steps matrices, not weights of the shape {odd[0]}; leave those to AdamW.")

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Do one step; a weight without a gradient stays. All workers take part, with the same weights."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    by_shape[weight.shape].append(weight)
            for shape, weights in by_shape.items():
                directions = divided_orthogonal(torch.stack([self._with_momentum(weight) for weight in weights]))
                if decay := group["lr"] * group["weight_decay"]:
                    torch._foreach_mul_(weights, 1 - decay)
                size = ADAMW_SIZE * max(shape) ** 0.5
                torch._foreach_add_(weights, list(directions.unbind()), alpha=-group["lr"] * size)

    def _with_momentum(self, weight: Tensor) -> Tensor:
        """Return the gradient moved towards the mean of it and those before."""
        grad = weight.grad
        assert grad is not None
        state = self.state[weight]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(grad)
        mean: Tensor = state["momentum_buffer"].lerp_(grad, 1 - MOMENTUM)
        return grad.lerp(mean, MOMENTUM)


def divided_orthogonal(matrices: Tensor) -> Tensor:
    """Return `orthogonal` of matrices that all workers have, each worker having done its share of them."""
    workers = dist.get_world_size() if dist.is_initialized() else 1
    if workers == 1:
        return orthogonal(matrices)
    # A single matrix too: two workers with unequal threads or CPUs would round it in two ways, and drift apart.
    share = -(-len(matrices) // workers)
    mine = orthogonal(matrices[share * dist.get_rank() :][:share])
    # The last workers may have none: shares of one size are what gloo exchanges.
    part = matrices.new_zeros(share, *matrices.shape[1:])
    part[: len(mine)] = mine
    whole = matrices.new_empty(share * workers, *matrices.shape[1:])
    dist.all_gather_into_tensor(whole, part)
    return whole[: len(matrices)]


def orthogonal(matrices: Tensor) -> Tensor:
    """Return matrices (number x rows x columns) with singular values near 1, between 0.7 and 1.2 for all but tiny ones.

    bfloat16 is enough where it is fast, on GPUs; CPUs compute in float32. The result has the dtype of the input.
    """
    a, b, c = COEFFICIENTS
    wide = matrices.mT if matrices.shape[-2] > matrices.shape[-1] else matrices
    wide = wide.to(torch.float32 if matrices.device.type == "cpu" else torch.bfloat16)
    wide = wide / wide.norm(dim=(-2, -1), keepdim=True).clamp(min=EPSILON)
    for _ in range(ITERATIONS):
        gram = wide @ wide.mT
        wide = torch.baddbmm(wide, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), wide, beta=a)
    turned = wide.mT if matrices.shape[-2] > matrices.shape[-1] else wide
    return turned.to(matrices.dtype)
