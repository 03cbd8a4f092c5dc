"""What a run learns: which rows make a step, how these are cut to fit into memory, and what is minimised on them.

`ExampleLesson` is the usual one: targets of a dataset's train split, with all that the spec adds to the loss. Learning
from preferences is another (`polyloop.training.preference.lesson`). Inputs: row numbers. Outputs: sums of weighted
losses; who calls divides them by the weight of the whole batch over all workers.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from accelerate import Accelerator

from polyloop.spec.training import TrainingSpec
from polyloop.training.batch import Batch
from polyloop.training.batches import cut_batches, plan_batches
from polyloop.training.loss import r_drop_loss, summed_divergence, summed_loss
from polyloop.training.mixture import rows_of_epoch
from polyloop.training.objectives import Objective
from polyloop.training.rows import Floats, Ints, Rows

Part = tuple[Ints, Floats]
"""Rows of a micro-batch and their weights."""

SummedLoss = Callable[[Ints, Floats], torch.Tensor]
"""Returns the loss of a micro-batch, a scalar with its gradient."""


class Lesson(Protocol):
    """What a run learns."""

    with_dropout: bool
    """Whether the model drops values while it learns."""

    @property
    def weights(self) -> Floats:
        """Weight of each row."""
        ...

    def plan(self, epoch: int) -> list[Ints]:
        """Return the rows of each step of an epoch, the same on every worker."""
        ...

    def num_tokens(self, rows: Ints) -> int:
        """Return how many tokens of rows are learned, without padding."""
        ...

    def total_weight(self, rows: Ints) -> float:
        """Return the weight by which the summed loss of rows becomes a mean."""
        ...

    def costs(self, rows: Ints) -> Ints:
        """Return what each row costs alone, in padded tokens."""
        ...

    def cut(self, rows: Ints, budget_tokens: int) -> list[Ints]:
        """Return rows in micro-batches that cost at most so many padded tokens; a longer row is one of its own."""
        ...

    def begin(self, model: Any, batch: Ints, parts: Sequence[Part]) -> SummedLoss:
        """Return the loss of a step on the rows of `batch`, of which this worker computes `parts`."""
        ...

    def seen(self) -> dict[str, float | None]:
        """Return figures of `polyloop.training.progress.Progress` for the steps since the last call."""
        ...


class ExampleLesson:
    """Learning targets given inputs."""

    with_dropout = True

    def __init__(
        self, rows: Rows, objective: Objective, training: TrainingSpec, accelerator: Accelerator, teacher: Any = None
    ) -> None:
        self._rows, self._objective, self._training = rows, objective, training
        self._accelerator, self._teacher = accelerator, teacher
        self._target_lengths = objective.target_lengths(rows)

    @property
    def weights(self) -> Floats:
        """Weight of each row."""
        return self._rows.weights

    def plan(self, epoch: int) -> list[Ints]:
        """Return batches of similar length, of the rows that the locales' temperature lets an epoch see."""
        training = self._training
        of_epoch = rows_of_epoch(
            self._rows.locales, temperature=training.locale_temperature, seed=training.seed, epoch=epoch
        )
        return plan_batches(
            self._rows.inputs.lengths,
            self._target_lengths,
            batch_tokens=training.batch_tokens,
            seed=training.seed,
            epoch=epoch,
            rows=of_epoch,
        )

    def num_tokens(self, rows: Ints) -> int:
        """Return the tokens of inputs and targets."""
        return int(self.costs(rows).sum())

    def total_weight(self, rows: Ints) -> float:
        """Return the weight of all targets."""
        return self._objective.total_weight(self._rows, rows)

    def costs(self, rows: Ints) -> Ints:
        """Return the length of input and target together."""
        lengths: Ints = self._rows.inputs.lengths[rows] + self._target_lengths[rows]
        return lengths

    def cut(self, rows: Ints, budget_tokens: int) -> list[Ints]:
        """Return rows in their order."""
        return cut_batches(rows, self._rows.inputs.lengths, self._target_lengths, budget_tokens)

    def begin(self, model: Any, batch: Ints, parts: Sequence[Part]) -> SummedLoss:
        """Return the loss, which needs to know nothing of the other rows."""
        return partial(self._summed_loss, model)

    def seen(self) -> dict[str, float | None]:
        """Return nothing besides what every run tells."""
        return {}

    def _summed_loss(self, model: Any, rows: Ints, weights: Floats) -> torch.Tensor:
        training = self._training
        batch = self._objective.batch(self._rows, rows, weights).to(self._accelerator.device)
        with self._accelerator.autocast():
            logits = self._objective.logits(model, batch.doubled() if training.r_drop else batch)
        if training.r_drop:
            logits, other = logits.chunk(2)
            loss = (self._against_targets(logits, batch) + self._against_targets(other, batch)) / 2
            loss = loss + r_drop_loss(logits, other, batch.targets, batch.weights, training.r_drop)
        else:
            loss = self._against_targets(logits, batch)
        return loss if training.distill is None else self._distilled(loss, logits, batch)

    def _against_targets(self, logits: torch.Tensor, batch: Batch) -> torch.Tensor:
        return summed_loss(logits, batch.targets, batch.weights, self._training.label_smoothing)

    def _distilled(self, loss: torch.Tensor, logits: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the mean, weighted as the spec says, of a loss and of the divergence from the teacher."""
        distill = self._training.distill
        assert distill is not None
        with torch.no_grad(), self._accelerator.autocast():
            taught = self._objective.logits(self._teacher, batch)
        # The square keeps gradients of the same size at all temperatures (Hinton et al. 2015, section 2).
        apart = summed_divergence(logits, taught, batch.targets, batch.weights, distill.temperature)
        return (1 - distill.weight) * loss + distill.weight * (apart * distill.temperature**2)


def filler_of(batch: Ints) -> Part:
    """Return a micro-batch that counts nothing, for a worker that has to take part without rows of its own."""
    return batch[:1], np.zeros(1, np.float32)
