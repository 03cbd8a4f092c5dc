"""Bootstrap intervals against formulas, plain resampling and each other; memory and determinism."""

import pickle
import tracemalloc

import numpy as np
import pytest

from polyloop.errors import EvaluationError
from polyloop.evaluation.intervals import Interval, bootstrap, paired_bootstrap
from polyloop.evaluation.metrics import score


def accuracy_rows(right: np.ndarray) -> np.ndarray:
    return np.stack([right.astype(float), np.ones(len(right))], axis=1)


def text_rows(random: np.random.Generator, num_rows: int) -> np.ndarray:
    """Return chrF-like statistics in which nearly every row differs from every other."""
    given = random.integers(5, 400, size=(num_rows, 6))
    wanted = random.integers(5, 400, size=(num_rows, 6))
    matched = (np.minimum(given, wanted) * random.random((num_rows, 6))).astype(int)
    return np.stack([given, wanted, matched], axis=2).reshape(num_rows, 18).astype(float)


def test_the_value_is_the_score_of_the_rows_and_lies_within():
    interval = bootstrap(accuracy_rows(np.arange(400) < 300), "accuracy")
    assert interval.value == 75.0
    assert interval.low < 75.0 < interval.high


def test_the_width_follows_the_binomial_standard_error():
    interval = bootstrap(accuracy_rows(np.arange(1_000) < 800), "accuracy", resamples=20_000)
    half_width = 1.96 * np.sqrt(0.8 * 0.2 / 1_000) * 100
    assert interval.low == pytest.approx(80 - half_width, abs=0.15)
    assert interval.high == pytest.approx(80 + half_width, abs=0.15)


def test_higher_confidence_is_wider():
    rows = accuracy_rows(np.arange(300) < 200)
    narrow, wide = (bootstrap(rows, "accuracy", confidence=confidence) for confidence in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_results_depend_on_the_seed_and_on_nothing_else():
    rows = text_rows(np.random.default_rng(1), 200)
    assert bootstrap(rows, "chrf", seed=5) == bootstrap(rows.copy(), "chrf", seed=5)
    assert bootstrap(rows, "chrf", seed=5) != bootstrap(rows, "chrf", seed=6)


def test_drawing_groups_and_drawing_rows_give_the_same_distribution():
    """The grouped draw (few distinct rows) is checked against a plain resampling of row numbers."""
    right = np.random.default_rng(2).random(200) < 0.7
    grouped = bootstrap(accuracy_rows(right), "accuracy", resamples=20_000)
    random = np.random.default_rng(3)
    plain = 100 * right[random.integers(0, 200, size=(20_000, 200))].mean(axis=1)
    assert grouped.low == pytest.approx(np.quantile(plain, 0.025), abs=0.5)
    assert grouped.high == pytest.approx(np.quantile(plain, 0.975), abs=0.5)


def test_distinct_rows_are_drawn_with_replacement_as_often_as_there_are_rows():
    rows = text_rows(np.random.default_rng(4), 150)
    interval = bootstrap(rows, "chrf", resamples=5_000)
    random = np.random.default_rng(5)
    plain = [float(score("chrf", rows[random.integers(0, 150, 150)].sum(axis=0))) for _ in range(5_000)]
    assert interval.low == pytest.approx(np.quantile(plain, 0.025), abs=0.25)
    assert interval.high == pytest.approx(np.quantile(plain, 0.975), abs=0.25)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    random = np.random.default_rng(6)
    covered = 0
    for _ in range(400):
        interval = bootstrap(accuracy_rows(random.random(300) < 0.8), "accuracy", resamples=400)
        covered += interval.low <= 80.0 <= interval.high
    assert 0.91 <= covered / 400 <= 0.98


def test_macro_f1_intervals_bear_labels_that_a_resample_misses():
    """One row of a rare label is missed by 37 % of the resamples; leaving the label out keeps the interval sane."""
    rows = np.zeros((60, 9))
    rows[:30, 0] = 1  # label 0: right
    rows[30:59, 3] = 1  # label 1: right
    rows[59, 6] = 1  # label 2, one row: right
    assert bootstrap(rows, "macro_f1") == Interval(value=100.0, low=100.0, high=100.0)


def test_paired_difference_by_hand():
    champion = accuracy_rows(np.array([1, 1, 0, 0]))
    candidate = accuracy_rows(np.array([1, 1, 1, 0]))
    difference = paired_bootstrap(candidate, champion, "accuracy", resamples=50_000)
    assert difference.interval.value == 25.0
    assert difference.interval.low == 0.0
    # The one row that differs is missed by (3/4)^4 of the resamples; the candidate is never below.
    assert difference.probability_no_gain == pytest.approx(0.75**4, abs=0.01)
    assert difference.probability_no_loss == 1.0


def test_pairing_removes_the_noise_that_both_models_share():
    random = np.random.default_rng(7)
    shared = random.random(1_000) < 0.6
    better = shared | (random.random(1_000) < 0.03)
    difference = paired_bootstrap(accuracy_rows(better), accuracy_rows(shared), "accuracy")
    alone = bootstrap(accuracy_rows(shared), "accuracy")
    assert difference.interval.low > 0
    assert difference.interval.high - difference.interval.low < (alone.high - alone.low) / 2


def test_equal_models_differ_by_exactly_nothing():
    rows = text_rows(np.random.default_rng(8), 100)
    difference = paired_bootstrap(rows, rows, "chrf")
    assert difference.interval == Interval(value=0.0, low=0.0, high=0.0)
    assert (difference.probability_no_gain, difference.probability_no_loss) == (1.0, 1.0)


def test_swapping_the_models_mirrors_the_difference():
    random = np.random.default_rng(9)
    for _ in range(5):
        one, other = (accuracy_rows(random.random(80) < 0.7) for _ in range(2))
        forward = paired_bootstrap(one, other, "accuracy", resamples=20_000).interval
        backward = paired_bootstrap(other, one, "accuracy", resamples=20_000).interval
        assert forward.value == -backward.value
        assert forward.low == pytest.approx(-backward.high, abs=1.3)  # scores of 80 rows step by 1.25


def test_100_000_rows_and_1_000_resamples_stay_below_200_mb():
    random = np.random.default_rng(10)
    rows, others = text_rows(random, 100_000), text_rows(random, 100_000)
    tracemalloc.start()
    try:
        paired_bootstrap(rows, others, "chrf", resamples=1_000)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 200e6


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (np.zeros((0, 2)), {}, r"rows > 0, not \(0, 2\)"),
        (np.zeros(4), {}, r"not \(4,\)"),
        (np.ones((4, 2)), {"resamples": 0}, "resamples >= 1"),
        (np.ones((4, 2)), {"confidence": 1.0}, "confidence < 1"),
    ],
)
def test_meaningless_requests_are_refused(rows, options, message):
    with pytest.raises(EvaluationError, match=message):
        bootstrap(rows, "accuracy", **options)


def test_rows_that_cannot_be_paired_are_refused():
    with pytest.raises(EvaluationError, match="cannot be paired"):
        paired_bootstrap(np.ones((4, 2)), np.ones((5, 2)), "accuracy")


def test_intervals_survive_pickling():
    rows = accuracy_rows(np.arange(60) < 40)
    difference = paired_bootstrap(rows, rows[::-1], "accuracy")
    assert pickle.loads(pickle.dumps(difference)) == difference
