"""What rows of files ask: fields from columns, the checks of the API, and reasons in place of answers."""

from datetime import date
from typing import Any

import pytest
from tests.support.batch_questions import question

from polyloop.batch_inference.question import Question
from polyloop.batch_inference.rows import AskedRow, Refusal, asked_row, pack, unpack, wanted_columns
from polyloop.data.read.row import RawRow
from polyloop.errors import DataError
from polyloop.models.contract import PredictInput


def asked(values: dict[str, Any] | None, to: Question, reason: str = "") -> AskedRow:
    return asked_row(RawRow(7, values, reason, "{broken" if reason else ""), "a.jsonl", to)


def test_fields_come_from_columns_of_their_own_names_and_texts_are_normalised() -> None:
    row = asked({"input": " one\u200b  two ", "locale": "en", "target_locale": "fr", "more": 1}, question())
    assert row.where == "a.jsonl:7"
    assert row.asked == PredictInput(text="one two", locale="en", target_locale="fr")
    assert row.refusal is None
    assert row.kept == {}


def test_named_columns_and_values_go_before_columns_of_the_fields_names() -> None:
    to = question(columns={"input": "review"}, values={"target_locale": "de"}, keep=("id", "gone"))
    row = asked({"input": "not this", "review": "one", "target_locale": "fr", "id": 3, "locale": None}, to)
    assert asked({"review": "one", "id": float("nan")}, to).kept["id"] is None
    assert row.asked == PredictInput(text="one", locale="en", target_locale="de")
    assert row.kept == {"id": 3, "gone": None}


@pytest.mark.parametrize("values", [{"text": "one"}, {"input": "one", "text": "two"}])
def test_a_column_called_text_holds_the_input_where_there_is_none_called_input(values: dict[str, str]) -> None:
    row = asked(values, question(values={"target_locale": "de"}))
    assert row.asked is not None
    assert row.asked.text == "one"


@pytest.mark.parametrize(
    ("values", "code", "detail"),
    [
        ({"input": "one"}, "unknown_locale", "without a target_locale"),
        ({"input": "one", "target_locale": "es"}, "unknown_locale", "does not serve en>es"),
        ({"input": "one", "locale": "xx-nonsense-tag", "target_locale": "de"}, "invalid_request", "locale"),
        ({"input": "\u200b", "target_locale": "de"}, "empty_input", "there is no text"),
        ({"input": "", "target_locale": "de"}, "invalid_request", "input: String should have at least 1 character"),
        ({"input": 5, "target_locale": "de"}, "invalid_request", "input: Input should be a valid string (got 5)"),
        ({"target_locale": "de"}, "invalid_request", "input: Field required"),
    ],
)
def test_what_the_api_would_refuse_has_its_reason(values: dict[str, Any], code: str, detail: str) -> None:
    row = asked(values, question())
    assert row.asked is None
    assert row.refusal is not None
    assert (row.refusal.code, detail in row.refusal.detail) == (code, True), row.refusal


def test_a_row_that_cannot_be_read_has_the_readers_reason() -> None:
    row = asked(None, question(), "bad_json")
    assert row.refusal == Refusal(code="bad_json", detail="the row cannot be read: {broken")


def test_bytes_that_are_no_utf_8_are_dropped_as_they_are_from_corpora() -> None:
    row = asked({"input": "on\udc80e", "target_locale": "de", "locale": "en"}, question())
    assert row.asked is not None
    assert row.asked.text == "one"


def test_turns_of_a_chat_are_lists_of_objects() -> None:
    turns = [{"role": "user", "content": "one"}]
    row = asked({"messages": turns, "locale": "en"}, question("chat"))
    assert row.asked is not None
    assert row.asked.text == '[{"role": "user", "content": "one"}]'


def test_rows_travel_as_bytes() -> None:
    rows = [
        AskedRow(where="a:1", kept={"id": 1}, asked=PredictInput(text="\ud800é", locale="en", target_locale="de")),
        AskedRow(where="a:2", kept={}, refusal=Refusal(code="bad_json", detail="no")),
    ]
    assert unpack(pack(rows)) == rows
    dated = AskedRow(where="a:3", kept={"day": date(2026, 1, 2)}, refusal=Refusal(code="x", detail="y"))
    assert unpack(pack([dated]))[0].kept == {"day": "2026-01-02"}


def test_the_columns_to_read_are_the_named_ones_and_those_of_fields() -> None:
    to = question(columns={"input": "review"}, keep=("id",))
    assert wanted_columns(("id", "locale", "review", "more"), "a.csv", to) == ("review", "id", "locale")
    assert wanted_columns((), "a.jsonl", to) == ()
    assert wanted_columns(("text",), "a.txt", question(values={"target_locale": "de"})) == ("text",)


@pytest.mark.parametrize(
    ("header", "changes", "message"),
    [
        (("a", "b"), {"columns": {"input": "c"}}, "a.csv: there is no column 'c'; its columns: 'a', 'b'"),
        (("input", "b"), {"keep": ("id",)}, "a.csv: there is no column 'id'"),
        (("a", "b"), {}, "none of its columns is called 'input' or 'text'; say which one .* such as `input=a`"),
    ],
)
def test_a_file_without_a_column_is_refused(header: tuple[str, ...], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        wanted_columns(header, "a.csv", question(**changes))
