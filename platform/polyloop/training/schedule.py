"""The learning rate as a function of progress, and when a run is over (pure).

Progress is the part of all epochs that is done, from 0 to 1, so no one has to know the number of steps beforehand.
"""

import math


def learning_rate_factor(progress: float, warmup_fraction: float) -> float:
    """Return the part of the peak learning rate: a linear rise, then half a cosine down to 0.

    After Loshchilov and Hutter 2017 (https://arxiv.org/abs/1608.03983), without restarts.
    """
    if progress < warmup_fraction:
        return progress / warmup_fraction
    if warmup_fraction >= 1.0:
        return 1.0
    done = (progress - warmup_fraction) / (1.0 - warmup_fraction)
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))


def step_progress(epoch: int, step: int, steps_in_epoch: int, epochs: float) -> float:
    """Return the progress at the middle of a step; `epoch` and `step` count from 0, `epochs` may be a fraction."""
    return (epoch + (step + 0.5) / steps_in_epoch) / epochs


def steps_of_epoch(epoch: int, steps_in_epoch: int, epochs: float) -> int:
    """Return how many steps of an epoch are to be done: all, or the first part where `epochs` ends within it."""
    return max(0, min(steps_in_epoch, math.ceil((epochs - epoch) * steps_in_epoch)))
