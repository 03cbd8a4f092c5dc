"""Thresholds against each objective by its definition."""

import itertools
import random

import pytest

from polyloop.errors import EvaluationError
from polyloop.retrieval.thresholds import OBJECTIVES, Objective, choose_threshold


def outcome(objective: Objective, threshold: float, scores: list[float], flags: list[bool], cost: float) -> float:
    """The objective by its definition, one question at a time."""
    given = [score >= threshold for score in scores]
    pairs = list(zip(given, flags, strict=True))
    if objective == "accuracy":
        return sum(answered == flag for answered, flag in pairs) / len(pairs)
    if objective == "cost":
        return -sum(cost if answered else 1 for answered, flag in pairs if answered != flag) / len(pairs)
    if objective == "f1":
        right = sum(answered and flag for answered, flag in pairs)
        return 2 * right / max(2 * right + sum(answered != flag for answered, flag in pairs), 1)
    shares = []
    for kind in (True, False):
        of_kind = [answered == flag for answered, flag in pairs if flag == kind]
        if of_kind:
            shares.append(sum(of_kind) / len(of_kind))
    return sum(shares) / len(shares)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_no_other_threshold_does_better(objective: Objective) -> None:
    generator = random.Random(7)
    for _ in range(60):
        number = generator.randint(1, 9)
        scores = [generator.choice([-1.0, 0.0, 0.2, 0.2, 0.5, 3.0]) for _ in range(number)]
        flags = [generator.random() < 0.6 for _ in range(number)]
        choice = choose_threshold(scores, flags, objective=objective, false_answer_cost=2.5)
        reached = outcome(objective, choice.threshold, scores, flags, 2.5)
        assert choice.value == pytest.approx(reached)
        assert reached == pytest.approx(
            max(outcome(objective, t, scores, flags, 2.5) for t in itertools.chain(scores, [9.0]))
        )


def test_separable_questions_are_separated_in_the_middle() -> None:
    choice = choose_threshold([0.1, 0.3, 0.7, 0.9], [False, False, True, True])
    assert choice.threshold == pytest.approx(0.5)
    assert (choice.value, choice.answered_right, choice.answered, choice.num_questions) == (1.0, 1.0, 1.0, 4)


def test_a_costly_false_answer_raises_the_threshold() -> None:
    scores, flags = [0.2, 0.4, 0.6, 0.8], [True, False, True, True]
    lenient = choose_threshold(scores, flags, objective="cost", false_answer_cost=0.5)
    strict = choose_threshold(scores, flags, objective="cost", false_answer_cost=5.0)
    assert lenient.threshold < 0.4 < strict.threshold < 0.6


def test_of_equal_thresholds_the_one_that_answers_least_is_taken() -> None:
    assert choose_threshold([0.5, 0.6], [False, True], objective="accuracy").threshold > 0.5
    assert choose_threshold([0.5, 0.5], [True, False]).threshold > 0.5


def test_nothing_is_answered_where_no_question_can_be() -> None:
    choice = choose_threshold([0.5, 0.9], [False, False])
    assert choice.threshold > 0.9
    assert (choice.answered_right, choice.answered) == (1.0, 1.0)


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


def test_an_unknown_objective_is_named() -> None:
    with pytest.raises(EvaluationError, match="'luck' is not known"):
        choose_threshold([0.1], [True], objective="luck")  # type: ignore[arg-type]
