"""Jackknife intervals: against a formula, against repeated draws, and the ends."""

import numpy as np
import pytest

from polyloop.errors import EvaluationError
from polyloop.evaluation.jackknife import jackknife, paired_jackknife
from polyloop.evaluation.metrics import CorpusScore, corpus_scorer, metric_named

DISTINCT = metric_named("distinct_1")
WORDS = [f"w{number}" for number in range(400)]


def outputs(random: np.random.Generator, num_rows: int) -> list[str]:
    """Return outputs of 8 words, frequent ones far more frequent, as in language."""
    shares = 1.0 / np.arange(1, len(WORDS) + 1)
    return [" ".join(random.choice(WORDS, size=8, p=shares / shares.sum())) for _ in range(num_rows)]


def scorer(texts: list[str]) -> CorpusScore:
    return corpus_scorer("distinct_1", texts, texts, ["en"] * len(texts))


def every(num_rows: int) -> np.ndarray:
    return np.ones(num_rows, dtype=bool)


def test_for_a_mean_the_error_is_the_textbook_one():
    values = np.random.default_rng(1).normal(50.0, 10.0, 150)
    interval = jackknife(lambda kept: float(values[kept].mean()), every(150), DISTINCT)
    half_width = 1.96 * values.std(ddof=1) / np.sqrt(150)
    assert interval.value == pytest.approx(values.mean())
    assert interval.high - interval.low == pytest.approx(2 * half_width, rel=1e-3)


def test_the_width_fits_the_spread_over_fresh_corpora_and_is_not_too_narrow():
    random = np.random.default_rng(2)
    spread = np.std([scorer(outputs(random, 120))(every(120)) for _ in range(150)])
    widths = []
    for _ in range(8):
        interval = jackknife(scorer(outputs(random, 120)), every(120), DISTINCT)
        assert interval.low < interval.value < interval.high
        widths.append((interval.high - interval.low) / (2 * 1.96))
    assert 0.85 * spread <= np.mean(widths) <= 1.6 * spread


def test_a_bootstrap_would_have_missed_the_score_itself():
    """Why there is a jackknife: resamples of distinct-1 all lie below the score of the rows."""
    random = np.random.default_rng(3)
    texts = outputs(random, 120)
    resampled = []
    for _ in range(100):
        drawn = [texts[i] for i in random.integers(0, 120, 120)]
        resampled.append(scorer(drawn)(every(120)))
    assert max(resampled) < scorer(texts)(every(120))


def test_differences_are_paired_and_signed():
    random = np.random.default_rng(4)
    plain = outputs(random, 200)
    rich = [f"{text} extra{position} more{position}" for position, text in enumerate(plain)]
    difference = paired_jackknife(scorer(rich), scorer(plain), every(200), DISTINCT)
    assert 0.0 < difference.interval.low < difference.interval.value < difference.interval.high
    assert difference.probability_no_gain < 0.001
    assert difference.probability_no_loss > 0.999
    backward = paired_jackknife(scorer(plain), scorer(rich), every(200), DISTINCT)
    assert backward.interval.low == pytest.approx(-difference.interval.high)


def test_equal_models_differ_by_exactly_nothing():
    one = scorer(outputs(np.random.default_rng(5), 40))
    difference = paired_jackknife(one, one, every(40), DISTINCT)
    assert (difference.interval.low, difference.interval.high) == (0.0, 0.0)
    assert (difference.probability_no_gain, difference.probability_no_loss) == (1.0, 1.0)


def test_one_row_shows_nothing_and_intervals_stay_in_the_range():
    interval = jackknife(scorer(["a b a"]), every(1), DISTINCT)
    assert (interval.low, interval.high) == (0.0, 100.0)
    assert jackknife(scorer(["a", "b", "b"]), every(3), DISTINCT).high <= 100.0
    with pytest.raises(EvaluationError, match="needs rows"):
        jackknife(scorer(["a"]), np.zeros(1, dtype=bool), DISTINCT)
