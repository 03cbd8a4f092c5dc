"""Recall of what is out of scope, accuracy of what is in it."""

import pytest

from polyloop.errors import EvaluationError
from polyloop.evaluation.metrics import score, statistics

LABELS = ("balance", "transfer")
REFERENCES = ["balance", "transfer", "transfer", "oos", "oos", "oos", "oos"]
GUESSES = ["balance", "balance", "oos", "oos", "transfer", "oos", "out_of_scope"]


def corpus(metric: str, guesses, references, labels=LABELS) -> float:
    return float(score(metric, statistics(metric, guesses, references, locale="en", labels=labels).sum(axis=0)))


@pytest.mark.parametrize("labels", [LABELS, (*LABELS, "oos")])
def test_each_counts_its_own_rows_alone(labels):
    assert corpus("out_of_scope_recall", GUESSES, REFERENCES, labels) == pytest.approx(75.0)
    assert corpus("in_scope_accuracy", GUESSES, REFERENCES, labels) == pytest.approx(100 / 3)


def test_a_model_that_turns_everything_away_has_full_recall_and_no_accuracy():
    everything = ["oos"] * len(REFERENCES)
    assert corpus("out_of_scope_recall", everything, REFERENCES) == 100.0
    assert corpus("in_scope_accuracy", everything, REFERENCES) == 0.0


def test_rows_of_the_other_kind_leave_no_trace_in_the_sums():
    assert not statistics("out_of_scope_recall", ["balance"], ["balance"], locale="en", labels=LABELS).any()
    assert not statistics("in_scope_accuracy", ["balance"], ["oos"], locale="en", labels=LABELS).any()


def test_a_reference_that_is_no_label_is_an_error():
    with pytest.raises(EvaluationError, match="'weather' is not a label"):
        corpus("in_scope_accuracy", ["balance"], ["weather"])
