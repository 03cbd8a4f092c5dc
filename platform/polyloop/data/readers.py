"""Reads corpus files row by row; a bad row is handed on with its reason, a bad file is a `DataError`.

Input: a file in JSON Lines, CSV, TSV (each also gzipped) or Parquet, and the columns that are wanted.
Output: a stream of `RawRow`s; memory stays flat except for Parquet, which is read a batch at a time.
Rules: text is UTF-8; blank lines are skipped; TSV has no quoting, CSV follows RFC 4180 (quoted line breaks included);
the first line of CSV and TSV names the columns. Bytes that are not UTF-8 come through as lone surrogates, so that the
caller can tell them in the columns that it uses.
"""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, cast

import pyarrow as pa
import pyarrow.parquet as pq

from polyloop.errors import DataError

Format = Literal["jsonl", "csv", "tsv", "parquet"]
Values = dict[str, object]

SUFFIXES: dict[str, Format] = {".jsonl": "jsonl", ".csv": "csv", ".tsv": "tsv", ".parquet": "parquet"}

BYTE_ORDER_MARK = "\ufeff"
PARQUET_BATCH_ROWS = 4_096
MAX_CSV_FIELD_CHARACTERS = 1_048_576
"""A CSV field longer than this is taken for a quote that was never closed, and the row for malformed."""


class RawRow(NamedTuple):
    """One row of a file: its number (from 1) and either its values or why it has none, with an excerpt."""

    number: int
    values: Values | None
    reason: str = ""
    sample: str = ""


def file_format(path: str, declared: str = "auto") -> Format:
    """Return the format of a file, by its name where the spec says `auto`; DataError for an unknown name."""
    if declared != "auto":
        return cast(Format, declared)
    name = Path(path).name.lower()
    zipped = name.endswith(".gz")
    found = SUFFIXES.get(Path(name.removesuffix(".gz")).suffix)
    if found is None or (zipped and found == "parquet"):
        raise DataError(
            f"{path}: the format cannot be told from the name; expected .jsonl, .csv or .tsv (each also .gz) or "
            ".parquet, or set `format` in the corpus"
        )
    return found


def read_rows(path: str, form: Format, columns: Sequence[str]) -> Iterator[RawRow]:
    """Yield the rows of a file with the values of `columns` (others may be left out).

    DataError, naming the file, if it cannot be read, is truncated, or lacks one of the columns altogether.
    """
    try:
        yield from _READERS[form](path, columns)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: the gzip file is truncated or broken ({error}); fetch it again") from None
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: the Parquet file is truncated or broken ({_first_line(error)})") from None
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read: {error.strerror or _first_line(error)}") from None


def _read_jsonl(path: str, columns: Sequence[str]) -> Iterator[RawRow]:
    never_seen = set(columns)
    first_keys: list[str] = []
    with _opened(path) as stream:
        for number, line in _lines(stream):
            row = _json_row(number, line)
            if row.values is not None:
                never_seen -= row.values.keys()
                first_keys = first_keys or list(row.values)
                if not row.values.keys() >= set(columns):
                    row = RawRow(number, None, "missing_column", line)
            yield row
    if first_keys and never_seen:
        raise _missing_columns(path, sorted(never_seen), first_keys)


def _json_row(number: int, line: str) -> RawRow:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return RawRow(number, None, "bad_json" if is_text(line) else "invalid_utf8", line)
    if not isinstance(value, dict):
        return RawRow(number, None, "bad_json", line)
    return RawRow(number, value)


def _read_csv(path: str, columns: Sequence[str]) -> Iterator[RawRow]:
    previous_limit = csv.field_size_limit(MAX_CSV_FIELD_CHARACTERS)
    try:
        with (
            _opened(path) as stream,
            io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="") as text,
        ):
            yield from _delimited(path, _csv_records(csv.reader(text)), columns)
    finally:
        csv.field_size_limit(previous_limit)


def _csv_records(reader: Any) -> Iterator[list[str] | str]:
    """Yield each record, or the message of one that the csv module refuses (it goes on with the next line)."""
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield str(error)
        else:
            if record:
                yield record


def _read_tsv(path: str, columns: Sequence[str]) -> Iterator[RawRow]:
    with _opened(path) as stream:
        yield from _delimited(path, (line.split("\t") for _, line in _lines(stream)), columns)


def _delimited(path: str, records: Iterator[list[str] | str], columns: Sequence[str]) -> Iterator[RawRow]:
    header = next(records, None)
    if header is None:
        return
    names = [header] if isinstance(header, str) else [name.strip() for name in header]
    names[0] = names[0].removeprefix(BYTE_ORDER_MARK)
    if not set(columns) <= set(names):
        raise _missing_columns(path, [name for name in columns if name not in names], names)
    places = [(name, names.index(name)) for name in dict.fromkeys(columns)]
    for number, record in enumerate(records, start=2):
        if isinstance(record, str):
            yield RawRow(number, None, "bad_csv", record)
        elif len(record) != len(names):
            yield RawRow(number, None, "wrong_columns", "\t".join(record))
        else:
            yield RawRow(number, {name: record[place] for name, place in places})


def _read_parquet(path: str, columns: Sequence[str]) -> Iterator[RawRow]:
    number = 0
    with pq.ParquetFile(path) as file:
        present = list(file.schema_arrow.names)
        if not set(columns) <= set(present):
            raise _missing_columns(path, [name for name in columns if name not in present], present)
        for batch in file.iter_batches(batch_size=PARQUET_BATCH_ROWS, columns=list(dict.fromkeys(columns))):
            decoded = {name: _python_values(batch.column(name)) for name in batch.schema.names}
            for index in range(batch.num_rows):
                number += 1
                yield RawRow(number, {name: values[index] for name, values in decoded.items()})


def _python_values(column: pa.Array) -> list[object]:
    """Return a column as Python values; text that is not UTF-8 comes through as lone surrogates."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return [_decoded(value) for value in column.cast(_as_bytes(column.type)).to_pylist()]


def _as_bytes(kind: pa.DataType) -> pa.DataType:
    """Return the type with bytes in the place of text, since Arrow does not check that text in a file is UTF-8."""
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.large_binary()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.large_list(_as_bytes(kind.value_type))
    return kind


def _decoded(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="surrogateescape")
    if isinstance(value, list):
        return [_decoded(element) for element in value]
    return value


def _opened(path: str) -> IO[bytes]:
    if path.lower().endswith(".gz"):
        return cast(IO[bytes], gzip.open(path, "rb"))
    return Path(path).open("rb")


def _lines(stream: IO[bytes]) -> Iterator[tuple[int, str]]:
    """Yield number (from 1) and text of each line that is not blank; only a line feed ends a line."""
    for number, raw in enumerate(stream, start=1):
        line = raw.decode("utf-8", errors="surrogateescape").rstrip("\r\n")
        if number == 1:
            line = line.removeprefix(BYTE_ORDER_MARK)
        if line:
            yield number, line


def is_text(value: str) -> bool:
    """Return whether a string can be written as UTF-8, that is, holds no lone surrogate."""
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def _missing_columns(path: str, wanted: Sequence[str], present: Sequence[str]) -> DataError:
    return DataError(
        f"{path}: there is no column {', '.join(repr(name) for name in wanted)}; "
        f"its columns: {', '.join(repr(name) for name in present)}; correct `columns` in the corpus"
    )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


_READERS: dict[Format, Callable[[str, Sequence[str]], Iterator[RawRow]]] = {
    "jsonl": _read_jsonl,
    "csv": _read_csv,
    "tsv": _read_tsv,
    "parquet": _read_parquet,
}
