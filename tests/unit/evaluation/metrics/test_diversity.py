"""Distinct-n and repetition by hand, in scripts with and without spaces."""

import numpy as np
import pytest

from polyloop.errors import EvaluationError
from polyloop.evaluation.metrics import corpus_scorer, score, statistics


def distinct(order: int, outputs: list[str], locale: str) -> float:
    scorer = corpus_scorer(f"distinct_{order}", outputs, outputs, [locale] * len(outputs))
    return scorer(np.ones(len(outputs), dtype=bool))


def repetition(outputs: list[str], locale: str) -> float:
    return float(score("repetition", statistics("repetition", outputs, outputs, locale=locale).sum(axis=0)))


def test_distinct_counts_over_all_outputs_together():
    assert distinct(1, ["i do not know", "i do"], "en") == pytest.approx(100 * 4 / 6)
    assert distinct(2, ["i do not know", "i do"], "en") == pytest.approx(100 * 3 / 4)


def test_distinct_of_chinese_counts_characters_also_without_a_locale():
    for locale in ("zh-Hans", "und"):
        assert distinct(1, ["好好好", "好的"], locale) == pytest.approx(100 * 2 / 5)


def test_any_subset_of_outputs_can_be_scored():
    scorer = corpus_scorer("distinct_1", ["a b", "a b", "c"], [""] * 3, ["en"] * 3)
    assert scorer(np.array([True, True, False])) == pytest.approx(50.0)
    assert scorer(np.array([True, False, True])) == pytest.approx(100.0)


def test_outputs_without_an_n_gram_score_0():
    assert distinct(2, ["", "word"], "en") == 0.0


def test_repetition_is_the_share_of_4_grams_seen_before():
    # a b a b a b a b: five 4-grams, two of them different.
    assert repetition(["a b a b a b a b"], "en") == pytest.approx(100 * 3 / 5)
    assert repetition(["a b c d e f", "", "too short"], "en") == 0.0
    assert repetition(["a b a b a b a b", "a b c d"], "en") == pytest.approx(100 * 3 / 10)


def test_repetition_sees_loops_of_characters_and_of_marks():
    assert repetition(["哈哈哈哈哈哈哈"], "zh-Hans") == pytest.approx(100 * 3 / 4)
    assert repetition(["!!!!!!!"], "en") == pytest.approx(100 * 3 / 4)


def test_corpus_metrics_have_no_row_statistics_and_others_no_scorer():
    with pytest.raises(EvaluationError, match="distinct_1 is a property of a whole corpus"):
        statistics("distinct_1", ["a"], ["a"], locale="en")
    with pytest.raises(EvaluationError, match="distinct_1 is a property of a whole corpus"):
        score("distinct_1", np.zeros(2))
    with pytest.raises(EvaluationError, match="chrf is a function of row statistics"):
        corpus_scorer("chrf", ["a"], ["a"], ["en"])
