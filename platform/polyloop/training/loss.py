"""What is minimised: cross-entropy with label smoothing, weighted by row (Szegedy et al. 2016).

Inputs: logits and targets of a batch. Output: a sum, not a mean; the caller divides by the weight of the whole batch
over all workers, so that several workers learn exactly what one would.
"""

import torch
from torch.nn import functional

from polyloop.training.rows import IGNORED


def summed_loss(
    logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, label_smoothing: float
) -> torch.Tensor:
    """Return the sum over targets of row weight times cross-entropy, a scalar in float32.

    `logits` is (rows, classes) with `targets` (rows,), or (rows, length, vocabulary) with (rows, length), where
    targets of -100 are skipped; `weights` is (rows,).
    """
    per_target = functional.cross_entropy(
        logits.float().flatten(0, -2),
        targets.flatten(),
        ignore_index=IGNORED,
        label_smoothing=label_smoothing,
        reduction="none",
    )
    return (per_target.view(len(targets), -1).sum(dim=1) * weights).sum()
