"""What a model of each architecture is shown and asked: batches from rows, and logits beside their targets.

Inputs: rows of a split, and which of them. Outputs: tensors. An encoder gives one label a row; an encoder-decoder the
target text, token by token; a decoder the target text after the input, as one sequence of which the target alone is
learned, rows padded or put end to end.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from polyloop.models.token_scores import IGNORED
from polyloop.tasks.base import Architecture
from polyloop.training.rows import Floats, Ints, Rows

NO_PLACE = -1e9
"""Logit of padding: finite, so that divergences between two such rows stay numbers, and far below any other."""

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
        input_ids, mask = rows.inputs.padded(share, self.pad_id)
        labels, _ = rows.targets.padded(share, IGNORED)
        return Batch(
            input_ids=torch.from_numpy(input_ids),
            attention_mask=torch.from_numpy(mask.astype(np.int64)),
            targets=torch.from_numpy(labels[:, 0].copy()),
            weights=torch.from_numpy(weights),
        )

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
        input_ids, mask = rows.inputs.padded(share, self.pad_id)
        present = np.zeros((len(share), self.num_labels), np.int64)
        for line, row in enumerate(share.tolist()):
            present[line, rows.targets[row]] = 1
        return Batch(
            input_ids=torch.from_numpy(input_ids),
            attention_mask=torch.from_numpy(mask.astype(np.int64)),
            targets=torch.from_numpy(present),
            weights=torch.from_numpy(weights),
        )

    def logits(self, model: Any, batch: Batch) -> torch.Tensor:
        """Return (rows, labels, 2)."""
        logits = super().logits(model, batch)
        return torch.stack([torch.zeros_like(logits), logits], dim=-1)

    def total_weight(self, rows: Rows, share: Ints) -> float:
        """Return the weight of the rows times the number of labels: each is a target."""
        return super().total_weight(rows, share) * self.num_labels


@dataclass(frozen=True, kw_only=True)
class SpanObjective:
    """Two places a row, an answer's first and last token, by an encoder with a logit a token for each.

    Both are classes among the row's own tokens; the loss is the mean of the two cross-entropies (Devlin et al. 2019,
    section 4.2, https://arxiv.org/abs/1810.04805).
    """

    pad_id: int
    separator_id: int | None = None
    """Tokens behind the first one with this id are of the passage, and the model is told so; None tells nothing."""

    def target_lengths(self, rows: Rows) -> Ints:
        """Return zeros: places cost no token."""
        return np.zeros(len(rows), np.int64)

    def batch(self, rows: Rows, share: Ints, weights: Floats) -> Batch:
        """Return padded inputs and places, `targets` (rows, 2)."""
        input_ids, mask = rows.inputs.padded(share, self.pad_id)
        places, _ = rows.targets.padded(share, IGNORED)
        return Batch(
            input_ids=torch.from_numpy(input_ids),
            attention_mask=torch.from_numpy(mask.astype(np.int64)),
            targets=torch.from_numpy(places),
            weights=torch.from_numpy(weights),
        )

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
        return 2 * float(rows.weights[share].astype(np.float64).sum())


@dataclass(frozen=True, kw_only=True)
class TextObjective:
    """The target text given the input text, by an encoder-decoder."""

    pad_id: int
    shift: Any
    """The model's `prepare_decoder_input_ids_from_labels`."""

    def target_lengths(self, rows: Rows) -> Ints:
        """Return the lengths of the targets."""
        return rows.targets.lengths

    def batch(self, rows: Rows, share: Ints, weights: Floats) -> Batch:
        """Return padded inputs and targets."""
        input_ids, mask = rows.inputs.padded(share, self.pad_id)
        targets, _ = rows.targets.padded(share, IGNORED)
        return Batch(
            input_ids=torch.from_numpy(input_ids),
            attention_mask=torch.from_numpy(mask.astype(np.int64)),
            targets=torch.from_numpy(targets),
            weights=torch.from_numpy(weights),
        )

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
            groups = first_fit((rows.inputs.lengths + rows.targets.lengths)[share], self.packed_tokens)
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


def weight_of_tokens(rows: Rows, share: Ints) -> float:
    """Return the sum over rows of weight times number of target tokens."""
    return float((rows.weights[share].astype(np.float64) * rows.targets.lengths[share]).sum())


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


def inputs_of(rows: Rows, pad_id: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield the inputs of all rows, ids and mask, each row once."""
    for start in range(0, len(rows), LOOK_ROWS):
        ids, mask = rows.inputs.padded(np.arange(start, min(len(rows), start + LOOK_ROWS)), pad_id)
        yield torch.from_numpy(ids), torch.from_numpy(mask.astype(np.int64))


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
        return TextObjective(pad_id=pad_id, shift=model.prepare_decoder_input_ids_from_labels)
    return ContinuationObjective(pad_id=pad_id, packed_tokens=packed_tokens)
