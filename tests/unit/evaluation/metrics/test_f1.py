"""F1 over labels and label sets against scikit-learn."""

import json

import numpy as np
import pytest
from sklearn.metrics import f1_score
from sklearn.preprocessing import MultiLabelBinarizer

from polyloop.errors import EvaluationError
from polyloop.evaluation.metrics import labels_in, score, statistics

LABELS = ("billing", "delivery", "refund", "other")


def corpus(metric: str, guesses, references) -> float:
    return float(score(metric, statistics(metric, guesses, references, locale="en", labels=LABELS).sum(axis=0)))


def in_json(labels: frozenset[str]) -> str:
    return json.dumps(sorted(labels))


def drawn_sets(seed: int, num_rows: int) -> list[frozenset[str]]:
    random = np.random.default_rng(seed)
    return [frozenset(label for label in LABELS if random.random() < 0.4) for _ in range(num_rows)]


def test_single_label_micro_f1_is_scikit_learns_and_equals_accuracy():
    random = np.random.default_rng(1)
    references = [str(one) for one in random.choice(LABELS, size=200)]
    guesses = [str(one) for one in random.choice(LABELS, size=200)]
    expected = 100 * f1_score(references, guesses, average="micro")
    assert corpus("micro_f1", guesses, references) == pytest.approx(expected)
    assert corpus("accuracy", guesses, references) == pytest.approx(expected)


@pytest.mark.parametrize("form", [frozenset, tuple, list, in_json])
def test_multi_label_f1_equals_scikit_learn_in_every_form(form):
    wanted, given = drawn_sets(2, 200), drawn_sets(3, 200)
    binarise = MultiLabelBinarizer(classes=LABELS).fit([LABELS]).transform
    for metric, average in (("micro_f1", "micro"), ("macro_f1", "macro")):
        expected = 100 * f1_score(binarise(wanted), binarise(given), average=average)
        assert corpus(metric, [form(one) for one in given], [form(one) for one in wanted]) == pytest.approx(expected)


def test_accuracy_of_label_sets_asks_for_the_whole_set_in_any_order():
    references = ['["billing", "refund"]', '["delivery"]', "[]"]
    guesses = ['["refund", "billing"]', '["delivery", "refund"]', ""]
    assert corpus("accuracy", guesses, references) == pytest.approx(100 * 2 / 3)


def test_a_label_that_the_task_does_not_have_costs_precision():
    # One hit, one unknown label given, nothing missed: F1 = 2 / 3.
    assert corpus("micro_f1", ['["refund", "old"]'], ['["refund"]']) == pytest.approx(100 * 2 / 3)


def test_a_wanted_label_that_the_task_does_not_have_is_an_error():
    with pytest.raises(EvaluationError, match="reference 'old' is not a label"):
        corpus("micro_f1", ['["refund"]'], ['["refund", "old"]'])


def test_labels_are_found_in_either_form_and_only_for_metrics_that_take_them():
    assert labels_in("macro_f1", ["good", "bad", "good"]) == ("bad", "good")
    assert labels_in("micro_f1", ['["b", "a"]', '["c"]', "[]"]) == ("a", "b", "c")
    assert labels_in("chrf", ["a sentence"]) == ()
