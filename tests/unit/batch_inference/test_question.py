"""What may be asked of rows, and the digest by which an unfinished run is known again."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.batch_questions import question

from polyloop.batch_inference.columns import FIXED_COLUMNS, RECORD_FIELDS
from polyloop.batch_inference.question import request_fields
from polyloop.errors import SpecError

SLICES = [("a.jsonl", "1" * 64)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": {"user": "who"}}, "has no field 'user' that rows could give; it has input, locale, target_locale"),
        ({"values": {"style": "tang"}}, "has no field 'style'"),
        ({"columns": {"locale": "l"}, "values": {"locale": "en"}}, "'locale' is given as a column and as a value"),
        ({"keep": ("id", "output")}, "the column 'output' cannot be kept"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        question(**changes)


def test_fields_of_rows_are_those_of_requests_but_who_asks() -> None:
    assert request_fields(question("generate").task) == ("input", "locale", "style")
    assert request_fields(question("chat").task) == ("input", "locale", "messages")


def test_kept_columns_never_meet_a_column_of_the_answers() -> None:
    assert {name for name, _ in FIXED_COLUMNS} <= RECORD_FIELDS


def test_the_digest_follows_all_that_decides_the_answers(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    asked = question(model_dir=tmp_path)
    others = [
        replace(asked, keep=("id",)),
        replace(asked, form="parquet"),
        replace(asked, values={"target_locale": "de"}),
        replace(asked, columns={"input": "x"}),
        replace(asked, version="v2"),
        replace(
            asked,
            task=asked.task.model_copy(update={"serving": asked.task.serving.model_copy(update={"engine": "pytorch"})}),
        ),
    ]
    digests = {one.digest(SLICES) for one in [asked, *others]} | {asked.digest([("a.jsonl", "2" * 64)])}
    (tmp_path / "manifest.json").write_text("{ }")
    digests.add(asked.digest(SLICES))
    assert len(digests) == len(others) + 3
    assert asked.digest(SLICES) == replace(asked, threads=8).digest(SLICES)
