"""Averages of the weights of a run: an exponential moving one over steps, or a mean over the last epochs.

Inputs: the weights after a step or an epoch, or this worker's part of them. Output: weights to judge and to keep,
beside those that are trained. The average is part of a checkpoint. Limits: the mean over epochs holds the weights of
each of them in memory.
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol

import torch

Weights = dict[str, torch.Tensor]

Moving = Callable[[], Weights]
"""Gives the weights that steps change as they are now; asked for only where they are needed."""

EMA_WARMUP = 10
"""The decay is at most (1 + steps) / (10 + steps), as in TensorFlow's ExponentialMovingAverage with num_updates: the
random weights of the beginning do not stay in the average."""


class Average(Protocol):
    """What is made of the weights of a run."""

    def end_step(self, moving: Moving, num_steps: int) -> None:
        """Take note of the weights after a step; `num_steps` are those done before it."""
        ...

    def end_epoch(self, moving: Moving) -> None:
        """Take note of the weights after an epoch."""
        ...

    def weights(self) -> Weights | None:
        """Return the average, None where it is the model's own weights."""
        ...

    def state(self) -> list[Weights]:
        """Return what a checkpoint has to hold."""
        ...

    def load(self, state: list[Weights]) -> None:
        """Go on from what a checkpoint held."""
        ...


class NoAverage:
    """The weights as they are."""

    def end_step(self, moving: Moving, num_steps: int) -> None:
        """Do nothing."""

    def end_epoch(self, moving: Moving) -> None:
        """Do nothing."""

    def weights(self) -> Weights | None:
        """Return None."""
        return None

    def state(self) -> list[Weights]:
        """Return nothing."""
        return []

    def load(self, state: list[Weights]) -> None:
        """Do nothing."""


class MovingAverage:
    """An exponential moving average over steps (Polyak and Juditsky 1992)."""

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._average: Weights = {}

    def end_step(self, moving: Moving, num_steps: int) -> None:
        """Move the average towards the weights."""
        now = moving()
        if not self._average:
            self._average = {name: weight.clone() for name, weight in now.items()}
            return
        decay = min(self._decay, (1 + num_steps) / (EMA_WARMUP + num_steps))
        names = list(now)
        torch._foreach_lerp_([self._average[name] for name in names], [now[name] for name in names], 1 - decay)

    def end_epoch(self, moving: Moving) -> None:
        """Do nothing."""

    def weights(self) -> Weights | None:
        """Return the average."""
        return self._average or None

    def state(self) -> list[Weights]:
        """Return the average."""
        return [self._average] if self._average else []

    def load(self, state: list[Weights]) -> None:
        """Go on from an average."""
        self._average = dict(state[0]) if state else {}


class LastEpochs:
    """The mean of the weights at the end of the last epochs (Vaswani et al. 2017 average the last checkpoints)."""

    def __init__(self, num_epochs: int) -> None:
        self._epochs: deque[Weights] = deque(maxlen=num_epochs)

    def end_step(self, moving: Moving, num_steps: int) -> None:
        """Do nothing."""

    def end_epoch(self, moving: Moving) -> None:
        """Keep the weights, and let go of the oldest."""
        self._epochs.append(copy_of(moving()))

    def weights(self) -> Weights | None:
        """Return the mean."""
        if not self._epochs:
            return None
        return {name: torch.stack([one[name] for one in self._epochs]).mean(0) for name in self._epochs[0]}

    def state(self) -> list[Weights]:
        """Return the weights of the last epochs."""
        return list(self._epochs)

    def load(self, state: list[Weights]) -> None:
        """Go on from earlier epochs."""
        self._epochs.extend(copy_of(one) for one in state)


def make_average(ema_decay: float, average_epochs: int) -> Average:
    """Return the average that a training spec asks for."""
    if ema_decay:
        return MovingAverage(ema_decay)
    return LastEpochs(average_epochs) if average_epochs > 1 else NoAverage()


def copy_of(weights: Weights) -> Weights:
    """Return a copy on the CPU."""
    return {name: weight.detach().to("cpu", copy=True) for name, weight in weights.items()}
