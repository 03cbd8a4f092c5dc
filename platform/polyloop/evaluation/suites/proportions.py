"""Statistics of cases that pass or fail: intervals of a rate, and exact tests of what changed. Pure.

Inputs: counts. Outputs: intervals in points, probabilities from 0 to 1. Limits: cases are taken as independent.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

from scipy.special import bdtrc

from polyloop.errors import EvaluationError
from polyloop.evaluation.intervals import Interval


def wilson(num_hits: int, num_cases: int, *, confidence: float = 0.95) -> Interval:
    """Return a rate in points with its score interval, two-sided at `confidence`.

    Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference"
    (https://doi.org/10.1080/01621459.1927.10502953). Raises EvaluationError without cases.
    """
    if not 0 <= num_hits <= num_cases or not num_cases or not 0 < confidence < 1:
        raise EvaluationError(f"there is no rate of {num_hits} in {num_cases} cases at confidence {confidence}")
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    rate, per_case = num_hits / num_cases, z * z / num_cases
    centre = (rate + per_case / 2.0) / (1.0 + per_case)
    reach = z * math.sqrt(rate * (1.0 - rate) / num_cases + per_case / (4.0 * num_cases)) / (1.0 + per_case)
    low = 0.0 if num_hits == 0 else centre - reach
    high = 1.0 if num_hits == num_cases else centre + reach
    return Interval(value=100.0 * rate, low=100.0 * low, high=100.0 * high)


def probability_of_flips(num_worse: int, num_better: int) -> float:
    """Return how likely so many or more of the flipped cases are worse, if a flip goes either way alike.

    One-sided exact form of McNemar 1947, "Note on the sampling error of the difference between correlated proportions"
    (https://doi.org/10.1007/BF02295996), which is a binomial test on the cases that differ.
    """
    flips = num_worse + num_better
    return float(bdtrc(num_worse - 1, flips, 0.5)) if num_worse else 1.0


def joint_limit(numbers_of_flips: Sequence[int], alpha: float) -> float:
    """Return the probability below which one of several tests of flips counts, at joint error `alpha`.

    Tarone 1990, "A modified Bonferroni method for discrete data" (https://doi.org/10.2307/2531456): a test with n flips
    has no probability below 0.5 ** n, so those that cannot reach the limit take no share of alpha. The chance that any
    test counts by accident is at most alpha, however many there are and however they depend on each other.
    """
    least = [0.5**number for number in numbers_of_flips]
    shares = next(
        (shares for shares in range(1, len(least) + 1) if sum(one <= alpha / shares for one in least) <= shares), 1
    )
    return alpha / shares
