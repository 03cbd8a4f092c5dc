"""Results of suites on disk and over process boundaries."""

import dataclasses
import json
import pickle

import pytest

from polyloop.errors import EvaluationError
from polyloop.evaluation.suites.results import (
    CaseResult,
    SuiteResult,
    load_suite_result,
    save_suite_result,
    summarise,
)


def case(number, passed, *, test="a", slice="en"):
    return CaseResult(
        id=str(number),
        subject=str(number),
        test=test,
        slice=slice,
        input=f"text {number} 你好",
        input_before=None if number % 2 else "before",
        output="out",
        output_before=None if number % 2 else "out before",
        wanted="good",
        points=100.0 if passed else 0.0,
        passed=passed,
    )


def result(cases, **changes):
    given = {"suite": "moods", "type": "behaviour", "digest": "d", "task": "mood", "version": "v1"}
    summary = summarise(cases, numbers=lambda test, slice: {"num_x": 1.5})
    return SuiteResult(**(given | {"slices": summary, "cases": tuple(cases)} | changes))


CASES = [case(1, True), case(2, False), case(3, True), case(4, False, slice="de"), case(5, True, test="b")]


def test_cases_are_counted_by_test_and_slice():
    found = [(one.test, one.slice, one.num_cases, one.num_passed) for one in result(CASES).slices]
    assert found == [("a", "de", 1, 0), ("a", "en", 3, 2), ("b", "en", 1, 1)]
    rate = result(CASES).slices[1].rate
    assert rate.value == pytest.approx(200 / 3)
    assert rate.low < rate.value < rate.high
    assert result(CASES).total().value == 60.0
    assert result(CASES).total("en").value == 75.0


def test_failures_are_found_by_test_and_slice():
    assert [one.id for one in result(CASES).failures()] == ["2", "4"]
    assert [one.id for one in result(CASES).failures("a", "en")] == ["2"]
    assert result(CASES).failures("b") == []


def test_a_result_round_trips_through_its_folder(tmp_path):
    one, other = result(CASES), result(CASES, suite="other", goal="half", tolerance=10.0, type="stereotypes")
    assert save_suite_result(one, tmp_path) == tmp_path / "suites" / "moods"
    save_suite_result(other, tmp_path)
    assert load_suite_result(tmp_path, "moods") == one
    assert load_suite_result(tmp_path, other.suite) == other
    assert sorted(path.name for path in (tmp_path / "suites" / "moods").iterdir()) == ["cases.parquet", "suite.json"]
    with pytest.raises(EvaluationError, match="run the suite again"):
        load_suite_result(tmp_path / "elsewhere", "moods")


def test_the_summary_is_plain_json_without_the_cases():
    summary = json.loads(result(CASES).to_json())
    assert summary["slices"][1]["numbers"] == {"num_x": 1.5}
    assert "cases" not in summary


def test_results_are_frozen_and_survive_pickling():
    one = result(CASES)
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.version = "v2"


@pytest.mark.parametrize("cases", [CASES[1:], [*CASES, case(6, True)], [case(1, False), *CASES[1:]]])
def test_cases_that_do_not_fit_the_summary_are_refused(cases):
    with pytest.raises(EvaluationError, match="run the suite again"):
        SuiteResult.from_json(result(CASES).to_json(), cases)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"type": "x", "goal": "all"}'])
def test_a_malformed_summary_is_refused(text):
    with pytest.raises(EvaluationError, match="not the summary of a suite"):
        SuiteResult.from_json(text, [])


def test_missing_files_are_named(tmp_path):
    with pytest.raises(EvaluationError, match="cannot read a suite's result from"):
        load_suite_result(tmp_path, "moods")
    folder = save_suite_result(result(CASES), tmp_path)
    (folder / "cases.parquet").write_bytes(b"broken")
    with pytest.raises(EvaluationError, match="cannot read a suite's result from"):
        load_suite_result(tmp_path, "moods")
