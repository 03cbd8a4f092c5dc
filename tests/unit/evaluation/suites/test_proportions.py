"""Intervals and exact tests, against published numbers and direct sums."""

import math
import random

import pytest

from polyloop.errors import EvaluationError
from polyloop.evaluation.suites.proportions import joint_limit, probability_of_flips, wilson


@pytest.mark.parametrize(
    ("hits", "cases", "low", "high"),
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
    [(81, 263, 25.53, 36.62), (15, 148, 6.24, 16.05), (0, 20, 0.0, 16.11), (1, 29, 0.61, 17.18)],
)
def test_wilson_intervals_are_the_published_ones(hits, cases, low, high):
    found = wilson(hits, cases)
    assert found.value == pytest.approx(100 * hits / cases)
    assert [found.low, found.high] == pytest.approx([low, high], abs=0.006)


def test_wilson_is_symmetric_and_wider_with_more_confidence():
    low, high = wilson(3, 10), wilson(7, 10)
    assert [low.low, low.high] == pytest.approx([100 - high.high, 100 - high.low])
    assert wilson(3, 10, confidence=0.99).low < low.low
    assert wilson(10, 10).high == 100.0


@pytest.mark.parametrize(("hits", "cases"), [(0, 0), (3, 2), (-1, 2)])
def test_impossible_counts_are_refused(hits, cases):
    with pytest.raises(EvaluationError):
        wilson(hits, cases)


@pytest.mark.parametrize(("worse", "better"), [(0, 0), (0, 5), (3, 1), (5, 0), (12, 7), (40, 41)])
def test_flips_follow_the_binomial_sum(worse, better):
    flips = worse + better
    direct = sum(math.comb(flips, number) for number in range(worse, flips + 1)) / 2**flips
    assert probability_of_flips(worse, better) == pytest.approx(direct)


def test_tests_without_a_chance_to_count_take_no_share():
    assert joint_limit([10], 0.05) == 0.05
    assert joint_limit([10] * 4, 0.05) == pytest.approx(0.05 / 4)
    assert joint_limit([10] * 4 + [0, 1, 2, 3] * 50, 0.05) == pytest.approx(0.05 / 4)
    assert joint_limit([], 0.05) == 0.05
    assert joint_limit([0, 1], 0.05) == 0.05


def test_equal_models_are_stopped_at_most_as_often_as_alpha():
    chance = random.Random(5)
    stopped = 0
    rounds = 2_000
    for _ in range(rounds):
        flips = [chance.randrange(0, 14) for _ in range(30)]
        worse = [sum(chance.random() < 0.5 for _ in range(number)) for number in flips]
        limit = joint_limit(flips, 0.05)
        found = (probability_of_flips(bad, number - bad) for bad, number in zip(worse, flips, strict=True))
        stopped += any(one <= limit for one in found)
    assert stopped / rounds < 0.05
    assert stopped > 0
