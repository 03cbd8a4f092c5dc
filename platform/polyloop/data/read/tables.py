"""Parquet files and Arrow IPC files and streams: rows from record batches, a batch at a time.

Input: a slice; of Parquet one of row groups. Output: rows with Python values; text that is not UTF-8 comes through as
lone surrogates. Memory: about `BATCH_BYTES` of a row group in Parquet, one record batch as it was written in Arrow.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from polyloop.data.read.files import open_arrow
from polyloop.data.read.row import RawRow, missing_columns
from polyloop.data.read.slices import Slice
from polyloop.data.read.streams import reading_errors

BATCH_ROWS = 4_096
BATCH_BYTES = 16 * 2**20
ARROW_FILE_MARK = b"ARROW1"

Batches = Iterator[pa.RecordBatch]


def read_parquet(piece: Slice, columns: Sequence[str]) -> Iterator[RawRow]:
    """Yield the rows of some row groups; DataError if the file lacks one of the columns."""
    with parquet_file(piece.path) as file:
        wanted = _wanted(piece, columns, file.schema_arrow.names)
        groups = range(piece.start, file.num_row_groups if piece.end is None else piece.end)
        batches = file.iter_batches(batch_size=_batch_rows(file, groups), row_groups=list(groups), columns=wanted)
        yield from _rows(batches, piece.first_row)


def read_arrow(piece: Slice, columns: Sequence[str]) -> Iterator[RawRow]:
    """Yield the rows of an Arrow IPC file or stream; DataError if it lacks one of the columns."""
    with _arrow_batches(piece.path) as (schema, batches):
        wanted = _wanted(piece, columns, schema.names)
        yield from _rows((batch.select(wanted) for batch in batches), piece.first_row)


@contextmanager
def parquet_file(path: str) -> Iterator[pq.ParquetFile]:
    """Give an open Parquet file; DataError if it is truncated or broken."""
    with reading_errors(path), open_arrow(path) as source, pq.ParquetFile(source) as file:
        yield file


def arrow_columns(path: str) -> tuple[str, ...]:
    """Return the columns of an Arrow IPC file or stream; DataError if it is none."""
    with _arrow_batches(path) as (schema, _):
        return tuple(schema.names)


@contextmanager
def _arrow_batches(path: str) -> Iterator[tuple[pa.Schema, Batches]]:
    with reading_errors(path), open_arrow(path) as source:
        is_file = source.read(len(ARROW_FILE_MARK)) == ARROW_FILE_MARK
        source.seek(0)
        if is_file:
            reader: Any = pa.ipc.open_file(source)
            yield reader.schema, (reader.get_batch(number) for number in range(reader.num_record_batches))
        else:
            reader = pa.ipc.open_stream(source)
            yield reader.schema, reader


def _wanted(piece: Slice, columns: Sequence[str], present: Sequence[str]) -> list[str]:
    if not set(columns) <= set(present):
        raise missing_columns(piece.path, columns, present)
    return list(dict.fromkeys(columns))


def _batch_rows(file: pq.ParquetFile, groups: range) -> int:
    """Return how many rows make about `BATCH_BYTES`, so that rows of whole documents do not add up."""
    described: list[Any] = [file.metadata.row_group(group) for group in groups]
    num_rows: int = sum(group.num_rows for group in described)
    size_bytes: int = sum(group.total_byte_size for group in described)
    return max(1, min(BATCH_ROWS, BATCH_BYTES * num_rows // max(1, size_bytes)))


def _rows(batches: Batches, first_row: int) -> Iterator[RawRow]:
    number = first_row
    for whole in batches:
        for start in range(0, whole.num_rows, BATCH_ROWS):
            batch = whole.slice(start, BATCH_ROWS)
            names = batch.schema.names
            lists = [_python_values(column) for column in batch.columns]
            for index in range(batch.num_rows):
                yield RawRow(number, {name: values[index] for name, values in zip(names, lists, strict=True)})
                number += 1


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
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _as_bytes(field.type)) for field in kind])
    return kind


def _decoded(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="surrogateescape")
    if isinstance(value, list):
        return [_decoded(element) for element in value]
    if isinstance(value, dict):
        return {name: _decoded(element) for name, element in value.items()}
    return value
