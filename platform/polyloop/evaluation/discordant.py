"""A bound on the difference of two models' shares of right answers, from the rows that only one of them gets right.

Inputs: whether each model is right, row by row. Output: a `PairedDifference` in points. Only discordant rows tell two
models apart; this is the score interval for the difference of paired proportions (Tango 1998, "Equivalence test and
confidence interval for the difference in proportions for the paired-sample design", Statistics in Medicine 17,
891-908). Nothing is drawn at random. Against the paired bootstrap it keeps its confidence with few discordant rows,
where resamples of next to nothing promise too much; with many the two agree.

Limits: metrics that are a mean of right (1) and wrong (0), such as accuracy and exact_match. Two models that are right
on the very same rows still get a bound below 0 (about -100 z^2 / rows), because further rows might tell them apart.
"""

from math import sqrt
from statistics import NormalDist

import numpy as np

from polyloop.errors import EvaluationError
from polyloop.evaluation.intervals import Interval, PairedDifference
from polyloop.evaluation.metrics.arrays import BoolArray

_HALVINGS = 60


def discordant_difference(candidate: BoolArray, champion: BoolArray, *, confidence: float) -> PairedDifference:
    """Return candidate minus champion with its two-sided interval; both of shape (rows,), True where right.

    Each end is a one-sided bound at (1 + confidence) / 2, as of `paired_bootstrap`. `probability_no_gain` is the
    one-sided p-value of "no better", `probability_no_loss` of "no worse". Raises EvaluationError for other shapes or no
    rows.
    """
    if candidate.shape != champion.shape or candidate.ndim != 1 or not len(candidate) or not 0 < confidence < 1:
        raise EvaluationError(
            f"a paired difference needs two equal shapes (rows,) and 0 < confidence < 1, not {candidate.shape}, "
            f"{champion.shape}, {confidence}; evaluate both models on the same rows"
        )
    num_rows = len(candidate)
    gained, lost = int((candidate & ~champion).sum()), int((champion & ~candidate).sum())
    quantile = NormalDist().inv_cdf((1.0 + confidence) / 2.0)
    score = score_statistic(gained, lost, num_rows, 0.0)
    return PairedDifference(
        interval=Interval(
            value=100.0 * (gained - lost) / num_rows,
            low=100.0 * _lower(gained, lost, num_rows, quantile),
            high=-100.0 * _lower(lost, gained, num_rows, quantile),
        ),
        probability_no_gain=NormalDist().cdf(-score),
        probability_no_loss=NormalDist().cdf(score),
    )


def score_statistic(gained: int, lost: int, num_rows: int, difference: float) -> float:
    """Return the standard score of the observed difference if the true one were `difference` (a share, -1 to 1).

    `gained` and `lost` are the rows that only the candidate, or only the champion, gets right. The variance takes the
    share of lost rows that is likeliest under the hypothesis. 0.0 where nothing was observed and nothing is supposed.
    """
    excess = gained - lost - num_rows * difference
    likeliest_lost = _likeliest_lost(gained, lost, num_rows, difference)
    variance = num_rows * (2.0 * likeliest_lost + difference - difference**2)
    if variance <= 0.0:
        return 0.0 if excess == 0.0 else float(np.copysign(np.inf, excess))
    return excess / sqrt(variance)


def _likeliest_lost(gained: int, lost: int, num_rows: int, difference: float) -> float:
    """Return the root of 2n q^2 - b q - c = 0 that is a probability, from setting the likelihood's slope to 0."""
    linear = (gained + lost) * (1.0 - difference) + 2.0 * (gained - num_rows) * difference
    constant = lost * difference * (1.0 - difference)
    root = sqrt(max(0.0, linear**2 + 8.0 * num_rows * constant))
    return max((linear + root) / (4.0 * num_rows), -difference, 0.0)


def _lower(gained: int, lost: int, num_rows: int, quantile: float) -> float:
    """Return the difference at which the observed one would be `quantile` standard errors above it, by halving."""
    below, above = -1.0, (gained - lost) / num_rows
    for _ in range(_HALVINGS):
        middle = (below + above) / 2.0
        if score_statistic(gained, lost, num_rows, middle) > quantile:
            below = middle
        else:
            above = middle
    return below
