"""What is minimised: cross-entropy with label smoothing, weighted by row, and the divergences that may be added to it.

Inputs: logits and targets of a batch. Output: sums, not means; the caller divides by the weight of the whole batch
over all workers, so that several workers learn exactly what one would.
"""

import torch
from torch.nn import functional

from polyloop.models.token_scores import IGNORED


def summed_loss(
    logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, label_smoothing: float
) -> torch.Tensor:
    """Return the sum over targets of weight times cross-entropy (smoothed after Szegedy et al. 2016), in float32.

    `logits` is (..., classes), `targets` (...), where -100 is skipped; `weights` is (rows,) or of the shape of
    `targets`.
    """
    per_target = functional.cross_entropy(
        logits.float().flatten(0, -2),
        targets.flatten(),
        ignore_index=IGNORED,
        label_smoothing=label_smoothing,
        reduction="none",
    )
    return (per_target.view(targets.shape) * _spread(weights, targets)).sum()


def summed_hits(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the sum of the weights of targets whose logit is the largest, a scalar in float32."""
    return ((logits.argmax(-1) == targets) * _spread(weights, targets)).sum()


def summed_divergence(
    logits: torch.Tensor, other: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, temperature: float = 1.0
) -> torch.Tensor:
    """Return the sum over targets of weight times KL(other || logits), both softened by `temperature`, in float32."""
    ours = functional.log_softmax(logits.float() / temperature, dim=-1)
    theirs = functional.log_softmax(other.float() / temperature, dim=-1)
    divergence = functional.kl_div(ours, theirs, reduction="none", log_target=True).sum(-1)
    return (divergence * (targets != IGNORED) * _spread(weights, targets)).sum()


def r_drop_loss(
    logits: torch.Tensor, other: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, alpha: float
) -> torch.Tensor:
    """Return what two passes with different dropout add: alpha / 4 times both divergences between them.

    Half of Liang et al. 2021 (https://arxiv.org/abs/2106.14448), equation 4, since the mean of the two cross-entropies
    stands beside it, not their sum.
    """
    there = summed_divergence(logits, other, targets, weights)
    back = summed_divergence(other, logits, targets, weights)
    return alpha / 4 * (there + back)


def _spread(weights: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return weights.view(weights.shape + (1,) * (targets.ndim - weights.ndim))
