"""Counts what was learned between two looks at a run, and says when the next look is due."""

import time
from dataclasses import dataclass

import torch

INTERVAL_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What was measured since the last reading."""

    loss: float | None
    """Mean loss of the steps; None if there was none."""
    gradient_norm: float | None
    """Norm of the gradients in the last step; None if there was none."""
    tokens_per_s: float
    elapsed_s: float
    """Time since the meter was made."""


class Meter:
    """Sums losses without waiting for the device, and tokens."""

    def __init__(self) -> None:
        self._started = self._read_at = time.monotonic()
        self._loss: torch.Tensor | None = None
        self._norm: torch.Tensor | None = None
        self._num_steps = self._num_tokens = 0

    def add(self, loss: torch.Tensor, norm: torch.Tensor, num_tokens: int) -> None:
        """Count one step."""
        self._norm = norm
        self._loss = loss if self._loss is None else self._loss + loss
        self._num_steps += 1
        self._num_tokens += num_tokens

    def is_due(self) -> bool:
        """Return True if the last reading is more than a second ago."""
        return time.monotonic() - self._read_at >= INTERVAL_S

    def read(self) -> Reading:
        """Return what was measured since the last reading, and begin anew."""
        now = time.monotonic()
        reading = Reading(
            loss=None if self._loss is None else float(self._loss) / self._num_steps,
            gradient_norm=None if self._norm is None else float(self._norm),
            tokens_per_s=self._num_tokens / max(now - self._read_at, 1e-9),
            elapsed_s=now - self._started,
        )
        self._read_at, self._loss, self._norm, self._num_steps, self._num_tokens = now, None, None, 0, 0
        return reading
