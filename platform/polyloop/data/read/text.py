"""Plain text: a row of each line that is not blank, or one of a whole document; the one column is `text`.

Drops: document_too_long, invalid_encoding (also of documents), and those of `lines`.
"""

from collections.abc import Iterator, Sequence

from polyloop.data.read.lines import BYTE_ORDER_MARK, MAX_LINE_BYTES, excerpt, line_codec, read_lines
from polyloop.data.read.row import RawRow, missing_columns
from polyloop.data.read.slices import Slice
from polyloop.data.read.streams import opened

TEXT_COLUMNS = ("text",)


def read_text(piece: Slice, columns: Sequence[str]) -> Iterator[RawRow]:
    """Yield a row for each line that is not blank."""
    _check(piece, columns)
    for line in read_lines(piece):
        if isinstance(line, RawRow):
            yield line
        elif line[1].strip():
            yield RawRow(line[0], {"text": line[1].rstrip("\r\n")})


def read_document(piece: Slice, columns: Sequence[str]) -> Iterator[RawRow]:
    """Yield the one row of a file; none if it is blank."""
    _check(piece, columns)
    codec, errors = line_codec(piece.encoding)
    with opened(piece.path, piece.encoding) as stream:
        raw = stream.read(MAX_LINE_BYTES + 1)
    if len(raw) > MAX_LINE_BYTES:
        yield RawRow(1, None, "document_too_long", excerpt(raw, codec))
        return
    try:
        text = raw.decode(codec, errors).removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError:
        yield RawRow(1, None, "invalid_encoding", excerpt(raw, codec))
        return
    if text.strip():
        yield RawRow(1, {"text": text})


def _check(piece: Slice, columns: Sequence[str]) -> None:
    if not set(columns) <= set(TEXT_COLUMNS):
        raise missing_columns(piece.path, columns, TEXT_COLUMNS)
