"""Scores under perturbation, with small predictors whose weak points are known."""

import pytest
from tests.support.small_predictors import LABELS, Translator, WordClassifier, holdout_row

from polyloop.evaluation.suites.robustness import SUITE, perturbed_rows, robustness_result, run_robustness
from polyloop.spec.models import TaskSpec

MOOD = TaskSpec.model_validate({"kind": "classify", "corpora": ["c"], "labels": LABELS, "model": {"recipe": "nano"}})
GERMAN = TaskSpec.model_validate(
    {"kind": "translate", "corpora": ["c"], "pairs": ["en>de"], "model": {"recipe": "nano"}}
)
WORDS = {"good": "positive", "bad": "negative"}
ROWS = tuple(
    holdout_row(f"The {thing} was {word}, we think", label)
    for thing in ("film", "book", "song", "play", "meal", "tour")
    for word, label in WORDS.items()
)


def by_test(result):
    return {one.test: one for one in result.slices}


def test_each_row_is_perturbed_in_each_way_that_changes_it():
    rows = [holdout_row("plain words"), holdout_row("我们走吧", locale="zh-Hans")]
    names = [(one.row.locale, one.perturbation) for one in perturbed_rows(rows)]
    assert ("en", "upper_case") in names
    assert ("en", "lower_case") not in names
    assert ("zh-Hans", "doubled_character") in names
    assert all(one.text != one.row.text for one in perturbed_rows(rows))


def test_a_classifier_that_knows_small_letters_only_falls_in_capitals():
    result = run_robustness(WordClassifier(WORDS), MOOD, ROWS, task="mood", version="v1")
    upper, lower = by_test(result)["upper_case"], by_test(result)["lower_case"]
    assert (result.suite, result.type, upper.slice) == (SUITE, "robustness", "en")
    assert upper.numbers["clean"] == 100.0
    assert upper.numbers["perturbed"] == upper.rate.value == 0.0
    assert upper.numbers["difference"] == upper.numbers["difference_high"] == -100.0
    assert (lower.num_passed, lower.numbers["difference"], lower.numbers["difference_low"]) == (12, 0.0, 0.0)


def test_a_typo_costs_what_it_hits():
    result = run_robustness(WordClassifier(WORDS), MOOD, ROWS, task="mood", version="v1")
    typo = by_test(result)["typo"]
    hit = sum(not any(word in one.text for word in WORDS) for one in perturbed_rows(ROWS) if one.perturbation == "typo")
    assert typo.num_cases - typo.num_passed == hit > 0
    assert typo.numbers["difference_low"] <= typo.numbers["difference"] <= typo.numbers["difference_high"]


def test_results_do_not_depend_on_the_batch_size():
    whole = run_robustness(WordClassifier(WORDS), MOOD, ROWS, task="mood", version="v1")
    assert run_robustness(WordClassifier(WORDS), MOOD, ROWS, task="mood", version="v1", batch_size=3) == whole


def test_texts_pass_while_they_lose_little():
    rows = [holdout_row("We walk to the old station today", "We walk to the old station today", locale="en", to="de")]
    perturbed = [one for one in perturbed_rows(rows) if one.perturbation == "spaces"]
    clean = ["We walk to the old station today"]
    near, far = (
        robustness_result(perturbed, clean, [text], GERMAN, task="t", version="v")
        for text in ("We walk to the old station today.", "Nothing of that")
    )
    assert (near.tolerance, near.cases[0].slice) == (10.0, "en>de")
    assert near.cases[0].passed
    assert 90.0 < near.cases[0].points < 100.0
    assert not far.cases[0].passed
    assert far.slices[0].numbers["difference"] < -50.0


def test_a_translator_that_is_wrong_anyway_loses_nothing():
    rows = [holdout_row("A long sentence", "Ein Satz", to="de")]
    result = run_robustness(Translator(lambda text: "qqq"), GERMAN, rows, task="t", version="v")
    assert all(one.passed for one in result.cases)
    assert {one.points for one in result.cases} == {0.0}


def test_the_digest_is_of_the_rows_and_their_perturbations():
    def digest(rows, seed=17):
        return run_robustness(WordClassifier(WORDS), MOOD, rows, task="mood", version="v1", seed=seed).digest

    assert digest(ROWS) == digest(ROWS)
    assert len({digest(ROWS), digest(ROWS[1:]), digest(ROWS, seed=2)}) == 3


@pytest.mark.parametrize("limit", [20, 1_000])
def test_rows_that_are_too_long_count_as_wrong(limit):
    result = run_robustness(WordClassifier(WORDS, limit=limit), MOOD, ROWS, task="mood", version="v1")
    assert (by_test(result)["lower_case"].num_passed > 0) is (limit > 20)
