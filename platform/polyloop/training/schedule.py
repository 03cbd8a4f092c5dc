"""The learning rate as a function of progress, and when a run is over (pure).

Progress is the part of all epochs that is done, from 0 to 1, so no one has to know the number of steps beforehand.
"""

import math

from polyloop.spec.training import TrainingSpec


def learning_rate_factor(progress: float, training: TrainingSpec) -> float:
    """Return the part of the peak learning rate: a linear rise, then what the schedule says.

    cosine: half a cosine down to 0 (Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983, without restarts);
    inverse-sqrt: the root of warm-up over progress (Vaswani et al. 2017), which may fall to 0 at the end (Zhai et al.
    2022, https://arxiv.org/abs/2106.04560); linear: down to 0; wsd: constant, then down to 0; constant: no fall.
    """
    warmup = training.warmup_fraction
    if progress < warmup:
        return progress / warmup
    if training.schedule == "constant" or warmup >= 1.0:
        return 1.0
    if training.schedule == "inverse-sqrt":
        return math.sqrt(warmup / progress) * cooldown_factor(progress, training.cooldown)
    if training.schedule == "wsd":
        return cooldown_factor(progress, training.cooldown)
    done = min(1.0, (progress - warmup) / (1.0 - warmup))
    return 0.5 * (1.0 + math.cos(math.pi * done)) if training.schedule == "cosine" else 1.0 - done


def cooldown_factor(progress: float, fraction: float) -> float:
    """Return 1 until the last `fraction` of a run, and then down to 0 as 1 - sqrt.

    The shape is that of Hägele et al. 2024, https://arxiv.org/abs/2405.18392.
    """
    left = max(0.0, 1.0 - min(1.0, progress))
    return 1.0 if not fraction or left >= fraction else 1.0 - math.sqrt(1.0 - left / fraction)


def step_progress(epoch: int, step: int, steps_in_epoch: int, epochs: float) -> float:
    """Return the progress at the middle of a step; `epoch` and `step` count from 0, `epochs` may be a fraction."""
    return (epoch + (step + 0.5) / steps_in_epoch) / epochs


def steps_of_epoch(epoch: int, steps_in_epoch: int, epochs: float) -> int:
    """Return how many steps of an epoch are to be done: all, or the first part where `epochs` ends within it."""
    # 1.3 - 1 is a little more than 0.3, which would be a step more.
    return max(0, min(steps_in_epoch, math.ceil(round((epochs - epoch) * steps_in_epoch, 6))))


def is_patience_over(epoch: int, best_epoch: int, patience: int | None) -> bool:
    """Return whether training ends after `epoch` because none since `best_epoch` was better."""
    return patience is not None and epoch - best_epoch >= patience
