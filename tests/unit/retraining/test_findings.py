"""What a version's manifest keeps of its evaluation."""

import json
from pathlib import Path

import pytest
from tests.support.small_tasks import small_task

from polyloop.errors import ArtefactError
from polyloop.evaluation.intervals import Interval
from polyloop.evaluation.results import EvaluationResult, EvaluationRows, GroupResult, SliceResult
from polyloop.evaluation.suites.results import CaseResult, SuiteResult, summarise
from polyloop.retraining.findings import decision_note, group_rows, metric_rows, suite_rows

SCORE = {"accuracy": Interval(value=50.0, low=40.0, high=60.0)}


def result() -> EvaluationResult:
    return EvaluationResult(
        task="numbers",
        version="v1",
        dataset_digest="d",
        holdout_digest="h",
        metric="accuracy",
        overall=SliceResult(locale="overall", num_rows=2, metrics=SCORE),
        slices=(SliceResult(locale="en", num_rows=2, metrics=SCORE),),
        latency_ms=1.0,
        size_bytes=1,
        rows=EvaluationRows(
            ids=("a", "b"), target_locales=("en", "en"), predictions=("even", "even"), references=("even", "odd")
        ),
        groups=(
            GroupResult(dimension="label", name="even", num_rows=1, metrics=SCORE),
            GroupResult(dimension="label", name="odd", num_rows=1, metrics={}),
        ),
    )


def test_locales_come_first_and_groups_need_the_gates_metric() -> None:
    assert [(row.locale, row.value, row.low, row.high) for row in metric_rows(result())] == [
        ("en", 50.0, 40.0, 60.0),
        ("overall", 50.0, 40.0, 60.0),
    ]
    (group,) = group_rows(result())
    assert (group.dimension, group.name, group.metric, group.num_rows) == ("label", "even", "accuracy", 1)


def test_suites_are_kept_by_test_and_place() -> None:
    cases = tuple(
        CaseResult(
            id=str(number),
            subject=str(number),
            test="names",
            slice="en",
            input="",
            input_before=None,
            output="",
            output_before=None,
            wanted="",
            points=100.0 * number,
            passed=bool(number),
        )
        for number in range(2)
    )
    suite = SuiteResult(
        suite="own", type="behaviour", digest="d", task="t", version="v1", slices=summarise(cases), cases=cases
    )
    (row,) = suite_rows([suite])
    assert (row.suite, row.test, row.place, row.num_cases, row.rate, row.goal) == ("own", "names", "en", 2, 50.0, "all")
    assert row.low < 50.0 < row.high


def test_the_rule_of_a_classifier_is_told_from_its_configuration(tmp_path: Path) -> None:
    rule = {"temperature": 1.25, "out_of_scope": 1, "threshold": 0.4}
    (tmp_path / "config.json").write_text(json.dumps({"polyloop_decision": rule}))
    note = decision_note(tmp_path, small_task("classify"))
    assert note is not None
    assert (note.temperature, note.out_of_scope_label, note.threshold) == (1.25, "odd", 0.4)
    (tmp_path / "config.json").write_text("{}")
    plain = decision_note(tmp_path, small_task("classify"))
    assert plain is not None
    assert (plain.temperature, plain.out_of_scope_label, plain.has_label_sets) == (1.0, None, False)
    (tmp_path / "config.json").write_text(json.dumps({"polyloop_decision": {"has_label_sets": True}}))
    several = decision_note(tmp_path, small_task("classify", multi_label=True))
    assert several is not None
    assert several.has_label_sets


def test_other_kinds_have_no_rule_and_a_folder_without_configuration_is_no_model(tmp_path: Path) -> None:
    assert decision_note(tmp_path, small_task("translate")) is None
    with pytest.raises(ArtefactError, match=r"config\.json"):
        decision_note(tmp_path, small_task("classify"))
