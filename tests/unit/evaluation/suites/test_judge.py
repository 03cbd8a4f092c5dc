"""What passes and what does not."""

import pytest

from polyloop.errors import EvaluationError
from polyloop.evaluation.suites.cases import Accepts, Case, Moves, Stays
from polyloop.evaluation.suites.judge import alike, judge
from polyloop.models.predict import PredictInput, Prediction


def case(expectation, *texts):
    inputs = tuple(PredictInput(text=text, locale="en", target_locale="en") for text in texts or ("a",))
    return Case(id="1", test="t", place="en", inputs=inputs, expectation=expectation)


def said(output, scores=None):
    return Prediction(output=output, scores=scores, num_input_tokens=1, num_output_tokens=1)


@pytest.mark.parametrize(
    ("output", "passed"),
    [
        ("good", True),
        (" fine\n", True),
        ("cafe\u0301", True),
        ("bad", False),
        ("goodness", False),
        ("no 12 here", True),
    ],
)
def test_an_accepted_output_or_a_pattern_passes(output, passed):
    found = judge(case(Accepts(outputs=("good", "fine", "café"), patterns=(r"\b12\b",))), [said(output)])
    assert (found.passed, found.points) == (passed, 100.0 if passed else 0.0)
    assert (found.input, found.input_before, found.output) == ("a", None, output)
    assert found.wanted == r"good or fine or café or /\b12\b/"


@pytest.mark.parametrize(
    ("output", "passed"),
    [('["rude"]', True), ('["late", "rude"]', True), ('["late"]', False), ("[]", False)],
)
def test_a_set_of_labels_passes_if_it_is_one_of_those_accepted(output, passed):
    expectation = Accepts(outputs=("rude", '["rude", "late"]'), patterns=())
    scores = {"rude": 0.9, "late": 0.6, "dear": 0.1}
    assert judge(case(expectation), [said(output, scores)]).passed is passed


def test_a_text_is_never_read_as_a_set_of_labels():
    assert not judge(case(Accepts(outputs=("rude",), patterns=())), [said('["rude"]')]).passed


@pytest.mark.parametrize(("after", "passed"), [("good", True), ("Good", False)])
def test_labels_have_to_stay_equal(after, passed):
    found = judge(case(Stays(min_chrf=None), "a", "b"), [said("good"), said(after)])
    assert found.passed is passed
    assert (found.input_before, found.input, found.output_before, found.output) == ("a", "b", "good", after)


@pytest.mark.parametrize(("min_chrf", "passed"), [(60.0, True), (99.0, False)])
def test_texts_have_to_stay_alike(min_chrf, passed):
    before, after = "The train is late today.", "The train is late today"
    assert 60.0 < alike(after, before) < 99.0
    assert judge(case(Stays(min_chrf=min_chrf), "a", "b"), [said(before), said(after)]).passed is passed


def test_two_empty_texts_are_alike_and_one_is_not():
    assert alike("", "") == 100.0
    assert alike("", "text") == alike("text", "") == 0.0


@pytest.mark.parametrize(
    ("sign", "at_least", "before", "after", "passed"),
    [
        (1, 0.1, 0.2, 0.3, True),
        (1, 0.1, 0.2, 0.29, False),
        (-1, 0.1, 0.3, 0.2, True),
        (-1, 0.0, 0.3, 0.31, False),
        (1, -0.05, 0.3, 0.26, True),
        (1, -0.05, 0.3, 0.24, False),
    ],
)
def test_scores_have_to_move(sign, at_least, before, after, passed):
    expectation = Moves(label="bad", sign=sign, at_least=at_least)
    found = judge(case(expectation, "a", "b"), [said("x", {"bad": before}), said("x", {"bad": after})])
    assert found.passed is passed
    assert found.output == f"x (bad {after:.4f})"


def test_an_unanswered_input_fails_its_case():
    assert not judge(case(Accepts(outputs=("",), patterns=(".*",))), [None]).passed
    assert not judge(case(Stays(min_chrf=None), "a", "b"), [said("x"), None]).passed


def test_a_model_without_the_score_is_an_error():
    moves = case(Moves(label="bad", sign=1, at_least=0.0), "a", "b")
    with pytest.raises(EvaluationError, match="score of 'bad', and the model gives scores of good"):
        judge(moves, [said("x", {"good": 1.0}), said("x", {"good": 1.0})])
    with pytest.raises(EvaluationError, match="scores of none"):
        judge(moves, [said("x"), said("x")])
