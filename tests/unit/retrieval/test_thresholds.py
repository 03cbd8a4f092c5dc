"""Thresholds against the number of right decisions, counted one question at a time."""

import itertools
import random

import pytest

from polyloop.errors import EvaluationError
from polyloop.retrieval.thresholds import choose_threshold


def num_right(threshold: float, scores: list[float], flags: list[bool]) -> int:
    return sum((score >= threshold) == flag for score, flag in zip(scores, flags, strict=True))


def test_no_other_threshold_does_better() -> None:
    generator = random.Random(7)
    for _ in range(60):
        number = generator.randint(1, 9)
        scores = [generator.choice([-1.0, 0.0, 0.2, 0.2, 0.5, 3.0]) for _ in range(number)]
        flags = [generator.random() < 0.6 for _ in range(number)]
        reached = num_right(choose_threshold(scores, flags), scores, flags)
        assert reached == max(num_right(other, scores, flags) for other in itertools.chain(scores, [9.0]))


def test_separable_questions_are_separated_in_the_middle() -> None:
    assert choose_threshold([0.1, 0.3, 0.7, 0.9], [False, False, True, True]) == pytest.approx(0.5)


def test_of_equal_thresholds_the_one_that_answers_least_is_taken() -> None:
    assert choose_threshold([0.5, 0.6], [False, True]) > 0.5
    assert choose_threshold([0.5, 0.5], [True, False]) > 0.5


def test_nothing_is_answered_where_no_question_can_be() -> None:
    assert choose_threshold([0.5, 0.9], [False, False]) > 0.9


@pytest.mark.parametrize(
    ("scores", "flags", "message"),
    [
        ([], [], "no questions"),
        ([0.1], [True, False], "1 scores but 2 flags"),
        ([0.1, float("nan")], [True, False], "nan at place 1"),
    ],
)
def test_what_gives_no_threshold_is_named(scores: list[float], flags: list[bool], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        choose_threshold(scores, flags)
