"""The Gopher repetition rules, one by one."""

import random

import pytest

from polyloop.data.steps.document import Parts
from polyloop.data.steps.gopher_repetition import GopherRepetitionStep

STEP = GopherRepetitionStep()


def _words(count: int, seed: int = 1) -> list[str]:
    """Return words of five letters, all different."""
    chooser = random.Random(seed)
    return ["".join(chooser.choices("abcdefghijklmnopqrstuvwxyz", k=5)) for _ in range(count)]


def _planted(size: int, times: int, others: int) -> str:
    """Return a text in which one n-gram stands so often, other words between."""
    words = _words(size + others)
    gram, rest = words[:size], words[size:]
    gap = others // times
    return " ".join(word for turn in range(times) for word in gram + rest[turn * gap : (turn + 1) * gap])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" ".join(_words(200)), None),
        ("one\n\ntwo and more\n\none\n\none", "gopher_duplicate_paragraphs"),
        (
            "\n\n".join(["a long paragraph of some words", "b", "c", "d", "a long paragraph of some words"]),
            "gopher_duplicate_paragraph_characters",
        ),
        ("one\ntwo and more\none\none", "gopher_duplicate_lines"),
        (
            "\n".join(["a long line of some words", "b", "c", "d", "a long line of some words"]),
            "gopher_duplicate_line_characters",
        ),
        (_planted(2, 10, 70), "gopher_top_2_gram"),
        (_planted(3, 7, 90), "gopher_top_3_gram"),
        (_planted(4, 5, 95), "gopher_top_4_gram"),
        (_planted(5, 2, 20), "gopher_top_3_gram"),
        (_planted(30, 2, 90), "gopher_duplicate_5_grams"),
    ],
)
def test_a_text_is_dropped_for_what_it_repeats(text: str, reason: str | None) -> None:
    assert STEP.judge(Parts(text), "en") == reason


@pytest.mark.parametrize("size", [5, 6, 7, 8, 9, 10])
def test_repeated_n_grams_of_each_size_have_their_own_threshold(size: int) -> None:
    shares = tuple(0.1 if words == size else 1.0 for words in range(5, 11))
    step = GopherRepetitionStep(max_duplicate_gram_characters=shares)
    text = _planted(20, 2, 80)
    assert step.judge(Parts(text), "en") == f"gopher_duplicate_{size}_grams"


def test_an_n_gram_that_occurs_once_is_no_repetition_however_short_the_text() -> None:
    assert STEP.judge(Parts("Good morning"), "en") is None
    assert STEP.judge(Parts(""), "en") is None


def test_chinese_n_grams_are_of_as_many_characters_as_words_have() -> None:
    prose = "老人每天早上带着面包走到海边看船，孩子们在沙滩上追着风筝跑，远处的灯塔静静地亮着。"
    assert STEP.judge(Parts(prose), "zh-Hans") is None
    assert STEP.judge(Parts(prose + "点击购买" * 6), "zh-Hans") == "gopher_top_2_gram"
    # One term of four characters said three times in a long sentence is a pair of words in English.
    assert STEP.judge(Parts(prose + "神经网络和神经网络不是神经网络"), "zh-Hans") is None


def test_overlaps_are_counted_once() -> None:
    assert STEP.judge(Parts("ha " * 40), "en") == "gopher_top_2_gram"
    relaxed = GopherRepetitionStep(max_top_gram_characters=(9.0, 9.0, 9.0), max_duplicate_gram_characters=(1.0,) * 6)
    assert relaxed.judge(Parts("ha " * 40), "en") is None
