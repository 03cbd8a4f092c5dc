"""The objective of a decoder: the target text behind the input text, as one sequence, of which the target is learned.

Inputs: rows of a split, and which of them. Output: sequences, padded, or several rows put end to end and kept apart by
positions that begin anew with each. Pure.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from polyloop.models.token_scores import IGNORED
from polyloop.training.batch import Batch, weight_of_tokens
from polyloop.training.rows import Floats, Ints, Rows


@dataclass(frozen=True, kw_only=True)
class ContinuationObjective:
    """The target text behind the input text, by a decoder; only the target is learned."""

    pad_id: int
    packed_tokens: int | None = None
    """Rows are put end to end up to about this length; None pads them."""

    def target_lengths(self, rows: Rows) -> Ints:
        """Return the lengths of the targets."""
        return rows.targets.lengths

    def batch(self, rows: Rows, share: Ints, weights: Floats) -> Batch:
        """Return sequences, each position's target the token that comes next."""
        groups = [[row] for row in range(len(share))]
        if self.packed_tokens is not None:
            groups = first_fit(rows.inputs.lengths[share] + rows.targets.lengths[share], self.packed_tokens)
        sequences = [[self._sequence(rows, int(share[at]), float(weights[at])) for at in group] for group in groups]
        longest = max(sum(len(part[0]) for part in sequence) for sequence in sequences)
        ids = np.full((len(groups), longest), self.pad_id, np.int64)
        targets = np.full_like(ids, IGNORED)
        positions = np.zeros_like(ids)
        spread = np.zeros(ids.shape, np.float32)
        mask = np.zeros_like(ids)
        for line, sequence in enumerate(sequences):
            start = 0
            for part, learned, weight in sequence:
                end = start + len(part)
                ids[line, start:end], targets[line, start:end] = part, learned
                positions[line, start:end] = np.arange(len(part))
                spread[line, start:end], mask[line, start:end] = weight, 1
                start = end
            positions[line, start:] = np.arange(longest - start)
        packed = self.packed_tokens is not None
        return Batch(
            input_ids=torch.from_numpy(ids),
            attention_mask=None if packed else torch.from_numpy(mask),
            targets=torch.from_numpy(targets),
            weights=torch.from_numpy(spread if packed else weights),
            position_ids=torch.from_numpy(positions),
        )

    def _sequence(self, rows: Rows, row: int, weight: float) -> tuple[Ints, Ints, float]:
        """Return the ids but the last, and behind each the id to learn, -100 within the input."""
        inputs, target = rows.inputs[row], rows.targets[row]
        whole = np.concatenate([inputs, target]).astype(np.int64)
        learned = whole[1:].copy()
        learned[: len(inputs) - 1] = IGNORED
        return whole[:-1], learned, weight

    def logits(self, model: Any, batch: Batch) -> torch.Tensor:
        """Return (sequences, length, vocabulary)."""
        logits: torch.Tensor = model(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            position_ids=batch.position_ids,
            use_cache=False,
        ).logits
        return logits

    def total_weight(self, rows: Rows, share: Ints) -> float:
        """Return the weight of the target tokens."""
        return weight_of_tokens(rows, share)


def first_fit(lengths: Ints, capacity: int) -> list[list[int]]:
    """Return positions in groups of at most `capacity`, the longest first; a longer one is a group of its own."""
    groups: list[list[int]] = []
    room: list[int] = []
    for position in np.argsort(-lengths, kind="stable").tolist():
        length = int(lengths[position])
        fits = next((group for group, left in enumerate(room) if left >= length), None)
        if fits is None:
            groups.append([position])
            room.append(capacity - length)
        else:
            groups[fits].append(position)
            room[fits] -= length
    return groups
