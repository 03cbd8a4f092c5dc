"""Whatever a row of a file holds, it is asked, or refused with a code and what to do, and travels as bytes."""

import datetime
import decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.batch_questions import question
from tests.support.outside_bytes import TEXTS, VALUES

from polyloop.batch_inference.rows import asked_row, pack, unpack
from polyloop.data.read.row import RawRow

DAY = datetime.date(2026, 1, 2)
OF_TABLES = st.sampled_from([b"\xff", DAY, decimal.Decimal("1e9"), [("key", DAY)], {"a": b"\x00"}, [{"role": b"user"}]])
"""Values that Parquet has and JSON does not."""
NAMES = st.sampled_from(["input", "text", "locale", "target_locale", "messages", "style", "kept"])
ROWS = st.dictionaries(NAMES | TEXTS, VALUES | OF_TABLES, max_size=5)
QUESTIONS = {kind: question(kind, keep=("kept",)) for kind in ("translate", "chat", "classify")}


@settings(max_examples=150)
@given(values=ROWS, kind=st.sampled_from(sorted(QUESTIONS)))
def test_every_row_is_asked_or_refused_and_travels(values: dict[str, object], kind: str) -> None:
    row = asked_row(RawRow(1, values), "rows.jsonl", QUESTIONS[kind])
    assert (row.asked is None) != (row.refusal is None)
    if row.refusal is not None:
        assert row.refusal.code
        assert row.refusal.detail
    (back,) = unpack(pack([row]))
    assert (back.where, back.asked, back.refusal) == (row.where, row.asked, row.refusal)
