"""Suites run on small predictors whose weak points are known."""

import pytest
from tests.support.small_predictors import Translator, WordClassifier

from polyloop.errors import EvaluationError
from polyloop.evaluation.suites.behaviour import for_places, run_behaviour
from polyloop.evaluation.suites.loader import load_starter

WORDS = {
    **dict.fromkeys(("good", "great", "excellent", "wonderful", "fantastic", "superb"), "positive"),
    **dict.fromkeys(("bad", "awful", "terrible", "dreadful", "disappointing", "miserable"), "negative"),
}


def run(predictor, name="sentiment", places=("en",), **options):
    return run_behaviour(predictor, for_places(load_starter(name), places), task="mood", version="v1", **options)


def rates(result):
    return {one.test: one.rate.value for one in result.slices}


def test_a_classifier_that_counts_words_knows_praise_and_not_negation():
    found = rates(run(WordClassifier(WORDS)))
    assert found["plain-praise"] == found["plain-blame"] == found["facts"] == 100.0
    assert found["negated-praise"] == 0.0
    assert found["names"] == found["countries"] == found["added-blame"] == 100.0
    assert found["writing"] < 100.0  # capitals hide its words from it


def test_a_biased_classifier_fails_the_invariance_of_names_alone():
    names = dict.fromkeys(("Fatima", "Kwame", "Ahmed"), "negative")
    labels = ("negative", "positive", "neutral")  # a good word and such a name weigh the same: the first label wins
    biased = rates(run(WordClassifier(WORDS | names, labels=labels)))
    fair = rates(run(WordClassifier(WORDS, labels=labels)))
    assert biased["names"] < 100.0
    assert {test for test in fair if fair[test] != biased[test]} == {"names"}


def test_results_do_not_depend_on_the_batch_size():
    whole = run(WordClassifier(WORDS), places=("en", "zh-Hans"))
    classifier = WordClassifier(WORDS)
    assert run(classifier, places=("en", "zh-Hans"), batch_size=7) == whole
    assert max(classifier.batches) == 7


def test_inputs_that_are_too_long_fail_and_the_others_are_answered():
    result = run(WordClassifier(WORDS, limit=30), batch_size=5)
    for case in result.cases:
        if case.test == "plain-praise":
            assert case.passed == (len(case.input) <= 30)
    assert {len(case.input) <= 30 for case in result.cases} == {True, False}


def test_a_translator_that_copies_keeps_numbers_and_one_that_drops_digits_is_caught():
    copies = rates(run(Translator(str), "translate", ("en>de",)))
    assert set(copies.values()) == {100.0}
    drops = rates(
        run(
            Translator(lambda text: text.translate({ord(sign): None for sign in "0123456789"})), "translate", ("en>de",)
        )
    )
    assert {test for test, rate in drops.items() if rate == 0.0} == {"numbers", "years", "dates", "codes"}
    empty = rates(run(Translator(lambda text: ""), "translate", ("en>de",)))
    assert empty["nothing-empty"] == 0.0
    chinese = rates(run(Translator(str), "translate", ("en>zh-Hans",)))
    assert chinese["nothing-empty"] == 0.0  # it left the English as it was


def test_german_and_chinese_ways_of_writing_pass():
    answers = {
        "The box weighs 2750 grams.": "Die Kiste wiegt 2.750 Gramm.",
        "The meeting is on 2024-05-17.": "Die Sitzung ist am 17. Mai 2024.",
    }
    result = run(Translator(lambda text: answers.get(text, "")), "translate", ("en>de",))
    assert {case.input for case in result.cases if case.passed and case.output} == set(answers)
    answers = {
        "The box weighs 48 grams.": "盒子重四十八克。",
        "Please answer before 2023-11-02.": "请在 2023 年 11 月 2 日之前回复。",
        "Yesterday I met Peter.": "昨天我遇见了彼得。",
    }
    result = run(Translator(lambda text: answers.get(text, "")), "translate", ("en>zh-Hans",))
    assert {case.input for case in result.cases if case.passed and case.output} == set(answers)


def test_failing_examples_are_kept_with_what_was_wanted():
    result = run(WordClassifier(WORDS))
    failures = result.failures("negated-praise", "en")
    assert len(failures) == 40
    assert {one.wanted for one in failures} == {"negative"}
    assert {one.output for one in failures} == {"positive"}
    assert all("not" in one.input or "can't" in one.input or "anything but" in one.input for one in failures)


def test_a_suite_without_tests_for_the_places_is_refused():
    with pytest.raises(EvaluationError, match="the suite sentiment has no test for fr"):
        for_places(load_starter("sentiment"), ["fr"])
    part = for_places(load_starter("sentiment"), ["de"])
    assert part.digest != load_starter("sentiment").digest


def test_a_predictor_that_gives_too_few_answers_is_refused():
    class Forgetful(WordClassifier):
        def predict(self, inputs):
            return super().predict(inputs)[1:]

    with pytest.raises(EvaluationError, match="63 answers to 64 inputs"):
        run(Forgetful(WORDS))
