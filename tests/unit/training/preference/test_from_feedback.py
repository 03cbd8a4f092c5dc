"""Tests of how feedback becomes preferences."""

from collections.abc import Sequence

import pytest

from polyloop.training.preference.from_feedback import (
    JudgedAnswer,
    LeftOut,
    RatedText,
    TextPair,
    pair_of_correction,
    pair_table,
    rated_table,
    rated_text,
    rated_texts_of_pair,
)
from polyloop.training.preference.pairs import BinaryRows, PreferenceRows


def test_a_correction_is_preferred_to_the_served_output() -> None:
    answer = JudgedAnswer(input=" Hallo  Welt", output="Hello word", correction="Hello world ", rating=-1, weight=0.5)
    assert pair_of_correction(answer) == TextPair(
        input="Hallo Welt", chosen="Hello world", rejected="Hello word", weight=0.5
    )


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (JudgedAnswer(input="a", output="b", rating=-1), LeftOut.NOTHING_SAID),
        (JudgedAnswer(input="a", output="b", correction=" \u200b"), LeftOut.EMPTY),
        (JudgedAnswer(input="a", output="", correction="c"), LeftOut.EMPTY),
        (JudgedAnswer(input="a", output="b", correction=" b"), LeftOut.UNCHANGED),
        (JudgedAnswer(input="a", output="b", correction="c", rating=1), LeftOut.CONTRADICTORY),
    ],
)
def test_a_correction_that_gives_no_pair_says_why(answer: JudgedAnswer, reason: LeftOut) -> None:
    assert pair_of_correction(answer) is reason


@pytest.mark.parametrize(("rating", "is_desirable"), [(1, True), (-1, False)])
def test_a_rating_makes_the_output_good_or_bad(rating: int, is_desirable: bool) -> None:
    answer = JudgedAnswer(input="a ", output=" b", rating=rating)
    assert rated_text(answer) == RatedText(input="a", target="b", is_desirable=is_desirable, weight=1.0)


def test_a_bad_answer_stays_bad_when_it_is_corrected_and_a_good_one_when_it_is_repeated() -> None:
    assert isinstance(rated_text(JudgedAnswer(input="a", output="b", rating=-1, correction="c")), RatedText)
    assert isinstance(rated_text(JudgedAnswer(input="a", output="b", rating=1, correction="b")), RatedText)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (JudgedAnswer(input="a", output="b", correction="c"), LeftOut.NOTHING_SAID),
        (JudgedAnswer(input="\n", output="b", rating=1), LeftOut.EMPTY),
        (JudgedAnswer(input="a", output="b", rating=1, correction="c"), LeftOut.CONTRADICTORY),
    ],
)
def test_a_judged_answer_that_gives_no_rated_text_says_why(answer: JudgedAnswer, reason: LeftOut) -> None:
    assert rated_text(answer) is reason


def test_another_rating_is_refused() -> None:
    with pytest.raises(ValueError, match="not 5"):
        rated_text(JudgedAnswer(input="a", output="b", rating=5))


def encode(texts: Sequence[str]) -> list[list[int]]:
    return [[*text.encode(), 1] for text in texts]


def test_tables_hold_the_ids_of_the_texts_and_become_rows() -> None:
    pair = TextPair(input="a", chosen="bc", rejected="d", weight=0.25)
    rows = PreferenceRows.from_table(pair_table([pair], encode, encode))
    assert rows.inputs.values.tolist() == [97, 1]
    assert rows.chosen.values.tolist() == [98, 99, 1]
    assert rows.rejected.values.tolist() == [100, 1]
    assert rows.weights.tolist() == [0.25]


def test_a_pair_gives_a_good_and_a_bad_text() -> None:
    pair = TextPair(input="a", chosen="bc", rejected="d", weight=0.25)
    rows = BinaryRows.from_table(rated_table(rated_texts_of_pair(pair), encode, encode))
    assert rows.targets.values.tolist() == [98, 99, 1, 100, 1]
    assert rows.is_desirable.tolist() == [True, False]
    assert rows.weights.tolist() == [0.25, 0.25]
