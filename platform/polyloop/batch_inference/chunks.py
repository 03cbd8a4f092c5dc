"""Files in chunks: runs of rows that one worker answers at a time, small enough to lose and large enough to be fast.

Inputs: slices of files and a `Question`. Output: a stream of `Chunk`s. Which rows a chunk holds follows from the file
alone, so that a run that was killed finds the chunks that it has answered. Memory: one chunk.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from polyloop.batch_inference.question import Question
from polyloop.batch_inference.rows import AskedRow, asked_row, wanted_columns
from polyloop.data.read.reader import read_rows
from polyloop.data.read.row import shown, url_path
from polyloop.data.read.slices import Slice

CHUNK_ROWS = 512
CHUNK_CHARACTERS = 1_000_000
"""A chunk ends with the row that reaches one of these: a second's work for a classifier, a minute's for a writer."""


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Some rows of a slice."""

    name: str
    """Numbers of the slice and of the chunk in it: names in order are rows in order."""
    rows: tuple[AskedRow, ...]
    is_last: bool
    """True for the last of the slice."""


def read_chunks(number: int, piece: Slice, question: Question) -> Iterator[Chunk]:
    """Yield the chunks of the slice with this number; one without rows where the slice has none.

    DataError if the file cannot be read, or lacks a column that was named.
    """
    columns = wanted_columns(piece.header, shown(piece.path), question)
    file_name = PurePosixPath(url_path(piece.path)).name
    rows = (asked_row(row, file_name, question) for row in read_rows(piece, columns))
    last: Sequence[AskedRow] = ()
    count = 0
    for group in _groups(rows):
        if count:
            yield Chunk(name=_name(number, count - 1), rows=tuple(last), is_last=False)
        last, count = group, count + 1
    yield Chunk(name=_name(number, max(0, count - 1)), rows=tuple(last), is_last=True)


def _groups(rows: Iterator[AskedRow]) -> Iterator[list[AskedRow]]:
    group: list[AskedRow] = []
    size = 0
    for row in rows:
        group.append(row)
        size += len(row.asked.text) if row.asked else 0
        if len(group) >= CHUNK_ROWS or size >= CHUNK_CHARACTERS:
            yield group
            group, size = [], 0
    if group:
        yield group


def _name(piece: int, chunk: int) -> str:
    return f"{piece:06d}-{chunk:06d}"
