"""What a model of each architecture is shown and asked: batches from rows, and logits beside their targets.

Inputs: rows of a split, and which of them. Outputs: tensors. An encoder gives one label a row; an encoder-decoder the
target text, token by token; a span-encoder the places of an answer's first and last token; a decoder is in
`polyloop.training.continuation`.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch

from polyloop.models.text_scores import decoder_inputs
from polyloop.models.token_scores import IGNORED
from polyloop.tasks.base import Architecture
from polyloop.training.batch import Batch, padded_batch, weight_of_tokens
from polyloop.training.continuation import ContinuationObjective
from polyloop.training.rows import Floats, Ints, Rows

NO_PLACE = -1e9
"""Logit of padding: finite, so that divergences between two such rows stay numbers, and far below any other."""


class Objective(Protocol):
    """How rows become batches, and batches logits."""

    def target_lengths(self, rows: Rows) -> Ints:
        """Return what each row's target costs, in tokens."""
        ...

    def batch(self, rows: Rows, share: Ints, weights: Floats) -> Batch:
        """Return the rows of `share`, weighted by `weights`, on the CPU."""
        ...

    def logits(self, model: Any, batch: Batch) -> torch.Tensor:
        """Return the logits of a batch, (..., classes) with the shape of its targets in front."""
        ...

    def total_weight(self, rows: Rows, share: Ints) -> float:
        """Return the weight of all targets of some rows: by it, a summed loss becomes a mean."""
        ...


@dataclass(frozen=True, kw_only=True)
class LabelObjective:
    """One label a row, by an encoder with a head."""

    pad_id: int

    def target_lengths(self, rows: Rows) -> Ints:
        """Return zeros: a label costs no token."""
        return np.zeros(len(rows), np.int64)

    def batch(self, rows: Rows, share: Ints, weights: Floats) -> Batch:
        """Return padded inputs and labels."""
        labels, _ = rows.targets.padded(share, IGNORED)
        return padded_batch(rows, share, weights, pad_id=self.pad_id, targets=labels[:, 0].copy())

    def logits(self, model: Any, batch: Batch) -> torch.Tensor:
        """Return (rows, labels)."""
        logits: torch.Tensor = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
        return logits

    def total_weight(self, rows: Rows, share: Ints) -> float:
        """Return the weight of the rows."""
        return float(rows.weights[share].astype(np.float64).sum())


@dataclass(frozen=True, kw_only=True)
class LabelSetObjective(LabelObjective):
    """Any number of labels a row, each a question of its own: its logit against zero.

    The two answers of each label stand beside each other as logits (0, z), so that all that is done with labels, from
    smoothing to distillation, is done with these as well.
    """

    num_labels: int

    def batch(self, rows: Rows, share: Ints, weights: Floats) -> Batch:
        """Return padded inputs and, for each label, 1 where the row has it and 0 where not."""
        present = rows.targets.membership(share, self.num_labels).astype(np.int64)
        return padded_batch(rows, share, weights, pad_id=self.pad_id, targets=present)

    def logits(self, model: Any, batch: Batch) -> torch.Tensor:
        """Return (rows, labels, 2)."""
        logits = super().logits(model, batch)
        return torch.stack([torch.zeros_like(logits), logits], dim=-1)

    def total_weight(self, rows: Rows, share: Ints) -> float:
        """Return the weight of the rows times the number of labels: each is a target."""
        return super().total_weight(rows, share) * self.num_labels


@dataclass(frozen=True, kw_only=True)
class SpanObjective(LabelObjective):
    """Two places a row, an answer's first and last token, by an encoder with a logit a token for each.

    Both are classes among the row's own tokens; the loss is the mean of the two cross-entropies (Devlin et al. 2019,
    section 4.2, https://arxiv.org/abs/1810.04805).
    """

    separator_id: int | None = None
    """Tokens behind the first one with this id are of the passage, and the model is told so; None tells nothing."""

    def batch(self, rows: Rows, share: Ints, weights: Floats) -> Batch:
        """Return padded inputs and places, `targets` (rows, 2)."""
        places, _ = rows.targets.padded(share, IGNORED)
        return padded_batch(rows, share, weights, pad_id=self.pad_id, targets=places)

    def logits(self, model: Any, batch: Batch) -> torch.Tensor:
        """Return (rows, 2, length); padding is no place, so that a row's loss does not depend on its company."""
        sides = {} if self.separator_id is None else {"token_type_ids": self._sides(batch.input_ids)}
        output = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, **sides)
        logits = torch.stack([output.start_logits, output.end_logits], dim=1).float()
        assert batch.attention_mask is not None
        return logits.masked_fill(batch.attention_mask[:, None, :] == 0, NO_PLACE)

    def _sides(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Return 0 for tokens up to and with the first separator, 1 for those behind it."""
        is_separator = input_ids.eq(self.separator_id or 0).long()
        return (is_separator.cumsum(1) - is_separator).clamp(max=1)

    def total_weight(self, rows: Rows, share: Ints) -> float:
        """Return twice the weight of the rows: each has two places."""
        return 2 * super().total_weight(rows, share)


@dataclass(frozen=True, kw_only=True)
class TextObjective:
    """The target text given the input text, by an encoder-decoder."""

    pad_id: int
    shift: Any
    """Returns what the decoder reads, given targets (rows, longest)."""

    def target_lengths(self, rows: Rows) -> Ints:
        """Return the lengths of the targets."""
        return rows.targets.lengths

    def batch(self, rows: Rows, share: Ints, weights: Floats) -> Batch:
        """Return padded inputs and targets."""
        targets, _ = rows.targets.padded(share, IGNORED)
        return padded_batch(rows, share, weights, pad_id=self.pad_id, targets=targets)

    def logits(self, model: Any, batch: Batch) -> torch.Tensor:
        """Return (rows, target length, vocabulary)."""
        logits: torch.Tensor = model(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            decoder_input_ids=self.shift(batch.targets),
            use_cache=False,
        ).logits
        return logits

    def total_weight(self, rows: Rows, share: Ints) -> float:
        """Return the weight of the target tokens."""
        return weight_of_tokens(rows, share)


def objective_of(
    architecture: Architecture,
    model: Any,
    *,
    pad_id: int,
    packed_tokens: int | None,
    num_label_sets: int | None = None,
    separator_id: int | None = None,
) -> Objective:
    """Return the objective of an architecture; `model` is the bare model of transformers.

    `packed_tokens` is for decoders, `separator_id` that of `SpanObjective`; `num_label_sets` is the number of labels
    where a row may have several.
    """
    if architecture == "span-encoder":
        return SpanObjective(pad_id=pad_id, separator_id=separator_id)
    if architecture == "encoder" and num_label_sets is not None:
        return LabelSetObjective(pad_id=pad_id, num_labels=num_label_sets)
    if architecture == "encoder":
        return LabelObjective(pad_id=pad_id)
    if architecture == "encoder-decoder":
        return TextObjective(pad_id=pad_id, shift=partial(decoder_inputs, model))
    return ContinuationObjective(pad_id=pad_id, packed_tokens=packed_tokens)
