"""When a trial is stopped: asynchronous successive halving by Ray Tune (Li et al. 2020, arxiv.org/abs/1810.05934).

Trials are compared after as many epochs each: at `grace_epochs`, and at each further power of `reduction` times that.
One whose score is below the best 1 / `reduction` of those that came so far is stopped. What an earlier process has
seen is told to the scheduler first, so that a sweep that was killed goes on to decide as one that was not.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, TrialScheduler

from polyloop.spec.sweep import SweepSpec
from polyloop.training.scores import EpochScore

EPOCH, SCORE = "epoch", "score"
"""Names of what a trial reports."""


@dataclass(frozen=True)
class PastTrial:
    """Stands for a trial of an earlier process; schedulers know trials by their ids."""

    trial_id: str


def make_scheduler(
    sweep: SweepSpec, most_epochs: float, past: Iterable[tuple[str, tuple[EpochScore, ...]]] = ()
) -> TrialScheduler:
    """Return the scheduler; `most_epochs` is what the longest trial does, `past` trials by name with their scores."""
    longest = max(1, math.ceil(most_epochs))
    if not sweep.stop_early:
        first_come: Any = FIFOScheduler
        return cast(TrialScheduler, first_come())
    scheduler = ASHAScheduler(
        time_attr=EPOCH,
        metric=SCORE,
        mode="max",
        max_t=longest,
        grace_period=min(sweep.grace_epochs, longest),
        reduction_factor=sweep.reduction,
        stop_last_trials=False,
    )
    told: Any = scheduler
    for name, scores in past:
        trial = PastTrial(name)
        told.on_trial_add(None, trial)
        for one in scores:
            told.on_trial_result(None, trial, {EPOCH: one.epoch, SCORE: one.score})
    return scheduler
