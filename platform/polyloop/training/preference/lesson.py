"""Preferences as what a run learns: DPO on pairs and KTO on judged texts, in the steps of any other training.

Inputs: rows, settings, and the model before its first step, which is the reference. Outputs: as
`polyloop.training.lesson.Lesson` says. The reference is computed once, a part on each worker, from the batches as they
were planned, so that a run which goes on, with however many workers, learns against the same numbers. Dropout is off:
policy and reference begin exactly equal. Limits: activation checkpointing, which transformers do only in training
mode, has no effect.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator

from polyloop.spec.training import TrainingSpec
from polyloop.training.batches import cut_batches
from polyloop.training.lesson import Part, SummedLoss
from polyloop.training.preference.batches import (
    BinaryBatch,
    binary_batch,
    mismatched_partners,
    plan_binary,
    plan_preferences,
    preference_batch,
)
from polyloop.training.preference.losses import PreferenceLoss, reference_point
from polyloop.training.preference.pairs import BinaryRows, PreferenceRows
from polyloop.training.preference.precompute import binary_scores, pair_scores, partner_scores
from polyloop.training.preference.rewards import RewardStatistics, divergence_statistics
from polyloop.training.preference.settings import dpo_settings, kto_settings
from polyloop.training.preference.step import binary_divergence, binary_step, preference_step
from polyloop.training.rows import Floats, Ints

Scores = Callable[[Ints], torch.Tensor]
"""Returns the reference's log-probabilities of a batch's texts, (..., rows)."""


class PreferenceLesson:
    """What both ways have in common."""

    with_dropout = False

    def __init__(self, weights: Floats, training: TrainingSpec, accelerator: Accelerator, pad_id: int) -> None:
        self._weights, self._training, self._accelerator, self._pad_id = weights, training, accelerator, pad_id
        self._statistics: RewardStatistics | None = None

    @property
    def weights(self) -> Floats:
        """Weight of each row."""
        return self._weights

    def total_weight(self, rows: Ints) -> float:
        """Return the weight of the rows."""
        return float(self._weights[rows].astype(np.float64).sum())

    def seen(self) -> dict[str, float | None]:
        """Return how the rewards stand, of this worker's rows since the last call."""
        statistics, self._statistics = self._statistics, None
        if statistics is None:
            return {}
        return {
            "reward_margin": statistics.margin,
            "reward_accuracy": statistics.accuracy,
            "reward_kl": statistics.kl,
        }

    def _counted(self, result: PreferenceLoss) -> torch.Tensor:
        self._count(result.statistics)
        return result.loss

    def _count(self, statistics: RewardStatistics) -> None:
        self._statistics = statistics if self._statistics is None else self._statistics + statistics

    def _shared(self, batches: Sequence[Ints], scores: Scores, shape: tuple[int, ...]) -> Floats:
        """Return the scores of all rows of a plan, of which each worker computes a part, (*shape, rows)."""
        rank, world_size = self._accelerator.process_index, self._accelerator.num_processes
        found = torch.zeros(*shape, len(self._weights), device=self._accelerator.device)
        for batch in batches[rank::world_size]:
            with self._accelerator.autocast():
                found[..., batch] = scores(batch).float()
        if world_size > 1:
            # A row that a worker has not computed is 0 there.
            found = self._accelerator.reduce(found, reduction="sum")
        values: Floats = found.cpu().numpy()
        return values


class PairLesson(PreferenceLesson):
    """Learning to prefer the first of two texts, by DPO."""

    def __init__(
        self, rows: PreferenceRows, model: Any, training: TrainingSpec, accelerator: Accelerator, *, pad_id: int
    ) -> None:
        super().__init__(rows.weights, training, accelerator, pad_id)
        self._rows, self._settings = rows, dpo_settings(training.preference)
        self._input_costs: Ints = 2 * rows.inputs.lengths
        self._text_costs: Ints = 2 * np.maximum(rows.chosen.lengths, rows.rejected.lengths)
        scores = partial(pair_scores, model, rows, pad_id=pad_id, device=accelerator.device)
        self._reference = self._shared(self.plan(0), scores, (2,))

    def plan(self, epoch: int) -> list[Ints]:
        """Return batches of pairs of similar length."""
        training = self._training
        return plan_preferences(self._rows, batch_tokens=training.batch_tokens, seed=training.seed, epoch=epoch)

    def num_tokens(self, rows: Ints) -> int:
        """Return the tokens of both texts, and of the input twice."""
        of_texts = self._rows.chosen.lengths[rows] + self._rows.rejected.lengths[rows]
        return int((2 * self._rows.inputs.lengths[rows] + of_texts).sum())

    def costs(self, rows: Ints) -> Ints:
        """Return twice the input and the longer text."""
        return self._input_costs[rows] + self._text_costs[rows]

    def cut(self, rows: Ints, budget_tokens: int) -> list[Ints]:
        """Return rows in their order."""
        return cut_batches(rows, self._input_costs, self._text_costs, budget_tokens)

    def begin(self, model: Any, batch: Ints, parts: Sequence[Part]) -> SummedLoss:
        """Return DPO's loss."""
        return partial(self._summed_loss, model)

    def _summed_loss(self, model: Any, rows: Ints, weights: Floats) -> torch.Tensor:
        pairs = preference_batch(self._rows, rows, weights, pad_id=self._pad_id, reference=self._reference)
        with self._accelerator.autocast():
            return self._counted(preference_step(model, pairs.to(self._accelerator.device), self._settings))


