"""Whether it was right to answer at all, counted by hand."""

import numpy as np
import pytest

from polyloop.evaluation.metrics import score, statistics


def points(metric: str, predictions: list[str], references: list[str]) -> float:
    return float(score(metric, statistics(metric, predictions, references, locale="en").sum(axis=0)))


def test_each_metric_counts_its_own_rows() -> None:
    predictions, references = ["a", "", "x", " ", ""], ["a", "b", "", "", ""]
    assert points("answered", predictions, references) == pytest.approx(50.0)
    assert points("no_answer_accuracy", predictions, references) == pytest.approx(200 / 3)


def test_silence_is_right_only_where_there_is_no_answer() -> None:
    assert points("no_answer_accuracy", [""] * 2, ["", "a"]) == 100.0
    assert points("answered", [""] * 2, ["", "a"]) == 0.0


def test_a_slice_without_such_rows_counts_nothing() -> None:
    assert not np.any(statistics("no_answer_accuracy", ["a"], ["a"], locale="en"))
    assert not np.any(statistics("answered", ["a"], [""], locale="en"))
