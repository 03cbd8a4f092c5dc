"""Intervals of scores that are no function of sums (distinct-n, equal-mass bins), by leaving out blocks of rows.

Inputs: the scorer of a corpus metric and the rows that count. Output: an `Interval` or a `PairedDifference`.

Why not the bootstrap: a row drawn twice makes its n-grams common, so that resamples of distinct-n lie far below the
score itself. Leaving rows out keeps them distinct. The delete-a-block jackknife (Tukey 1958; Efron and Stein 1981,
https://doi.org/10.1214/aos/1176345462, who show that its variance is on average too large and never too small) gives a
standard error, and the interval is normal. Limits: about as wide as it should be or wider; needs at least two rows, and
without them the interval is the metric's whole range.
"""

from math import sqrt
from statistics import NormalDist

import numpy as np

from polyloop.errors import EvaluationError
from polyloop.evaluation.intervals import DEFAULT_SEED, Interval, PairedDifference
from polyloop.evaluation.metrics import CorpusScore, FloatArray, Metric
from polyloop.evaluation.metrics.arrays import BoolArray

MAX_BLOCKS = 200
"""Scores computed for one interval; with fewer rows each row is a block."""


def jackknife(
    scorer: CorpusScore, kept: BoolArray, metric: Metric, *, confidence: float = 0.95, seed: int = DEFAULT_SEED
) -> Interval:
    """Return the score of the kept rows with its two-sided interval, which stays within the metric's range."""
    _check(kept, confidence)
    value = scorer(kept)
    error = _standard_error(_left_out(scorer, kept, seed))
    if error is None:
        return Interval(value=value, low=metric.low, high=metric.high)
    reach = _quantile(confidence) * error
    return Interval(value=value, low=max(metric.low, value - reach), high=min(metric.high, value + reach))


def paired_jackknife(
    candidate: CorpusScore,
    champion: CorpusScore,
    kept: BoolArray,
    metric: Metric,
    *,
    confidence: float = 0.95,
    seed: int = DEFAULT_SEED,
) -> PairedDifference:
    """Return candidate minus champion; each block is left out of both at once. Ends and probabilities are normal."""
    _check(kept, confidence)
    value = candidate(kept) - champion(kept)
    error = _standard_error(_left_out(candidate, kept, seed) - _left_out(champion, kept, seed))
    if error is None:
        span = metric.high - metric.low
        return PairedDifference(
            interval=Interval(value=value, low=-span, high=span), probability_no_gain=1.0, probability_no_loss=1.0
        )
    reach = _quantile(confidence) * error
    gain = metric.sign * value
    return PairedDifference(
        interval=Interval(value=value, low=value - reach, high=value + reach),
        probability_no_gain=_probability_below(gain, error),
        probability_no_loss=_probability_below(-gain, error),
    )


def _left_out(scorer: CorpusScore, kept: BoolArray, seed: int) -> FloatArray:
    """Return the score without each block; rows fall into blocks at random, and into the same ones for every scorer."""
    rows = np.flatnonzero(kept)
    blocks = np.array_split(np.random.default_rng(seed).permutation(rows), min(len(rows), MAX_BLOCKS))
    if len(blocks) < 2:
        return np.zeros(0)
    scores = []
    for block in blocks:
        rest = kept.copy()
        rest[block] = False
        scores.append(scorer(rest))
    return np.array(scores)


def _standard_error(left_out: FloatArray) -> float | None:
    num_blocks = len(left_out)
    if num_blocks < 2:
        return None
    return sqrt((num_blocks - 1) / num_blocks * float(((left_out - left_out.mean()) ** 2).sum()))


def _quantile(confidence: float) -> float:
    return NormalDist().inv_cdf((1.0 + confidence) / 2.0)


def _probability_below(gain: float, error: float) -> float:
    if error == 0.0:
        return float(gain <= 0.0)
    return NormalDist().cdf(-gain / error)


def _check(kept: BoolArray, confidence: float) -> None:
    if not kept.any() or not 0 < confidence < 1:
        raise EvaluationError(f"a jackknife needs rows and 0 < confidence < 1, not {int(kept.sum())}, {confidence}")
