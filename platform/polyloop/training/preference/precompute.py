"""The reference's log-probabilities of a whole set, so that no second model stays in memory while learning.

Inputs: the model before its first step, which is the reference, and the rows. Outputs: float32 arrays that
`polyloop.training.preference.batches` puts into batches. Limits: KTO's mismatched texts follow from the plan of each
epoch, so that they cost one pass without gradients an epoch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from polyloop.training.preference.batches import Floats, binary_batch, preference_batch
from polyloop.training.preference.pairs import BinaryRows, PreferenceRows
from polyloop.training.preference.step import frozen_scores
from polyloop.training.rows import Ints


@dataclass(frozen=True, kw_only=True)
class BinaryReference:
    """Log-probabilities of the rows' own texts, (rows,), and in each epoch of their partners' texts, (epochs, rows)."""

    targets: Floats
    mismatched: Floats


def pair_scores(model: Any, rows: PreferenceRows, batch: Ints, *, pad_id: int, device: torch.device) -> torch.Tensor:
    """Return log-probabilities of the chosen and rejected texts of a batch, (2, rows of the batch)."""
    texts = preference_batch(rows, batch, pad_id=pad_id).to(device)
    return frozen_scores(model, texts.input_ids, texts.attention_mask, texts.targets).view(2, -1)


def binary_scores(model: Any, rows: BinaryRows, batch: Ints, *, pad_id: int, device: torch.device) -> torch.Tensor:
    """Return log-probabilities of the texts of a batch, (rows of the batch,)."""
    texts = binary_batch(rows, batch, pad_id=pad_id).to(device)
    return frozen_scores(model, texts.input_ids, texts.attention_mask, texts.targets)


def partner_scores(model: Any, rows: BinaryRows, batch: Ints, *, pad_id: int, device: torch.device) -> torch.Tensor:
    """Return log-probabilities of the partners' texts given the inputs of a batch, (rows of the batch,)."""
    texts = binary_batch(rows, batch, pad_id=pad_id).to(device)
    return frozen_scores(model, texts.input_ids, texts.attention_mask, texts.mismatched_targets)


def precompute_preferences(
    model: Any, rows: PreferenceRows, batches: Sequence[Ints], *, pad_id: int, device: torch.device
) -> Floats:
    """Return log-probabilities of chosen and rejected texts, (2, rows); any plan that has each row once will do."""
    reference = _unknown(2, len(rows))
    for batch in batches:
        reference[:, batch] = pair_scores(model, rows, batch, pad_id=pad_id, device=device).float().cpu().numpy()
    return reference


def precompute_binary(
    model: Any, rows: BinaryRows, plans: Sequence[Sequence[Ints]], *, pad_id: int, device: torch.device
) -> BinaryReference:
    """Return log-probabilities of the rows' texts and of their partners' in each epoch.

    `plans` are the batches of each epoch as they will be learned, whole, not a worker's share; at least one epoch.
    """
    known: dict[str, Any] = {"pad_id": pad_id, "device": device}
    targets, mismatched = _unknown(1, len(rows))[0], _unknown(len(plans), len(rows))
    for epoch, batches in enumerate(plans):
        for batch in batches:
            mismatched[epoch, batch] = partner_scores(model, rows, batch, **known).float().cpu().numpy()
            if epoch == 0:
                targets[batch] = binary_scores(model, rows, batch, **known).float().cpu().numpy()
    return BinaryReference(targets=targets, mismatched=mismatched)


def _unknown(*shape: int) -> NDArray[np.float32]:
    """Return numbers that spoil a loss at once where a row was forgotten."""
    return np.full(shape, np.nan, dtype=np.float32)
