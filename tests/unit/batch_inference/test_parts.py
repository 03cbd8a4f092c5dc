"""Answers in files: every row, in order, whatever became of it."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.support.batch_questions import question

from polyloop.batch_inference.parts import Outcome, write_part
from polyloop.batch_inference.rows import AskedRow, Refusal
from polyloop.models.contract import PredictInput, Prediction
from polyloop.retrieval.answers import Citation

CITED = Citation(
    document_id="d1", source="d1.txt", locale="en", passage_start=0, passage_end=9, start=2, end=5, score=1.0
)
ROWS = [
    AskedRow(where="a:1", kept={"id": 1}, asked=PredictInput(text="one", locale="en", target_locale="en")),
    AskedRow(where="a:2", kept={"id": None}, asked=PredictInput(text="two", locale="en", target_locale="de")),
    AskedRow(where="a:3", kept={"id": ["x", "é"]}, refusal=Refusal(code="empty_input", detail="no text")),
]
OUTCOMES: list[Outcome] = [
    Prediction(output="odd", scores={"odd": 0.75, "even": 0.25}, num_input_tokens=2, num_output_tokens=0),
    Prediction(output="2", scores=None, num_input_tokens=3, num_output_tokens=4, citations=(CITED,), confidence=0.5),
    Refusal(code="empty_input", detail="no text"),
]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_json_lines_leave_out_what_is_not_known(tmp_path: Path) -> None:
    write_part(tmp_path / "part.jsonl", ROWS, OUTCOMES, question(keep=("id",)))
    first, second, third = lines(tmp_path / "part.jsonl")
    assert first == {
        "id": 1,
        "where": "a:1",
        "version": "v1",
        "locale": "en",
        "output": "odd",
        "scores": {"odd": 0.75, "even": 0.25},
        "input_tokens": 2,
        "output_tokens": 0,
    }
    assert second["target_locale"] == "de"
    assert second["confidence"] == 0.5
    assert second["citations"][0]["document_id"] == "d1"
    assert third == {
        "id": ["x", "é"],
        "where": "a:3",
        "version": "v1",
        "error": {"code": "empty_input", "detail": "no text"},
    }


def test_parquet_has_the_same_columns_whatever_the_rows(tmp_path: Path) -> None:
    asked = question(keep=("id",), form="parquet")
    write_part(tmp_path / "all.parquet", ROWS, OUTCOMES, asked)
    write_part(tmp_path / "refused.parquet", ROWS[2:], OUTCOMES[2:], asked)
    table = pq.read_table(tmp_path / "all.parquet")
    assert table.schema.equals(pq.read_schema(tmp_path / "refused.parquet"))
    first, second, third = table.to_pylist()
    assert first["id"] == "1"
    assert dict(first["scores"]) == {"odd": 0.75, "even": 0.25}
    assert json.loads(second["citations"])[0]["end"] == 5
    assert (third["id"], third["output"], third["error_code"]) == ('["x", "é"]', None, "empty_input")


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_halves_of_characters_are_no_obstacle(tmp_path: Path, form: Any) -> None:
    row = AskedRow(where="a:1", kept={"id": "x\udc80"}, refusal=Refusal(code="invalid_utf8", detail="y\udc80"))
    write_part(
        tmp_path / "part", [row], [Refusal(code="invalid_utf8", detail="y\udc80")], question(keep=("id",), form=form)
    )
    if form == "jsonl":
        assert lines(tmp_path / "part")[0]["id"] == "x\udc80"
    else:
        assert pq.read_table(tmp_path / "part").column("id").to_pylist() == ["x?"]
