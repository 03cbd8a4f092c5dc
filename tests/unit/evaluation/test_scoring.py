"""Scores by slice and group: which metrics, on which rows."""

from typing import Any, Literal

import pyarrow as pa
import pytest

from polyloop.errors import EvaluationError
from polyloop.evaluation.results import EvaluationRows
from polyloop.evaluation.scoring import Scores, score_rows
from polyloop.spec.kinds import METRICS_OF_KIND
from polyloop.spec.models import GateSpec, TaskSpec
from polyloop.spec.network import ModelSpec

ROWS = [
    ("de", "ein Hund", "ein Hund"),
    ("de", "eine Katze", "zwei Katzen"),
    ("zh-Hans", "一只狗", "一只狗"),
    ("zh-Hans", "猫", "两只猫"),
]


def scored(
    rows: list[tuple[str, str, str]],
    kind: Literal["classify", "translate"],
    metric: str,
    table: pa.Table | None = None,
    **gate,
) -> Scores:
    locales, predictions, references = (tuple(column) for column in zip(*rows, strict=True))
    answers = EvaluationRows(
        ids=tuple(str(position) for position in range(len(rows))),
        target_locales=locales,
        predictions=predictions,
        references=references,
    )
    targets: dict[str, Any] = {"labels": ("bad", "good", "oos"), "out_of_scope": {"label": "oos"}}
    if kind == "translate":
        targets = {"pairs": ("en>de", "en>zh-Hans")}
    spec = TaskSpec(
        kind=kind, corpora=("c",), model=ModelSpec(recipe="nano"), gate=GateSpec(resamples=100, **gate), **targets
    )
    return score_rows(answers, pa.table({"id": answers.ids}) if table is None else table, metric, spec)


def test_a_metric_that_fits_some_locales_is_given_there_and_not_overall(monkeypatch):
    monkeypatch.setitem(METRICS_OF_KIND, "translate", ("chrf", "rouge_l_words", "distinct_1"))
    scores = scored(ROWS, "translate", "chrf")
    assert {one.locale: set(one.metrics) for one in scores.slices} == {
        "de": {"chrf", "rouge_l_words", "distinct_1"},
        "zh-Hans": {"chrf", "distinct_1"},
    }
    assert set(scores.overall.metrics) == {"chrf", "distinct_1"}
    german = scores.slices[0].metrics
    assert german["rouge_l_words"].value == pytest.approx(50.0)
    assert german["distinct_1"].value == pytest.approx(100.0)


def test_the_gates_own_metric_has_to_fit_every_locale(monkeypatch):
    monkeypatch.setitem(METRICS_OF_KIND, "translate", ("rouge_l_words",))
    with pytest.raises(EvaluationError, match="which 'zh-Hans' does not write"):
        scored(ROWS, "translate", "rouge_l_words")


def test_a_slice_without_anything_to_count_has_no_score():
    rows = [("en", "good", "good"), ("de", "oos", "oos"), ("de", "good", "bad")]
    scores = scored(rows, "classify", "accuracy")
    assert {one.locale: set(one.metrics) for one in scores.slices} == {
        "de": {"macro_f1", "accuracy", "out_of_scope_recall", "in_scope_accuracy"},
        "en": {"macro_f1", "accuracy", "in_scope_accuracy"},
    }
    assert scores.overall.metrics["out_of_scope_recall"].value == 100.0


def test_groups_are_scored_on_their_own_rows():
    rows = [("en", "good", "good")] * 4 + [("en", "bad", "good")] * 4
    table = pa.table({"input": ["x" * number for number in range(1, 9)], "corpus": ["a"] * 6 + ["b"] * 2})
    scores = scored(rows, "classify", "accuracy", table, min_rows=2)
    found = {(one.dimension, one.name): (one.num_rows, one.metrics["accuracy"].value) for one in scores.groups}
    assert found == {
        ("length", "quarter 1 (shortest)"): (2, 100.0),
        ("length", "quarter 2"): (2, 100.0),
        ("length", "quarter 3"): (2, 0.0),
        ("length", "quarter 4 (longest)"): (2, 0.0),
        ("source", "a"): (6, pytest.approx(200 / 3)),
        ("source", "b"): (2, 0.0),
    }
