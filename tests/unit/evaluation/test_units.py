"""How texts are cut for counting."""

import pytest

from polyloop.evaluation.units import ngrams, pieces, words


@pytest.mark.parametrize(
    ("text", "spaced", "expected"),
    [
        ("It costs 12,50 €!", True, ["It", "costs", "12", ",", "50", "€", "!"]),
        ("他买了iPhone 15。", False, ["他", "买", "了", "iPhone", "15", "。"]),
        ("The sign 出口 says", True, ["The", "sign", "出口", "says"]),
        ("น้ำ", False, ["น้", "ำ"]),
        ("कि", True, ["कि"]),
        ("a\u200bb", True, ["a", "b"]),
        ("", True, []),
    ],
)
def test_texts_are_cut_by_script(text, spaced, expected):
    assert pieces(text, spaced=spaced) == expected


def test_words_are_lower_cased_and_have_a_letter_or_digit():
    assert words("He said: NO, 3 times!", spaced=True) == ["he", "said", "no", "3", "times"]


def test_nothing_but_spaces_and_order_is_lost():
    text = "Ein „Test“ – mit 3 Wörtern, ein bisschen 出口 und नमस्ते."
    assert "".join(pieces(text, spaced=True)) == "".join(text.split())


def test_ngrams_are_in_order_and_none_if_too_short():
    assert ngrams(["a", "b", "c"], 2) == [("a", "b"), ("b", "c")]
    assert ngrams(["a"], 2) == []
