"""The reference's log-probabilities of batches, taken before the first step so that no second model stays in memory.

Inputs: the model before its first step, which is the reference, and the rows of a batch. Outputs: numbers that
`polyloop.training.preference.batches` puts into batches. Limits: KTO's mismatched texts follow from the plan of
each epoch, so that they cost one pass without gradients an epoch.
"""

from typing import Any

import torch

from polyloop.training.preference.batches import judged_texts, mismatched_partners, pair_texts
from polyloop.training.preference.pairs import BinaryRows, PreferenceRows
from polyloop.training.preference.step import frozen_scores
from polyloop.training.rows import Ints


def pair_scores(model: Any, rows: PreferenceRows, batch: Ints, *, pad_id: int, device: torch.device) -> torch.Tensor:
    """Return log-probabilities of the chosen and rejected texts of a batch, (2, rows of the batch)."""
    texts = pair_texts(rows, batch, pad_id=pad_id).to(device)
    return frozen_scores(model, texts.input_ids, texts.attention_mask, texts.targets).view(2, -1)


def binary_scores(model: Any, rows: BinaryRows, batch: Ints, *, pad_id: int, device: torch.device) -> torch.Tensor:
    """Return log-probabilities of the texts of a batch, (rows of the batch,)."""
    texts = judged_texts(rows, batch, batch, pad_id=pad_id).to(device)
    return frozen_scores(model, texts.input_ids, texts.attention_mask, texts.targets)


def partner_scores(model: Any, rows: BinaryRows, batch: Ints, *, pad_id: int, device: torch.device) -> torch.Tensor:
    """Return log-probabilities of the partners' texts given the inputs of a batch, (rows of the batch,)."""
    texts = judged_texts(rows, batch, mismatched_partners(batch), pad_id=pad_id).to(device)
    return frozen_scores(model, texts.input_ids, texts.attention_mask, texts.targets)
