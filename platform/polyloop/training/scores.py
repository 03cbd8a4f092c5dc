"""The scores of a run, epoch by epoch, and its time, from the looks at it (pure)."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from polyloop.training.progress import Progress


@dataclass(frozen=True, kw_only=True)
class EpochScore:
    """What the dev split said at the end of an epoch."""

    epoch: int
    """Epochs done, from 1."""
    score: float
    """What runs are compared by, more being better: that of the weights which would be kept if the run ended here."""
    dev_loss: float
    dev_accuracy: float
    elapsed_s: float
    """Seconds of training of the process that made it."""


def epoch_scores(looks: Iterable[Progress], select: str) -> tuple[EpochScore, ...]:
    """Return the scores in order of epochs; an epoch that was done again after a restart counts once.

    `select` is the spec's: `accuracy` is the highest dev accuracy so far, `loss` the lowest dev loss so far, negated,
    `last` the last dev loss, negated.
    """
    ends = {look.epoch + 1: look for look in looks if look.ends_epoch}
    scores: list[EpochScore] = []
    best = -math.inf
    for epoch, look in sorted(ends.items()):
        if look.dev_loss is None or look.dev_accuracy is None:
            continue
        now = look.dev_accuracy if select == "accuracy" else -look.dev_loss
        best = now if select == "last" else max(best, now)
        scores.append(
            EpochScore(
                epoch=epoch,
                score=best,
                dev_loss=look.dev_loss,
                dev_accuracy=look.dev_accuracy,
                elapsed_s=look.elapsed_s,
            )
        )
    return tuple(scores)


def best_of(scores: tuple[EpochScore, ...], select: str) -> EpochScore | None:
    """Return the epoch whose weights are kept; None where there is none."""
    if not scores:
        return None
    if select == "last":
        return scores[-1]
    return next(one for one in scores if one.score == scores[-1].score)


def last_looks(looks: Iterable[Progress]) -> list[Progress]:
    """Return the last look of each process that worked on a run, one after another.

    A new process has another id, or, as in a container that is started again, the same one and a clock that is behind.
    """
    last: list[Progress] = []
    for look in looks:
        if last and look.pid == last[-1].pid and look.elapsed_s >= last[-1].elapsed_s:
            last.pop()
        last.append(look)
    return last


def elapsed_of(looks: Iterable[Progress]) -> float:
    """Return the seconds of training of all processes that worked on a run."""
    return sum(look.elapsed_s for look in last_looks(looks))
