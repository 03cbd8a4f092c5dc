"""JSON Lines: a row from each line that holds an object; control characters in its strings, NULs too, are kept.

Drops: bad_json, invalid_utf8 (where bytes that are no UTF-8 break the JSON itself), missing_column, and those of
`lines`.
"""

import json
from collections.abc import Iterator, Sequence

from polyloop.data.read.lines import read_lines
from polyloop.data.read.row import RawRow, is_text, missing_columns
from polyloop.data.read.slices import Slice

_DECODER = json.JSONDecoder(strict=False)


def read_jsonl(piece: Slice, columns: Sequence[str]) -> Iterator[RawRow]:
    """Yield the rows of a slice; DataError if not one row of a file's first slice has a column."""
    wanted = set(columns)
    never_seen = set(columns)
    first_keys: list[str] = []
    for line in read_lines(piece):
        if isinstance(line, RawRow):
            yield line
            continue
        number, text = line[0], line[1].rstrip("\r\n")
        if not text:
            continue
        row = _json_row(number, text)
        if row.values is not None:
            never_seen -= row.values.keys()
            first_keys = first_keys or list(row.values)
            if not row.values.keys() >= wanted:
                row = RawRow(number, None, "missing_column", text)
        yield row
    if first_keys and never_seen and piece.start == 0:
        raise missing_columns(piece.path, sorted(never_seen), first_keys)


def _json_row(number: int, text: str) -> RawRow:
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return RawRow(number, None, "bad_json" if is_text(text) else "invalid_utf8", text)
    if not isinstance(value, dict):
        return RawRow(number, None, "bad_json", text)
    return RawRow(number, value)
