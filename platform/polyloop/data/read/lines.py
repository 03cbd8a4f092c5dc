"""Lines of a slice as text: numbered, decoded, and never more than `MAX_LINE_BYTES` of one held.

Input: a slice of a file. Output: for each line its number and text, with its line end, or a `RawRow` that says why it
has none: `line_too_long`, or `invalid_encoding`. Only a line feed ends a line. Bytes that are not UTF-8 in a file
that is meant to be come through as lone surrogates, so that the caller can tell them in the columns that it uses.
"""

from collections.abc import Iterator
from typing import IO

from polyloop.data.read.row import RawRow
from polyloop.data.read.slices import Slice
from polyloop.data.read.streams import UTF_8, codec_name, cuts_at_line_feeds, opened

MAX_LINE_BYTES = 16 * 2**20
"""A longer line is skipped; so is a document or page that is longer."""

BYTE_ORDER_MARK = "\ufeff"
SAMPLE_BYTES = 800

NumberedLine = tuple[int, str]


def read_lines(piece: Slice) -> Iterator[NumberedLine | RawRow]:
    """Yield number and text of each line of a slice, blank ones too."""
    with opened(piece.path, piece.encoding) as stream:
        if piece.start:
            stream.seek(piece.start)
        yield from _lines(stream, piece)


def _lines(stream: IO[bytes], piece: Slice) -> Iterator[NumberedLine | RawRow]:
    codec, errors = line_codec(piece.encoding)
    number = piece.first_row
    place = piece.start
    while piece.end is None or place < piece.end:
        raw = stream.readline(MAX_LINE_BYTES + 1)
        if not raw:
            return
        place += len(raw)
        if len(raw) > MAX_LINE_BYTES and not raw.endswith(b"\n"):
            place += _skip_line(stream)
            yield RawRow(number, None, "line_too_long", excerpt(raw, codec))
        else:
            try:
                text = raw.decode(codec, errors)
            except UnicodeDecodeError:
                yield RawRow(number, None, "invalid_encoding", excerpt(raw, codec))
            else:
                yield number, text.removeprefix(BYTE_ORDER_MARK) if number == 1 else text
        number += 1


def line_codec(encoding: str) -> tuple[str, str]:
    """Return how the bytes that `opened` gives are decoded: the codec and how it treats errors."""
    name = codec_name(encoding)
    if name == UTF_8:
        return UTF_8, "surrogateescape"
    return (name if cuts_at_line_feeds(name) else UTF_8), "strict"


def excerpt(raw: bytes, codec: str) -> str:
    """Return the start of what cannot be used, for people."""
    return raw[:SAMPLE_BYTES].decode(codec, errors="replace")


def _skip_line(stream: IO[bytes]) -> int:
    """Read to the end of the line and return how many bytes that took."""
    skipped = 0
    while block := stream.readline(2**20):
        skipped += len(block)
        if block.endswith(b"\n"):
            break
    return skipped
