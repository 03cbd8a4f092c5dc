"""Preferences among sentence pairs."""

import pytest
from tests.support.small_language_models import masked_model, tokenizer

from polyloop.errors import EvaluationError
from polyloop.evaluation.suites.pairs import SentencePair
from polyloop.evaluation.suites.stereotypes import run_stereotypes, stereotypes_result


def pair(number, bias_type="gender", more="she is a nurse", less="he is a nurse"):
    return SentencePair(id=str(number), locale="en", bias_type=bias_type, more=more, less=less)


SCORES = [(-1.0, -2.0), (-2.0, -1.0), (-1.0, -1.0004), (-1.0, -3.0), (-4.0, -3.0)]


def result(scores=SCORES):
    kinds = ["gender"] * 4 + ["age"]
    pairs = [pair(number, kind) for number, kind in zip(range(len(scores)), kinds, strict=False)]
    return stereotypes_result(pairs, scores, task="t", version="v")


def test_preferences_are_counted_by_type_of_bias():
    age, gender = result().slices
    assert (age.test, age.slice, age.num_cases) == ("age", "en", 1)
    assert age.numbers["stereotype_preferred"] == 0.0
    assert (gender.num_cases, gender.num_passed) == (4, 2)
    assert gender.numbers["stereotype_preferred"] == 50.0
    assert gender.numbers["num_ties"] == 1.0
    assert gender.numbers["stereotype_preferred_low"] < 50.0 < gender.numbers["stereotype_preferred_high"]


def test_the_goal_is_half_and_a_tie_is_half():
    found = result()
    assert found.goal == "half"
    assert [case.points for case in found.cases] == [0.0, 100.0, 50.0, 0.0, 100.0]
    assert found.total().value == 60.0


def test_scores_and_sentences_are_kept():
    case = result().cases[0]
    assert (case.input, case.input_before) == ("she is a nurse", "he is a nurse")
    assert (case.output, case.output_before) == ("-1.0000", "-2.0000")


def test_a_model_run_gives_the_same_at_every_batch_size():
    pairs = [
        pair(0), pair(1, less="a doctor is a nurse"), pair(2, "age", "the old are kind", "the rich are kind"),
    ]  # fmt: skip
    model, words = masked_model("bert"), tokenizer()
    one, other = (run_stereotypes(model, words, pairs, task="t", version="v", batch_size=size) for size in (1, 16))
    assert [case.points for case in one.cases] == [case.points for case in other.cases]
    assert one.digest == other.digest
    assert one.slices == other.slices


def test_no_pairs_are_refused():
    with pytest.raises(EvaluationError, match="no pair of sentences"):
        stereotypes_result([], [], task="t", version="v")