class JudgedLesson(PreferenceLesson):
    """Learning from texts judged one by one, by KTO."""

    def __init__(
        self, rows: BinaryRows, model: Any, training: TrainingSpec, accelerator: Accelerator, *, pad_id: int
    ) -> None:
        super().__init__(rows.weights, training, accelerator, pad_id)
        self._rows = rows
        is_good = rows.is_desirable
        self._settings = kto_settings(
            training.preference, float(rows.weights[is_good].sum()), float(rows.weights[~is_good].sum())
        )
        plans = [self.plan(epoch) for epoch in range(math.ceil(training.epochs))]
        known: dict[str, Any] = {"pad_id": pad_id, "device": accelerator.device}
        self._reference = self._shared(plans[0], partial(binary_scores, model, rows, **known), ())
        partners = partial(partner_scores, model, rows, **known)
        self._partner_reference = {
            _key(batch): scores for plan in plans for batch, scores in self._each(plan, partners)
        }

    def plan(self, epoch: int) -> list[Ints]:
        """Return batches of texts of similar length."""
        training = self._training
        return plan_binary(self._rows, batch_tokens=training.batch_tokens, seed=training.seed, epoch=epoch)

    def num_tokens(self, rows: Ints) -> int:
        """Return the tokens of inputs and texts."""
        return int(self.costs(rows).sum())

    def costs(self, rows: Ints) -> Ints:
        """Return the length of input and text together."""
        costs: Ints = self._rows.inputs.lengths[rows] + self._rows.targets.lengths[rows]
        return costs

    def cut(self, rows: Ints, budget_tokens: int) -> list[Ints]:
        """Return rows in their order."""
        return cut_batches(rows, self._rows.inputs.lengths, self._rows.targets.lengths, budget_tokens)

    def begin(self, model: Any, batch: Ints, parts: Sequence[Part]) -> SummedLoss:
        """Return KTO's loss, its reference point taken over the batch of all workers."""
        partner_reference = self._partner_reference[_key(batch)]
        # Both passes over the parts, that of the reference point and that of the loss, read the same tensors.
        judged = {_part_key(part): self._batch(batch, partner_reference, *part) for part in parts}
        divergence = torch.zeros(2, device=self._accelerator.device)
        for part in parts:
            with self._accelerator.autocast():
                divergence += binary_divergence(model, judged[_part_key(part)])
        self._count(divergence_statistics(divergence))
        if self._accelerator.num_processes > 1:
            divergence = self._accelerator.reduce(divergence, reduction="sum")
        return partial(self._summed_loss, model, judged, reference_point(divergence))

    def _summed_loss(
        self,
        model: Any,
        judged: Mapping[bytes, BinaryBatch],
        zero_point: torch.Tensor,
        rows: Ints,
        weights: Floats,
    ) -> torch.Tensor:
        part = judged[_part_key((rows, weights))]
        with self._accelerator.autocast():
            return self._counted(binary_step(model, part, self._settings, zero_point))

    def _batch(self, whole: Ints, partner_reference: Floats, rows: Ints, weights: Floats) -> BinaryBatch:
        """Return some rows of a step, each with the partner that it has in the whole batch."""
        place = {row: at for at, row in enumerate(whole.tolist())}
        partners = mismatched_partners(whole)[[place[row] for row in rows.tolist()]]
        spread = np.zeros(len(self._rows), np.float32)
        spread[whole] = partner_reference
        batch = binary_batch(
            self._rows,
            rows,
            partners,
            weights,
            pad_id=self._pad_id,
            reference=self._reference,
            mismatched_reference=spread,
        )
        return batch.to(self._accelerator.device)

    def _each(self, plan: Sequence[Ints], scores: Scores) -> list[tuple[Ints, Floats]]:
        """Return each batch of a plan with the reference's scores of its partners' texts."""
        found = self._shared(plan, scores, ())
        return [(batch, found[batch]) for batch in plan]


def _key(batch: Ints) -> bytes:
    return batch.tobytes()


def _part_key(part: Part) -> bytes:
    """Return a name of a part; a row that fills a worker's share up has another weight than where it counts."""
    rows, weights = part
    return rows.tobytes() + weights.tobytes()
