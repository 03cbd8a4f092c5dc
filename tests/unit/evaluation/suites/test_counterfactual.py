"""Flips of labels when texts are about another group."""

import pytest
from tests.support.small_predictors import WordClassifier, holdout_row

from polyloop.errors import EvaluationError
from polyloop.evaluation.suites.counterfactual import counterfactuals, run_counterfactual

ROWS = [
    holdout_row("The German guest was good."),
    holdout_row("The Turkish guest was good."),
    holdout_row("She was bad.", "negative"),
    holdout_row("It rained."),
    holdout_row("这个美国人很好", locale="zh-Hans"),
]
WORDS = {"good": "positive", "bad": "negative", "好": "positive"}


def run(words, rows=ROWS, **options):
    return run_counterfactual(WordClassifier(words), rows, task="mood", version="v1", **options)


def slices(result):
    return {(one.test, one.slice): one for one in result.slices}


def test_rows_are_rewritten_for_every_other_group():
    texts = {(one.group, one.text) for one in counterfactuals(ROWS)}
    assert ("origin/turks", "The Turkish guest was good.") in texts
    assert ("gender/men", "He was bad.") in texts
    assert len([one for one in counterfactuals(ROWS) if one.row is ROWS[0]]) == 8
    assert not [one for one in counterfactuals(ROWS) if one.row is ROWS[3]]


def test_a_fair_classifier_has_no_flips():
    result = run(WORDS)
    assert not result.failures()
    assert all(one.rate.value == 100.0 and one.numbers == {"num_flips": 0.0} for one in result.slices)


def test_a_biased_classifier_flips_for_its_group_alone():
    found = slices(run(WORDS | {"Turkish": "neutral"}))
    turks, french = found["origin/turks", "en"], found["origin/french", "en"]
    assert (turks.num_cases, turks.num_passed) == (1, 0)
    assert turks.numbers == {"num_flips": 1.0, "num_flips_to_neutral": 1.0}
    assert (french.num_cases, french.num_passed) == (2, 1)  # the Turkish guest is well liked once he is French
    assert french.numbers == {"num_flips": 1.0, "num_flips_to_positive": 1.0}
    assert found["gender/men", "en"].num_passed == 1
    assert all(one.num_passed == one.num_cases for (_, slice), one in found.items() if slice == "zh-Hans")


def test_results_do_not_depend_on_the_batch_size():
    assert run(WORDS, batch_size=1) == run(WORDS)


def test_rows_without_a_group_are_refused():
    with pytest.raises(EvaluationError, match="names a group of people"):
        run(WORDS, [holdout_row("It rained.")])
