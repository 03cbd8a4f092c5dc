"""Exact match and token F1 of answers in several languages, by hand."""

import pytest

from polyloop.evaluation.metrics import score, statistics
from polyloop.evaluation.metrics.forms import as_answers


def corpus(metric: str, guess: str, reference: object, locale: str) -> float:
    return float(score(metric, statistics(metric, [guess], [reference], locale=locale).sum(axis=0)))


@pytest.mark.parametrize(
    ("guess", "reference", "locale", "exact", "f1"),
    [
        ("the Eiffel Tower!", "Eiffel tower", "en", 100, 100),
        ("the tall Eiffel Tower", "Eiffel Tower", "en", 0, 80),  # 2 * 2 / (3 + 2)
        ("it's", "its", "en", 100, 100),
        ("Das Haus", "ein Haus", "de", 100, 100),
        ("the Haus", "Haus", "de", 0, 200 / 3),  # no German article
        ("L’été", "été", "fr", 100, 100),
        ("1990年代", "1990年", "zh-Hans", 0, 80),  # 1990 年 代 against 1990 年
        ("北京。", "北京", "zh-Hans", 100, 100),
        ("上海市", "北京市", "zh-Hant", 0, 100 / 3),
        ("to be or not to be", "to be", "en", 0, 50),  # each as often as it stands in both: 2 * 2 / (6 + 2)
        ("A", "A", "en", 100, 100),  # nothing but articles: they stay
        ("%", "%", "en", 100, 100),
        ("%", "$", "en", 0, 0),
    ],
)
def test_answers_by_hand(guess, reference, locale, exact, f1):
    assert corpus("exact_match", guess, reference, locale) == pytest.approx(exact)
    assert corpus("token_f1", guess, reference, locale) == pytest.approx(f1)


@pytest.mark.parametrize("reference", [("1990", "the nineties"), '["1990", "the nineties"]'])
def test_the_nearest_accepted_answer_counts(reference):
    assert corpus("exact_match", "nineties", reference, "en") == 100.0
    assert corpus("token_f1", "early nineties", reference, "en") == pytest.approx(200 / 3)


def test_an_answer_that_is_nested_without_end_is_a_text_like_any_other():
    assert corpus("exact_match", "[" * 100_000, "1990", "en") == 0.0
    assert as_answers("[" * 100_000) == ("[" * 100_000,)


@pytest.mark.parametrize("metric", ["exact_match", "token_f1"])
def test_no_answer_matches_no_answer_and_nothing_else(metric):
    for nothing in ("", "[]"):
        assert corpus(metric, "", nothing, "en") == 100.0
        assert corpus(metric, "the", nothing, "en") == 0.0
    assert corpus(metric, "", "the", "en") == 0.0
