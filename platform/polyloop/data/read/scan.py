"""Scans a file once: its digest, its columns, and the slices in which it is read.

Input: a file or URL, its format and encoding. Output: a `ScannedFile`. Memory: a block of bytes. Uncompressed JSON
Lines, TSV and text are cut at line ends, CSV too if it holds no quote; Parquet by row groups; all else is one slice.
A slice ends with the first line that reaches `SLICE_BYTES`, so lines that are added to a file leave its earlier slices,
their digests and their row numbers as they are.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from polyloop.data.read.delimited import read_header
from polyloop.data.read.files import open_bytes
from polyloop.data.read.pages import PAGE_COLUMNS
from polyloop.data.read.row import Format, packed_suffix
from polyloop.data.read.slices import ScannedFile, Slice
from polyloop.data.read.streams import codec_name, cuts_at_line_feeds, reading_errors
from polyloop.data.read.tables import arrow_columns, parquet_file
from polyloop.data.read.text import TEXT_COLUMNS

SLICE_BYTES = 32 * 2**20
BLOCK_BYTES = 4 * 2**20

LINE_FORMATS: frozenset[Format] = frozenset({"jsonl", "csv", "tsv", "text"})


def scan_file(path: str, form: Format, encoding: str) -> ScannedFile:
    """Return digest, size and slices of a file; DataError if it cannot be read or the encoding is unknown."""
    encoding = codec_name(encoding)
    header = _header(path, form, encoding)
    if form in LINE_FORMATS and not packed_suffix(path) and cuts_at_line_feeds(encoding):
        return _scan_lines(path, form, encoding, header)
    sha256, size_bytes = _digest(path)
    whole = Slice(path, form, encoding, 0, None, 1, header, _slice_sha256(form, encoding, header, sha256))
    slices = tuple(_row_group_slices(whole)) if form == "parquet" else (whole,)
    return ScannedFile(path, sha256, size_bytes, slices)


def _header(path: str, form: Format, encoding: str) -> tuple[str, ...]:
    """Return the columns of a file, empty where they are not known before its rows are."""
    if form in {"csv", "tsv"}:
        return read_header(path, form, encoding)
    if form == "parquet":
        with parquet_file(path) as file:
            return tuple(file.schema_arrow.names)
    if form == "arrow":
        return arrow_columns(path)
    if form in {"html", "warc"}:
        return PAGE_COLUMNS
    return TEXT_COLUMNS if form in {"text", "document"} else ()


def _slice_sha256(form: Format, encoding: str, header: tuple[str, ...], content_sha256: str) -> str:
    known = json.dumps([form, encoding, header, content_sha256]).encode("utf-8", errors="surrogateescape")
    return hashlib.sha256(known).hexdigest()


def _digest(path: str) -> tuple[str, int]:
    whole = hashlib.sha256()
    size_bytes = 0
    for block in _blocks(path):
        whole.update(block)
        size_bytes += len(block)
    return whole.hexdigest(), size_bytes


def _blocks(path: str) -> Iterator[bytes]:
    with reading_errors(path), open_bytes(path) as stream:
        while block := stream.read(BLOCK_BYTES):
            yield block


@dataclass
class _Cut:
    """A slice that is being scanned."""

    start: int
    first_row: int
    size_bytes: int = 0
    num_lines: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def add(self, block: bytes) -> None:
        self.size_bytes += len(block)
        self.num_lines += block.count(b"\n")
        self.digest.update(block)

    def next(self) -> "_Cut":
        return _Cut(self.start + self.size_bytes, self.first_row + self.num_lines)


def _scan_lines(path: str, form: Format, encoding: str, header: tuple[str, ...]) -> ScannedFile:
    whole = hashlib.sha256()
    cuts = [_Cut(0, 1)]
    one_slice = False
    carried = b""
    for block in _blocks(path):
        whole.update(block)
        if form == "csv" and not one_slice:
            one_slice = _needs_whole_file(carried + block)
            carried = block[-1:]
        _cut_block(cuts, block)
    sha256, size_bytes = whole.hexdigest(), sum(cut.size_bytes for cut in cuts)
    if one_slice:
        digest = _slice_sha256(form, encoding, header, sha256)
        return ScannedFile(path, sha256, size_bytes, (Slice(path, form, encoding, 0, None, 1, header, digest),))
    slices = tuple(
        Slice(
            path,
            form,
            encoding,
            cut.start,
            cut.start + cut.size_bytes,
            cut.first_row,
            header,
            _slice_sha256(form, encoding, header, cut.digest.hexdigest()),
            cut.num_lines,
        )
        for cut in cuts
        if cut.size_bytes or cut.start == 0
    )
    return ScannedFile(path, sha256, size_bytes, slices)


def _cut_block(cuts: list[_Cut], block: bytes) -> None:
    """Add a block to the last slice, and begin new ones where a line ends and the slice is large enough."""
    while block:
        cut = cuts[-1]
        enough = max(0, SLICE_BYTES - cut.size_bytes - 1)
        line_end = block.find(b"\n", enough) if enough < len(block) else -1
        if line_end < 0:
            cut.add(block)
            return
        cut.add(block[: line_end + 1])
        cuts.append(cut.next())
        block = block[line_end + 1 :]


def _needs_whole_file(block: bytes) -> bool:
    """Return whether a CSV record may go on over a line feed, or end without one."""
    return b'"' in block or block.count(b"\r") != block.count(b"\r\n") + block.endswith(b"\r")


def _row_group_slices(whole: Slice) -> Iterator[Slice]:
    """Yield runs of row groups of about `SLICE_BYTES`; their digests go by the whole file's."""
    with parquet_file(whole.path) as file:
        groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
    start, first_row, num_rows, size_bytes = 0, 1, 0, 0
    for number, group in enumerate(groups, start=1):
        num_rows += group.num_rows
        size_bytes += sum(group.column(column).total_compressed_size for column in range(group.num_columns))
        if size_bytes >= SLICE_BYTES or number == len(groups):
            digest = hashlib.sha256(f"{whole.sha256}:{start}:{number}".encode()).hexdigest()
            yield replace(whole, start=start, end=number, first_row=first_row, sha256=digest, num_lines=num_rows)
            start, first_row, num_rows, size_bytes = number, first_row + num_rows, 0, 0
    if not groups:
        yield whole
