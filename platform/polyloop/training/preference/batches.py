"""Which pairs or judged texts are learned together, and their padded batches.

Inputs: rows, a budget of padded tokens, seed and epoch. Outputs: lists of row numbers that are the same on every
worker (by `polyloop.training.batches`), KTO's mismatched partners, and torch tensors, on the CPU.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import torch

from polyloop.models.token_scores import IGNORED
from polyloop.training.batches import plan_batches
from polyloop.training.preference.pairs import BinaryRows, PreferenceRows, equal_lists
from polyloop.training.rows import Floats, Ints, Ragged


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Inputs with a text for each: ids and masks are (rows, longest), targets with -100 for padding."""

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    targets: torch.Tensor

    def to(self, device: torch.device) -> Self:
        """Return the batch on another device."""
        tensors: dict[str, torch.Tensor] = {field.name: getattr(self, field.name) for field in fields(self)}
        return type(self)(**{name: tensor.to(device, non_blocking=True) for name, tensor in tensors.items()})


@dataclass(frozen=True, kw_only=True)
class PreferenceBatch(Texts):
    """n pairs as 2n rows, all chosen texts first and then, in the same order, all rejected ones.

    `weights` is (n,); `reference` (2n,) holds the reference's log-probabilities.
    """

    weights: torch.Tensor
    reference: torch.Tensor


@dataclass(frozen=True, kw_only=True)
class BinaryBatch(Texts):
    """n judged texts, and for each input the text of another row.

    `mismatched_targets` is (n, longest), the rest (n,). `is_mismatched` says whether the other row counts: not if it
    has the same input, and not where a worker had no row of its own. The references are log-probabilities.
    """

    mismatched_targets: torch.Tensor
    is_mismatched: torch.Tensor
    is_desirable: torch.Tensor
    weights: torch.Tensor
    reference: torch.Tensor
    mismatched_reference: torch.Tensor


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


def pair_texts(rows: PreferenceRows, share: Ints, *, pad_id: int) -> Texts:
    """Return both texts of the pairs of `share`, as `PreferenceBatch` says."""
    input_ids, mask = rows.inputs.padded(share, pad_id)
    sides = [side.padded(share, IGNORED)[0] for side in (rows.chosen, rows.rejected)]
    width = max(side.shape[1] for side in sides)
    targets = [np.pad(side, ((0, 0), (0, width - side.shape[1])), constant_values=IGNORED) for side in sides]
    return Texts(
        input_ids=torch.from_numpy(np.tile(input_ids, (2, 1))),
        attention_mask=torch.from_numpy(np.tile(mask.astype(np.int64), (2, 1))),
        targets=torch.from_numpy(np.concatenate(targets)),
    )


def judged_texts(rows: BinaryRows, share: Ints, partners: Ints, *, pad_id: int) -> Texts:
    """Return the inputs of `share`, each with the text of its partner, which may be itself."""
    input_ids, mask = rows.inputs.padded(share, pad_id)
    return Texts(
        input_ids=torch.from_numpy(input_ids),
        attention_mask=torch.from_numpy(mask.astype(np.int64)),
        targets=torch.from_numpy(rows.targets.padded(partners, IGNORED)[0]),
    )


def preference_batch(
    rows: PreferenceRows, share: Ints, weights: Floats, *, pad_id: int, reference: Floats
) -> PreferenceBatch:
    """Return the pairs of `share`, weighted by `weights` (pairs,).

    `reference` is `precompute.pair_scores` of all rows, (2, rows).
    """
    return PreferenceBatch(
        **vars(pair_texts(rows, share, pad_id=pad_id)),
        weights=torch.from_numpy(weights),
        reference=torch.from_numpy(reference[:, share].flatten()),
    )


def binary_batch(
    rows: BinaryRows,
    share: Ints,
    partners: Ints,
    weights: Floats,
    *,
    pad_id: int,
    reference: Floats,
    mismatched_reference: Floats,
) -> BinaryBatch:
    """Return the rows of `share`, each with its partner and weight (rows,).

    The partners are those of the whole batch, so that they do not depend on the number of workers. The references are
    `precompute.binary_scores` and `partner_scores` of all rows, (rows,), the mismatched one that of this epoch's plan.
    """
    is_mismatched = ~equal_lists(_taken(rows.inputs, share), _taken(rows.inputs, partners)) & (weights > 0)
    return BinaryBatch(
        **vars(judged_texts(rows, share, share, pad_id=pad_id)),
        mismatched_targets=torch.from_numpy(rows.targets.padded(partners, IGNORED)[0]),
        is_mismatched=torch.from_numpy(is_mismatched),
        is_desirable=torch.from_numpy(rows.is_desirable[share]),
        weights=torch.from_numpy(weights),
        reference=torch.from_numpy(reference[share]),
        mismatched_reference=torch.from_numpy(mismatched_reference[share]),
    )


def _taken(lists: Ragged, rows: Ints) -> Ragged:
    """Return the lists of `rows` alone."""
    ids, mask = lists.padded(rows, 0)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(mask.sum(axis=1))])
    return Ragged(values=ids[mask].astype(np.int32), offsets=offsets)
