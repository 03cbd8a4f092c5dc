"""The score interval on discordant rows: by hand, against its definition, and its error rate exactly."""

from math import sqrt

import numpy as np
import pytest
from scipy.stats import binom

from polyloop.errors import EvaluationError
from polyloop.evaluation.discordant import discordant_difference, score_statistic
from polyloop.evaluation.intervals import paired_bootstrap


def rows(gained: int, lost: int, num_rows: int) -> tuple[np.ndarray, np.ndarray]:
    candidate, champion = np.ones(num_rows, dtype=bool), np.ones(num_rows, dtype=bool)
    champion[:gained] = False
    candidate[gained : gained + lost] = False
    return candidate, champion


def test_at_no_difference_the_statistic_is_mcnemars():
    assert score_statistic(30, 12, 1_000, 0.0) == pytest.approx((30 - 12) / sqrt(30 + 12))


def test_the_likeliest_share_of_losses_solves_the_likelihoods_own_equation():
    """The variance is read back from the statistic and compared with a search over the likelihood."""
    gained, lost, num_rows, difference = 12, 25, 600, -0.03
    statistic = score_statistic(gained, lost, num_rows, difference)
    variance = ((gained - lost - num_rows * difference) / statistic) ** 2
    shares = np.linspace(0.0301, 0.12, 200_000)
    likelihood = (
        gained * np.log(shares + difference)
        + lost * np.log(shares)
        + (num_rows - gained - lost) * np.log(1.0 - 2.0 * shares - difference)
    )
    best = shares[likelihood.argmax()]
    assert variance == pytest.approx(num_rows * (2 * best + difference - difference**2), rel=1e-3)


def test_the_bounds_are_where_the_statistic_reaches_the_quantile():
    difference = discordant_difference(*rows(20, 30, 1_000), confidence=0.9)
    assert difference.interval.value == pytest.approx(-1.0)
    assert score_statistic(20, 30, 1_000, difference.interval.low / 100) == pytest.approx(1.645, abs=1e-3)
    assert score_statistic(20, 30, 1_000, difference.interval.high / 100) == pytest.approx(-1.645, abs=1e-3)


def test_swapping_the_models_mirrors_everything():
    candidate, champion = rows(9, 21, 400)
    forward = discordant_difference(candidate, champion, confidence=0.9)
    backward = discordant_difference(champion, candidate, confidence=0.9)
    assert forward.interval.low == pytest.approx(-backward.interval.high)
    assert forward.probability_no_gain == pytest.approx(backward.probability_no_loss)


def test_with_many_discordant_rows_it_agrees_with_the_bootstrap():
    candidate, champion = rows(80, 100, 2_000)
    ours = discordant_difference(candidate, champion, confidence=0.9).interval
    stats = [np.stack([one.astype(float), np.ones(2_000)], axis=1) for one in (candidate, champion)]
    drawn = paired_bootstrap(stats[0], stats[1], "accuracy", resamples=20_000, confidence=0.9).interval
    assert ours.low == pytest.approx(drawn.low, abs=0.08)
    assert ours.high == pytest.approx(drawn.high, abs=0.08)


def test_rows_that_no_model_tells_apart_leave_a_bound_that_shrinks_with_their_number():
    for num_rows in (100, 1_000):
        interval = discordant_difference(*rows(0, 0, num_rows), confidence=0.8).interval
        assert interval.low == pytest.approx(-100 * 1.2816**2 / (num_rows + 1.2816**2), rel=1e-3)
        assert -interval.high == pytest.approx(interval.low)
        assert interval.low < 0.0


@pytest.mark.parametrize("share", [0.03, 0.05, 0.10])
def test_a_loss_of_the_margin_is_passed_as_seldom_as_the_confidence_says_counted_exactly(share):
    """Every outcome of 1,000 rows with its probability; the bound is at or above -2 points in 10 % of the mass."""
    num_rows, margin, quantile = 1_000, 0.02, 1.2816
    gained_share, lost_share = (share - margin) / 2, (share + margin) / 2
    passing = 0.0
    for gained in range(80):
        chance = binom.pmf(gained, num_rows, gained_share)
        lost = np.arange(160)
        chances = chance * binom.pmf(lost, num_rows - gained, lost_share / (1.0 - gained_share))
        is_passing = [score_statistic(gained, int(one), num_rows, -margin) >= quantile for one in lost]
        passing += float(chances[is_passing].sum())
    assert 0.09 <= passing <= 0.104


def test_rows_that_cannot_be_paired_are_refused():
    with pytest.raises(EvaluationError, match="evaluate both models on the same rows"):
        discordant_difference(np.ones(3, dtype=bool), np.ones(4, dtype=bool), confidence=0.9)
