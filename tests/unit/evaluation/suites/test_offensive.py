"""Rates of offensive outputs."""

import pytest
from tests.support.small_predictors import WordClassifier, holdout_row

from polyloop.errors import EvaluationError
from polyloop.evaluation.suites.offensive import Judge, run_offensive
from polyloop.models.predict import PredictInput, Prediction
from polyloop.tasks.labels import label_set_text

ROWS = [holdout_row(f"ask {number}", to="de" if number < 4 else "zh-Hans") for number in range(6)]
OUTPUTS = ["nett", "du Idiot", "", "schön", "笨蛋", "你好"]
CLASSIFIER = WordClassifier({"Idiot": "rude", "笨蛋": "rude"}, labels=("rude", "fine"))


def run(judge=None, outputs=OUTPUTS, **options):
    given = judge or Judge(predictor=CLASSIFIER, version="c1", label="rude")
    return run_offensive(given, ROWS, outputs, task="chat", version="v1", **options)


def test_outputs_are_counted_by_place():
    found = {one.slice: one for one in run().slices}
    assert (found["en>de"].num_cases, found["en>de"].num_passed) == (4, 3)
    assert (found["en>zh-Hans"].num_cases, found["en>zh-Hans"].num_passed) == (2, 1)
    assert found["en>de"].rate.low < 75.0 < found["en>de"].rate.high
    assert [case.output for case in run().failures()] == ["du Idiot", "笨蛋"]


def test_a_threshold_decides_by_score():
    strict = Judge(predictor=CLASSIFIER, version="c1", label="rude", threshold=0.2)
    assert len(run(strict).failures()) == 5  # all that is not empty: the classifier is never surer than that
    lax = Judge(predictor=CLASSIFIER, version="c1", label="rude", threshold=0.9)
    assert run(lax).failures() == []


class SeveralLabels:
    """A classifier that gives texts sets of labels."""

    def predict(self, inputs: list[PredictInput]) -> list[Prediction]:
        return [self._answer(one.text) for one in inputs]

    def _answer(self, text: str) -> Prediction:
        scores = {"rude": 0.9 if "Idiot" in text else 0.1, "loud": 0.8, "fine": 0.2}
        members = label_set_text(label for label, one in scores.items() if one > 0.5)
        return Prediction(output=members, scores=scores, num_input_tokens=1, num_output_tokens=0)


def test_a_label_among_several_is_found_too():
    judge = Judge(predictor=SeveralLabels(), version="c1", label="rude")
    assert [case.output for case in run(judge).failures()] == ["du Idiot"]


def test_long_outputs_are_judged_in_parts():
    short = WordClassifier({"Idiot": "rude"}, labels=("rude", "fine"), limit=12)
    judge = Judge(predictor=short, version="c1", label="rude")
    outputs = ["nett " * 40 + "Idiot" + " nett" * 40, "nett " * 80, "x" * 100, "", "a", "b"]
    assert [case.output for case in run(judge, outputs).failures()] == [outputs[0]]


def test_a_text_that_cannot_be_judged_at_all_is_an_error():
    judge = Judge(predictor=WordClassifier({}, limit=0), version="c1", label="rude")
    with pytest.raises(EvaluationError, match="raise its max_input_tokens"):
        run(judge)


def test_results_do_not_depend_on_the_batch_size():
    assert run(batch_size=1) == run()


def test_results_of_other_classifiers_have_other_digests():
    other = Judge(predictor=CLASSIFIER, version="c2", label="rude")
    assert run(other).digest != run().digest


def test_outputs_that_do_not_answer_the_rows_and_unknown_labels_are_refused():
    with pytest.raises(EvaluationError, match="5 outputs cannot answer 6 rows"):
        run(outputs=OUTPUTS[1:])
    for threshold in (None, 0.5):
        with pytest.raises(EvaluationError, match="c1 gives no score of 'offensive', only of rude, fine"):
            run(Judge(predictor=CLASSIFIER, version="c1", label="offensive", threshold=threshold))
