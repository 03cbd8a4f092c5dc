"""Which pairs or judged texts are learned together, and their padded batches.

Inputs: rows, a budget of padded tokens, seed and epoch. Outputs: lists of row numbers that are the same on every
worker (by `polyloop.training.batches`), KTO's mismatched partners, and torch tensors of a worker's share.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from polyloop.models.token_scores import IGNORED
from polyloop.training.batches import plan_batches, share_of
from polyloop.training.preference.pairs import BinaryRows, PreferenceRows, equal_lists
from polyloop.training.rows import Ints, Ragged

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class _Tensors:
    def to(self, device: torch.device) -> Self:
        """Return the batch on another device."""
        tensors = {field.name: getattr(self, field.name) for field in fields(self)}
        return type(self)(
            **{
                name: None if tensor is None else tensor.to(device, non_blocking=True)
                for name, tensor in tensors.items()
            }
        )


@dataclass(frozen=True, kw_only=True)
class PreferenceBatch(_Tensors):
    """n pairs as 2n rows, all chosen texts first and then, in the same order, all rejected ones.

    Ids and masks are (2n, longest), targets with -100 for padding; `weights` is (n,); `reference` (2n,) holds the
    reference's log-probabilities where they were computed before.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
    reference: torch.Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class BinaryBatch(_Tensors):
    """n judged texts, and for each input the text of another row.

    Ids and masks are (n, longest), targets with -100 for padding; the rest is (n,). `is_mismatched` says whether the
    other row counts: not if it has the same input, and not where a worker had no row of its own.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    targets: torch.Tensor
    mismatched_targets: torch.Tensor
    is_mismatched: torch.Tensor
    is_desirable: torch.Tensor
    weights: torch.Tensor
    reference: torch.Tensor | None = None
    mismatched_reference: torch.Tensor | None = None


def plan_preferences(rows: PreferenceRows, *, batch_tokens: int, seed: int, epoch: int) -> list[Ints]:
    """Return the row numbers of each batch of an epoch; a pair costs both its texts and its input twice."""
    longest = np.maximum(rows.chosen.lengths, rows.rejected.lengths)
    return plan_batches(2 * rows.inputs.lengths, 2 * longest, batch_tokens=batch_tokens, seed=seed, epoch=epoch)


def plan_binary(rows: BinaryRows, *, batch_tokens: int, seed: int, epoch: int) -> list[Ints]:
    """Return the row numbers of each batch of an epoch; mismatched texts, which need no gradient, cost nothing."""
    return plan_batches(rows.inputs.lengths, rows.targets.lengths, batch_tokens=batch_tokens, seed=seed, epoch=epoch)


def mismatched_partners(batch: Ints) -> Ints:
    """Return for each row of a batch the row whose text it is paired with: the next one, and the first for the last.

    The pairing of Ethayarajh et al. 2024 (https://arxiv.org/abs/2402.01306).
    """
    partners: Ints = np.roll(batch, -1)
    return partners


def preference_batch(
    rows: PreferenceRows,
    batch: Ints,
    *,
    pad_id: int,
    reference: Floats | None = None,
    rank: int = 0,
    world_size: int = 1,
) -> PreferenceBatch:
    """Return a worker's share of a batch; `reference` is `precompute.pair_scores` of all rows, (2, rows)."""
    share, weights = share_of(batch, rows.weights, rank=rank, world_size=world_size)
    return weighted_pairs(rows, share, weights, pad_id=pad_id, reference=reference)


def weighted_pairs(
    rows: PreferenceRows, share: Ints, weights: Floats, *, pad_id: int, reference: Floats | None = None
) -> PreferenceBatch:
    """Return the pairs of `share`, weighted by `weights` (pairs,); `reference` as in `preference_batch`."""
    input_ids, mask = rows.inputs.padded(share, pad_id)
    sides = [side.padded(share, IGNORED)[0] for side in (rows.chosen, rows.rejected)]
    width = max(side.shape[1] for side in sides)
    targets = [np.pad(side, ((0, 0), (0, width - side.shape[1])), constant_values=IGNORED) for side in sides]
    return PreferenceBatch(
        input_ids=torch.from_numpy(np.tile(input_ids, (2, 1))),
        attention_mask=torch.from_numpy(np.tile(mask.astype(np.int64), (2, 1))),
        targets=torch.from_numpy(np.concatenate(targets)),
        weights=torch.from_numpy(weights),
        reference=None if reference is None else torch.from_numpy(reference[:, share].flatten()),
    )


def binary_batch(
    rows: BinaryRows,
    batch: Ints,
    *,
    pad_id: int,
    reference: Floats | None = None,
    mismatched_reference: Floats | None = None,
    rank: int = 0,
    world_size: int = 1,
) -> BinaryBatch:
    """Return a worker's share of a batch, on the CPU.

    The partners are those of the whole batch, so that they do not depend on the number of workers. The references are
    `precompute.binary_scores` and `partner_scores` of all rows, (rows,), the mismatched one that of this epoch's plan.
    """
    share, weights = share_of(batch, rows.weights, rank=rank, world_size=world_size)
    partners, _ = share_of(mismatched_partners(batch), rows.weights, rank=rank, world_size=world_size)
    return partnered_batch(
        rows,
        share,
        partners,
        weights,
        pad_id=pad_id,
        reference=reference,
        mismatched_reference=mismatched_reference,
    )


def partnered_batch(
    rows: BinaryRows,
    share: Ints,
    partners: Ints,
    weights: Floats,
    *,
    pad_id: int,
    reference: Floats | None = None,
    mismatched_reference: Floats | None = None,
) -> BinaryBatch:
    """Return the rows of `share`, each with its partner and weight (rows,); references as in `binary_batch`."""
    is_mismatched = ~equal_lists(_taken(rows.inputs, share), _taken(rows.inputs, partners)) & (weights > 0)
    input_ids, mask = rows.inputs.padded(share, pad_id)
    return BinaryBatch(
        input_ids=torch.from_numpy(input_ids),
        attention_mask=torch.from_numpy(mask.astype(np.int64)),
        targets=torch.from_numpy(rows.targets.padded(share, IGNORED)[0]),
        mismatched_targets=torch.from_numpy(rows.targets.padded(partners, IGNORED)[0]),
        is_mismatched=torch.from_numpy(is_mismatched),
        is_desirable=torch.from_numpy(rows.is_desirable[share]),
        weights=torch.from_numpy(weights),
        reference=_picked(reference, share),
        mismatched_reference=_picked(mismatched_reference, share),
    )


def _taken(lists: Ragged, rows: Ints) -> Ragged:
    """Return the lists of `rows` alone."""
    ids, mask = lists.padded(rows, 0)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(mask.sum(axis=1))])
    return Ragged(values=ids[mask].astype(np.int32), offsets=offsets)


def _picked(values: Floats | None, rows: Ints) -> torch.Tensor | None:
    return None if values is None else torch.from_numpy(values[rows])
