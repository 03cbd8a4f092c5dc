"""Results on disk and over process boundaries."""

import json
import pickle
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polyloop.errors import EvaluationError
from polyloop.evaluation.intervals import Interval
from polyloop.evaluation.results import (
    EvaluationResult,
    EvaluationRows,
    GroupResult,
    load_result,
    load_rows,
    save_result,
    save_rows,
)

ROWS = [("de", "good", "good"), ("en", "bad", "good"), ("zh-Hans", "good", "good"), ("en", "bad", "bad")]


def test_a_result_round_trips_through_its_folder(make_result, tmp_path):
    result = make_result(ROWS)
    save_result(result, tmp_path / "evaluation")
    assert load_result(tmp_path / "evaluation") == result
    assert sorted(path.name for path in (tmp_path / "evaluation").iterdir()) == ["evaluation.json", "rows.parquet"]


def test_groups_round_trip_and_a_result_saved_without_them_still_loads(make_result, tmp_path):
    group = GroupResult(
        dimension="length",
        name="quarter 1 (shortest)",
        num_rows=2,
        metrics={"accuracy": Interval(value=50.0, low=0.0, high=100.0)},
    )
    result = replace(make_result(ROWS), groups=(group,))
    save_result(result, tmp_path)
    assert load_result(tmp_path) == result
    summary = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    del summary["groups"]
    (tmp_path / "evaluation.json").write_text(json.dumps(summary), encoding="utf-8")
    assert load_result(tmp_path) == replace(result, groups=())


def test_the_summary_is_plain_json_without_the_rows(make_result):
    summary = json.loads(make_result(ROWS).to_json())
    assert summary["overall"] == {
        "locale": "overall",
        "num_rows": 4,
        "metrics": {"accuracy": {"value": 75.0, "low": 74.0, "high": 76.0}},
    }
    assert [one["locale"] for one in summary["slices"]] == ["de", "en", "zh-Hans"]
    assert "rows" not in summary


def test_results_survive_pickling(make_result):
    result = make_result(ROWS)
    assert pickle.loads(pickle.dumps(result)) == result


def test_rows_are_four_string_columns(make_result, tmp_path):
    rows = make_result(ROWS).rows
    path = save_rows(rows, tmp_path)
    schema = pq.read_schema(path)
    assert {field.name: field.type for field in schema} == dict.fromkeys(
        ("id", "target_locale", "prediction", "reference"), pa.string()
    )
    assert load_rows(tmp_path) == rows


def test_confidences_round_trip_where_there_are_any(make_result, tmp_path):
    rows = replace(make_result(ROWS).rows, confidences=(0.5, 0.25, 1.0, 0.0))
    save_rows(rows, tmp_path)
    assert load_rows(tmp_path) == rows
    with pytest.raises(EvaluationError, match="differ in length"):
        replace(rows, confidences=(0.5,))


def test_rankings_round_trip_and_are_judged_by_the_relevant_documents(make_result, tmp_path):
    rankings, relevant = (("a", "b"), (), ("c",), ("d",)), ("b", "", "c", "a")
    rows = replace(make_result(ROWS).rows, rankings=rankings, relevant=relevant)
    save_rows(rows, tmp_path)
    assert load_rows(tmp_path) == rows
    assert (rows.predictions_for("mrr"), rows.references_for("mrr")) == (rankings, relevant)
    assert rows.references_for("token_f1") == rows.references
    assert not rows.lacks("mrr")
    unknown = replace(rows, relevant=None)
    assert unknown.lacks("mrr")
    with pytest.raises(EvaluationError, match=r"no row names the document .* `columns\.document`"):
        unknown.references_for("mrr")


def test_the_tasks_own_name_for_what_is_out_of_scope_round_trips_and_is_told_to_its_metrics(make_result, tmp_path):
    rows = replace(make_result([("en", "else", "good"), ("en", "good", "else")]).rows, out_of_scope="else")
    save_rows(rows, tmp_path)
    assert load_rows(tmp_path) == rows
    assert list(rows.predictions_for("out_of_scope_recall")) == ["out_of_scope", "good"]
    assert list(rows.references_for("in_scope_accuracy")) == ["good", "out_of_scope"]
    assert rows.predictions_for("accuracy") == ("else", "good")


def test_saving_again_replaces_the_rows(make_result, tmp_path):
    save_rows(make_result(ROWS).rows, tmp_path)
    fewer = make_result(ROWS[:2]).rows
    save_rows(fewer, tmp_path)
    assert load_rows(tmp_path) == fewer


def test_columns_of_different_length_are_refused():
    with pytest.raises(EvaluationError, match="differ in length"):
        EvaluationRows(ids=("a", "b"), target_locales=("en",), predictions=("x",), references=("x",))


@pytest.mark.parametrize("kept", [[0, 1, 2], [0, 1, 2, 2]])
def test_rows_that_do_not_fit_the_summary_are_refused(make_result, tmp_path, kept):
    """One row fewer, and the right number of rows but of other locales."""
    save_result(make_result(ROWS), tmp_path)
    save_rows(make_result([ROWS[position] for position in kept]).rows, tmp_path)
    with pytest.raises(EvaluationError, match="evaluate it again"):
        load_result(tmp_path)


def test_missing_and_broken_files_are_named(make_result, tmp_path):
    with pytest.raises(EvaluationError, match="cannot read an evaluation from"):
        load_result(tmp_path)
    save_result(make_result(ROWS), tmp_path)
    (tmp_path / "rows.parquet").write_bytes(b"not parquet at all")
    with pytest.raises(EvaluationError, match=r"cannot read evaluation rows from .*rows\.parquet"):
        load_result(tmp_path)
    (tmp_path / "rows.parquet").unlink()
    with pytest.raises(EvaluationError, match="cannot read evaluation rows"):
        load_result(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"overall": 3, "slices": []}'])
def test_a_malformed_summary_is_refused(make_result, text):
    with pytest.raises(EvaluationError, match="not the summary of an evaluation"):
        EvaluationResult.from_json(text, make_result(ROWS).rows)


def test_a_failed_write_leaves_what_was_there(make_result, tmp_path, monkeypatch):
    rows = make_result(ROWS).rows
    save_rows(rows, tmp_path)

    def full_disk(table, path, **options):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("polyloop.evaluation.results.pq.write_table", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_rows(make_result(ROWS[:2]).rows, tmp_path)
    assert load_rows(tmp_path) == rows
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]
