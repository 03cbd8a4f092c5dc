"""Rows of a split as tensors: what a model is shown in one call, padded on the right.

Inputs: rows as flat arrays, and which of them. Output: a `Batch` on the CPU. Pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from polyloop.training.rows import Floats, Ints, Rows

LOOK_ROWS = 256
"""Rows of a batch that is only looked at."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One batch; `targets` is (rows,) for labels, else aligned with the logits, (rows, length)."""

    input_ids: torch.Tensor
    """int64, (rows, length)."""
    attention_mask: torch.Tensor | None
    """int64, (rows, length); None where positions keep packed rows apart."""
    targets: torch.Tensor
    """int64; -100 is skipped."""
    weights: torch.Tensor
    """float32, (rows,), or of the shape of `targets` where rows are packed."""
    position_ids: torch.Tensor | None = None
    """int64, (rows, length); begins anew with each packed row."""

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on another device."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def doubled(self) -> "Batch":
        """Return the batch with all rows a second time behind the first."""
        return self._each(lambda tensor: torch.cat([tensor, tensor]))

    def _each(self, change: Any) -> "Batch":
        changed: dict[str, Any] = {
            name: None if tensor is None else change(tensor) for name, tensor in vars(self).items()
        }
        return Batch(**changed)


def padded_batch(rows: Rows, share: Ints, weights: Floats, *, pad_id: int, targets: Ints) -> Batch:
    """Return the inputs of the rows of `share` beside their targets, any shape of int64 with a line for each row."""
    input_ids, mask = rows.inputs.padded(share, pad_id)
    return Batch(
        input_ids=torch.from_numpy(input_ids),
        attention_mask=torch.from_numpy(mask.astype(np.int64)),
        targets=torch.from_numpy(targets),
        weights=torch.from_numpy(weights),
    )


def weight_of_tokens(rows: Rows, share: Ints) -> float:
    """Return the sum over rows of weight times number of target tokens."""
    return float((rows.weights[share].astype(np.float64) * rows.targets.lengths[share]).sum())


def inputs_of(rows: Rows, pad_id: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield the inputs of all rows, ids and mask, each row once."""
    for start in range(0, len(rows), LOOK_ROWS):
        ids, mask = rows.inputs.padded(np.arange(start, min(len(rows), start + LOOK_ROWS)), pad_id)
        yield torch.from_numpy(ids), torch.from_numpy(mask.astype(np.int64))
