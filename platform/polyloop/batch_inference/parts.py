"""Answers in files: one JSON object a line, or Parquet, a file for each chunk.

Inputs: rows and what became of each. Output: a file that is there as a whole or not at all. Kept columns come first;
fields without a value are left out of JSON Lines. In Parquet every file has the same columns, kept ones as text.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from polyloop.batch_inference.columns import FIXED_COLUMNS
from polyloop.batch_inference.question import Question
from polyloop.batch_inference.rows import AskedRow, Refusal
from polyloop.data.storage import write_parquet
from polyloop.models.contract import Prediction
from polyloop.models.storage import write_bytes

Outcome = Prediction | Refusal


def record(row: AskedRow, outcome: Outcome, version: str) -> dict[str, Any]:
    """Return all that is said of a row, as JSON knows it."""
    said: dict[str, Any] = {**row.kept, "where": row.where, "version": version}
    if row.asked is not None:
        said["locale"] = row.asked.locale
        if row.asked.target_locale != row.asked.locale:
            said["target_locale"] = row.asked.target_locale
    if isinstance(outcome, Refusal):
        return {**said, "error": {"code": outcome.code, "detail": outcome.detail}}
    said["output"] = outcome.output
    if outcome.scores is not None:
        said["scores"] = outcome.scores
    if outcome.confidence is not None:
        said["confidence"] = outcome.confidence
    if outcome.citations:
        said["citations"] = [asdict(one) for one in outcome.citations]
    return {**said, "input_tokens": outcome.num_input_tokens, "output_tokens": outcome.num_output_tokens}


def write_part(path: Path, rows: Sequence[AskedRow], outcomes: Sequence[Outcome], question: Question) -> None:
    """Write the answers to a chunk, in the order of its rows."""
    records = [record(row, outcome, question.version) for row, outcome in zip(rows, outcomes, strict=True)]
    if question.form == "jsonl":
        write_bytes(path, b"".join(map(_line, records)))
    else:
        write_parquet(path, _table(records, question.keep))


def _line(said: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(said, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # a lone surrogate, of bytes that were no UTF-8: JSON can only write it as an escape
        return json.dumps(said).encode() + b"\n"


def _table(records: Sequence[Mapping[str, Any]], keep: Sequence[str]) -> pa.Table:
    columns: dict[str, pa.Array] = {
        name: pa.array([_text(one.get(name)) for one in records], pa.string()) for name in keep
    }
    for name, kind in FIXED_COLUMNS:
        columns[name] = pa.array([_cell(one, name) for one in records], kind)
    return pa.table(columns)


def _cell(said: Mapping[str, Any], name: str) -> Any:
    if name in ("error_code", "error_detail"):
        found = said.get("error", {}).get(name.removeprefix("error_"))
        return None if found is None else _text(found)
    value = said.get(name)
    if name == "citations":
        return None if value is None else json.dumps(value, ensure_ascii=False)
    return list(value.items()) if name == "scores" and value is not None else value


def _text(value: object) -> str | None:
    """Return a kept value as text, without halves of characters."""
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text.encode("utf-8", errors="replace").decode()
