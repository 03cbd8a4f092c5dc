"""Calibration error by hand, by a plain second computation, and on models of known calibration."""

import json

import numpy as np
import pytest

from polyloop.errors import EvaluationError
from polyloop.evaluation.metrics import corpus_scorer, score, statistics


def equal_width(pairs, references) -> float:
    return float(score("calibration_error", statistics("calibration_error", pairs, references, locale="en").sum(0)))


def equal_mass(pairs, references) -> float:
    scorer = corpus_scorer("calibration_error_equal_mass", pairs, references, ["en"] * len(references))
    return scorer(np.ones(len(references), dtype=bool))


def drawn(seed: int, num_rows: int, overconfidence: float) -> tuple[list[tuple[str, float]], list[str]]:
    random = np.random.default_rng(seed)
    confidences = random.uniform(0.4, 1.0, num_rows)
    right = random.random(num_rows) < confidences - overconfidence
    return [("yes", float(one)) for one in confidences], ["yes" if one else "no" for one in right]


def test_equal_width_by_hand():
    # Bin (.8, .867]: two rows of mean .85, one right: gap .35, weight 2/4. Bin (.933, 1]: gap 0, weight 1/4.
    # Bin (.267, .333]: confidence .3, wrong: gap .3, weight 1/4.
    pairs = [("a", 0.84), ("a", 0.86), ("a", 1.0), ("a", 0.3)]
    assert equal_width(pairs, ["a", "b", "a", "b"]) == pytest.approx(100 * (0.35 * 2 + 0.3) / 4)


def test_equal_width_equals_a_plain_loop_over_bins():
    pairs, references = drawn(1, 500, 0.1)
    expected = 0.0
    for number in range(15):
        rows = [
            (confidence, wanted == "yes")
            for (_, confidence), wanted in zip(pairs, references, strict=True)
            if number / 15 < confidence <= (number + 1) / 15
        ]
        if rows:
            confidence, accuracy = np.mean(rows, axis=0)
            expected += len(rows) / 500 * abs(confidence - accuracy)
    assert equal_width(pairs, references) == pytest.approx(100 * expected)


@pytest.mark.parametrize("error", [equal_width, equal_mass])
def test_honest_confidence_has_next_to_no_error_and_overconfidence_its_own(error):
    assert error(*drawn(2, 20_000, 0.0)) < 2.0
    assert error(*drawn(3, 20_000, 0.2)) == pytest.approx(20.0, abs=1.0)


def test_equal_mass_by_hand_with_one_row_a_bin():
    pairs = [("a", (number + 1) / 20) for number in range(15)]
    expected = sum(abs(confidence - 1.0) for _, confidence in pairs) / 15
    assert equal_mass(pairs, ["a"] * 15) == pytest.approx(100 * expected)


def test_equal_mass_does_not_depend_on_the_order_of_rows_even_where_confidences_are_equal():
    random = np.random.default_rng(4)
    pairs = [("a", float(one)) for one in random.choice([0.5, 0.9, 1.0], 200)]
    references = [str(one) for one in random.choice(["a", "b"], 200)]
    order = random.permutation(200)
    mixed = equal_mass([pairs[i] for i in order], [references[i] for i in order])
    assert mixed == pytest.approx(equal_mass(pairs, references))


def test_the_text_form_says_the_same_and_a_refused_row_is_a_wrong_answer_without_confidence():
    pairs, references = drawn(5, 50, 0.1)
    assert equal_width([json.dumps(one) for one in pairs], references) == pytest.approx(equal_width(pairs, references))
    assert equal_width([""], ["a"]) == 0.0


@pytest.mark.parametrize("value", ["a", '["a"]', '["a", 1.5]', '["a", "0.5"]', 0.5])
def test_other_forms_are_refused(value):
    with pytest.raises(EvaluationError, match="is not a label with its confidence"):
        equal_width([value], ["a"])
