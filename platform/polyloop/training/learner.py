"""One optimiser step: a worker's share of a batch, in micro-batches.

Input: row numbers and the step's place. Output: the mean loss and the norm of the gradients. A micro-batch that does
not fit into memory is halved, as long as no other worker waits; gradients that are not finite end the run before they
reach the weights.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator

from polyloop.errors import TrainingError
from polyloop.spec.training import TrainingSpec
from polyloop.training.batches import share_of
from polyloop.training.lesson import Lesson, Part, filler_of
from polyloop.training.optimizers import Optimizers
from polyloop.training.parallel import Whole
from polyloop.training.rows import Ints
from polyloop.training.schedule import learning_rate_factor, step_progress
from polyloop.training.session import Session


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which step of a run."""

    epoch: int
    step: int
    steps_in_epoch: int

    def __str__(self) -> str:
        return f"step {self.step + 1} of {self.steps_in_epoch} of epoch {self.epoch + 1}"


class Learner:
    """Does the steps of one worker."""

    def __init__(
        self,
        *,
        training: TrainingSpec,
        session: Session,
        accelerator: Accelerator,
        parallel: Whole,
        optimizers: Optimizers,
        lesson: Lesson,
        name_rows: Callable[[Ints], str] = str,
    ) -> None:
        self._training, self._session, self._accelerator = training, session, accelerator
        self._parallel, self._optimizers, self._lesson, self._name_rows = parallel, optimizers, lesson, name_rows
        self.micro_batch_tokens = training.micro_batch_tokens or training.batch_tokens
        """Most padded tokens at once; halved when memory runs out."""

    def learn(self, batch: Ints, place: Place) -> tuple[torch.Tensor, torch.Tensor]:
        """Do one step and return the mean loss of this worker's rows and the norm of all gradients before clipping.

        TrainingError where the gradients are not finite, or memory is too small.
        """
        progress = step_progress(place.epoch, place.step, place.steps_in_epoch, self._training.epochs)
        learning_rate = self._training.learning_rate * learning_rate_factor(progress, self._training)
        loss = self._accumulate_as_memory_allows(batch, place)
        norm = self._parallel.clipped_norm(self._training.max_grad_norm)
        # Gradients, unlike losses, are the same on all workers here, so all of them stop in the same step.
        if not bool(torch.isfinite(norm)):
            raise TrainingError(
                f"the gradients are not finite any more in {place} (loss {loss.item():.4g}, learning rate "
                f"{learning_rate:.3g}, rows {self._name_rows(batch)}); the last checkpoint is good: lower "
                "`learning_rate`, look at those rows, or use `precision: fp32`"
            )
        self._optimizers.step(learning_rate)
        return loss, norm

    def _accumulate_as_memory_allows(self, batch: Ints, place: Place) -> torch.Tensor:
        while True:
            seed = step_seed(self._training.seed, place.epoch, place.step, self._session.rank)
            seed_generators(seed, self._accelerator.device)
            self._optimizers.zero_grad()
            try:
                return self._accumulate(batch)
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                self._halve(error, batch, place)

    def _halve(self, error: BaseException, batch: Ints, place: Place) -> None:
        """Make micro-batches smaller, or say that they cannot be."""
        # A worker that tries again would meet the others in another exchange of gradients than theirs.
        if self._session.world_size > 1:
            raise TrainingError(
                f"memory ran out in {place} with {self.micro_batch_tokens} tokens at once; set "
                f"`micro_batch_tokens` to {max(16, self.micro_batch_tokens // 2)}, or use `activation_checkpointing`, "
                "`sharding: full` or a smaller model"
            ) from error
        longest = int(self._lesson.costs(batch).max())
        # A longer row is a micro-batch of its own, however few tokens the others may have together.
        if len(batch) == 1 or longest >= self.micro_batch_tokens:
            raise TrainingError(
                f"memory ran out in {place} with one row of {longest} tokens at once (rows {self._name_rows(batch)}); "
                "lower `max_input_tokens`, or use `activation_checkpointing` or a smaller model"
            ) from error
        self.micro_batch_tokens = max(longest, min(self.micro_batch_tokens, longest * len(batch)) // 2)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _accumulate(self, batch: Ints) -> torch.Tensor:
        """Add up the gradients of all micro-batches and return the mean loss of this worker's rows."""
        parts = self._parts(batch)
        # DDP averages gradients over workers, so that each worker's sum is divided by its part of the whole weight.
        # Rows without any weight have no gradient, whatever they are divided by.
        scale = self._session.world_size / (self._lesson.total_weight(batch) or 1.0)
        summed_loss = self._lesson.begin(self._parallel.model, batch, parts)
        total = torch.zeros((), device=self._accelerator.device)
        for number, (rows, weights) in enumerate(parts):
            with self._parallel.accumulating(is_last=number == len(parts) - 1):
                loss = summed_loss(rows, weights)
                self._accelerator.backward(loss * scale)
            total += loss.detach()
        # The first workers have a row more than the others of what does not divide evenly, so `scale` is not for this.
        own_weight = self._lesson.total_weight(batch[self._session.rank :: self._session.world_size])
        return total / (own_weight or 1.0)

    def _parts(self, batch: Ints) -> list[Part]:
        """Return this worker's micro-batches; with sharding every worker has equally many."""
        rank, world_size = self._session.rank, self._session.world_size
        shares = [
            share_of(batch, self._lesson.weights, rank=other, world_size=world_size)
            for other in (range(world_size) if self._parallel.is_sharded else [rank])
        ]
        cuts = [self._lesson.cut(rows, self.micro_batch_tokens) for rows, _ in shares]
        own = rank if self._parallel.is_sharded else 0
        rows, weights = shares[own]
        weight_of = dict(zip(rows.tolist(), weights.tolist(), strict=True))
        parts = [(part, np.array([weight_of[row] for row in part.tolist()], np.float32)) for part in cuts[own]]
        return parts + [filler_of(batch)] * (max(map(len, cuts)) - len(parts))


def step_seed(seed: int, epoch: int, step: int, rank: int) -> int:
    """Return the seed of a step's dropout on a worker."""
    return int(np.random.SeedSequence([seed, epoch, step, rank]).generate_state(1, np.uint64)[0] >> 1)


def seed_generators(seed: int, device: torch.device) -> None:
    """Seed what dropout draws from: the generators of the CPU and of the run's own device.

    The numbers are those that follow `torch.manual_seed`, which also notes down a stack trace for every kind of device
    that has not been used yet: 0.44 ms a step, against 0.001 ms.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an exception says that memory ran out, on a GPU or on the CPU."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
