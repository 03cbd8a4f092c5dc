"""CSV and TSV: the first line names the columns; TSV has no quoting, CSV follows RFC 4180 (with quoted line breaks).

Input: a slice, whose `header` has the names. Drops: bad_csv, wrong_columns, and those of `lines`. Blank lines are
skipped.
"""

import csv
import re
from collections.abc import Callable, Iterator, Sequence

from polyloop.data.read.lines import BYTE_ORDER_MARK, NumberedLine, read_lines
from polyloop.data.read.row import Format, RawRow, missing_columns, shown
from polyloop.data.read.slices import Slice
from polyloop.errors import DataError

MAX_CSV_FIELD_CHARACTERS = 1_048_576
"""A CSV field longer than this is taken for a quote that was never closed, and the row for malformed."""

Record = tuple[int, list[str]]
"""Number of the first line of a record, and its cells."""

_CARRIAGE_RETURN_LINES = re.compile(r"[^\r]*\r\n?|[^\r]+")


def read_delimited(piece: Slice, columns: Sequence[str]) -> Iterator[RawRow]:
    """Yield the rows of a slice; DataError if the file lacks one of the columns."""
    names = piece.header
    if not names:
        return
    if not set(columns) <= set(names):
        raise missing_columns(piece.path, columns, names)
    places = [(name, names.index(name)) for name in dict.fromkeys(columns)]
    records = _RECORDS[piece.form](piece)
    if piece.start == 0:
        next(records)
    for record in records:
        if isinstance(record, RawRow):
            yield record
            continue
        number, cells = record
        if len(cells) != len(names):
            yield RawRow(number, None, "wrong_columns", "\t".join(cells))
        else:
            yield RawRow(number, {name: cells[place] for name, place in places})


def read_header(path: str, form: Format, encoding: str) -> tuple[str, ...]:
    """Return the names in the first line of a file, empty for an empty file; DataError if that line is malformed."""
    whole = Slice(path, form, encoding, 0, None, 1, (), "")
    first = next(_RECORDS[form](whole), None)
    if first is None:
        return ()
    if isinstance(first, RawRow):
        raise DataError(f"{shown(path)}: the first line, which has to name the columns, is malformed: {first.reason}")
    names = [name.strip() for name in first[1]]
    return (names[0].removeprefix(BYTE_ORDER_MARK), *names[1:])


def _tsv_records(piece: Slice) -> Iterator[Record | RawRow]:
    for line in read_lines(piece):
        if isinstance(line, RawRow):
            yield line
        elif text := line[1].rstrip("\r\n"):
            yield line[0], text.split("\t")


def _csv_records(piece: Slice) -> Iterator[Record | RawRow]:
    """Yield each record, or the drop of one that the csv module refuses (it goes on with the next line)."""
    lines = _CsvLines(read_lines(piece))
    reader = csv.reader(lines)
    previous_limit = csv.field_size_limit(MAX_CSV_FIELD_CHARACTERS)
    try:
        while True:
            lines.first_number = None
            try:
                cells = next(reader)
            except StopIteration:
                return
            except _UnusableLineError as error:
                yield error.row
            except csv.Error as error:
                yield RawRow(lines.first_number or piece.first_row, None, "bad_csv", str(error))
            else:
                if cells:
                    yield lines.first_number or piece.first_row, cells
    finally:
        csv.field_size_limit(previous_limit)


class _UnusableLineError(Exception):
    """Takes the drop of a line through the csv module."""

    def __init__(self, row: RawRow) -> None:
        super().__init__(row.reason)
        self.row = row


class _CsvLines:
    """The lines of a slice for the csv module; a lone carriage return ends a line too."""

    def __init__(self, lines: Iterator[NumberedLine | RawRow]) -> None:
        self.first_number: int | None = None
        self._lines = lines
        self._pieces: list[str] = []
        self._number = 0

    def __iter__(self) -> "_CsvLines":
        return self

    def __next__(self) -> str:
        if not self._pieces:
            line = next(self._lines)
            if isinstance(line, RawRow):
                raise _UnusableLineError(line)
            self._number, text = line
            if "\r" in text and "\r" in text.rstrip("\r\n"):
                self._pieces = _CARRIAGE_RETURN_LINES.findall(text)[::-1]
            else:
                self._pieces = [text]
        self.first_number = self.first_number or self._number
        return self._pieces.pop()


_RECORDS: dict[Format, Callable[[Slice], Iterator[Record | RawRow]]] = {"csv": _csv_records, "tsv": _tsv_records}
