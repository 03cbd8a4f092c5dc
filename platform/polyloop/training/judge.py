"""How good the weights are on the dev split: mean loss without smoothing, and the part of targets that are right.

Input: the model. Output: the same verdict on every worker; None where the split is empty.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray

from polyloop.errors import TrainingError
from polyloop.spec.training import TrainingSpec
from polyloop.training.batches import plan_batches, share_of
from polyloop.training.loss import summed_hits, summed_loss
from polyloop.training.objectives import Objective
from polyloop.training.rows import Rows
from polyloop.training.session import Session


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the dev split says."""

    loss: float
    """Mean cross-entropy, in nats."""
    accuracy: float
    """Part of labels, or of target tokens given the right ones before, from 0 to 1."""


class Judge:
    """Asks the dev split."""

    def __init__(
        self, rows: Rows, objective: Objective, session: Session, accelerator: Accelerator, training: TrainingSpec
    ) -> None:
        self._rows, self._objective, self._session, self._accelerator = rows, objective, session, accelerator
        self._batches = plan_batches(
            rows.inputs.lengths,
            objective.target_lengths(rows),
            # What is too much at once in a step is too much here.
            batch_tokens=min(training.batch_tokens, training.micro_batch_tokens or training.batch_tokens),
            seed=training.seed,
            epoch=0,
        )

    def verdict(self, model: Any) -> Verdict | None:
        """Return the verdict; the model is left in training mode."""
        if not len(self._rows):
            return None
        sums = torch.zeros(2, device=self._accelerator.device, dtype=torch.float64)
        model.eval()
        with torch.no_grad():
            for rows in self._batches:
                # Each worker takes part in each batch: a sharded model cannot be asked by one alone.
                share, weights = share_of(
                    rows, self._rows.weights, rank=self._session.rank, world_size=self._session.world_size
                )
                batch = self._objective.batch(self._rows, share, weights).to(self._accelerator.device)
                with self._accelerator.autocast():
                    logits = self._objective.logits(model, batch)
                loss = summed_loss(logits, batch.targets, batch.weights, 0.0)
                sums += torch.stack([loss.double(), summed_hits(logits, batch.targets, batch.weights).double()])
        model.train()
        if self._session.world_size > 1:
            sums = self._accelerator.reduce(sums, reduction="sum")
        loss_sum, hits = (sums / self._objective.total_weight(self._rows, np.arange(len(self._rows)))).tolist()
        return Verdict(loss=loss_sum, accuracy=hits)

    def logits(self, model: Any) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return logits (rows, labels) and labels of the whole split, from one worker; for label objectives."""
        logits: list[NDArray[np.float64]] = []
        labels: list[NDArray[np.int64]] = []
        model.eval()
        with torch.no_grad():
            for rows in self._batches:
                batch = self._objective.batch(self._rows, rows, self._rows.weights[rows])
                found = self._objective.logits(model, batch.to(next(model.parameters()).device))
                logits.append(found.double().cpu().numpy())
                labels.append(batch.targets.numpy())
        if not labels:
            return np.zeros((0, 0)), np.zeros(0, np.int64)
        return np.concatenate(logits), np.concatenate(labels)


def check_finite(verdict: Verdict | None, epoch: int) -> None:
    """TrainingError where the loss after an epoch (from 0) is no number, which no later one would be better than."""
    if verdict is not None and not math.isfinite(verdict.loss):
        raise TrainingError(
            f"the dev loss is {verdict.loss} after epoch {epoch + 1}; lower `learning_rate`, look at the dev rows, or "
            "use `precision: fp32`"
        )


def score_of(verdict: Verdict | None, select: str) -> float | None:
    """Return what is compared between epochs, more being better; None where the last one is taken."""
    if verdict is None or select == "last":
        return None
    return -verdict.loss if select == "loss" else verdict.accuracy
