"""Reads the rows of a slice, whatever its format; a bad row is handed on with its reason, a bad file is a `DataError`.

Input: a slice that `scan_file` gave, and the columns that are wanted. Output: a stream of `RawRow`s; memory stays flat.
"""

from collections.abc import Callable, Iterator, Sequence

from polyloop.data.read.delimited import read_delimited
from polyloop.data.read.jsonl import read_jsonl
from polyloop.data.read.pages import read_html
from polyloop.data.read.row import Format, RawRow
from polyloop.data.read.slices import Slice
from polyloop.data.read.tables import read_arrow, read_parquet
from polyloop.data.read.text import read_document, read_text
from polyloop.data.read.warc import read_warc

READERS: dict[Format, Callable[[Slice, Sequence[str]], Iterator[RawRow]]] = {
    "jsonl": read_jsonl,
    "csv": read_delimited,
    "tsv": read_delimited,
    "parquet": read_parquet,
    "arrow": read_arrow,
    "text": read_text,
    "document": read_document,
    "html": read_html,
    "warc": read_warc,
}


def read_rows(piece: Slice, columns: Sequence[str]) -> Iterator[RawRow]:
    """Yield the rows of a slice with the values of `columns` (others may be there too).

    DataError, naming the file, if it cannot be read, is truncated, or lacks one of the columns altogether.
    """
    return READERS[piece.form](piece, columns)
