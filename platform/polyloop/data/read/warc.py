"""Pages of web archives (WARC): each HTML response with status 200, boilerplate removed; the number is the record's.

Drops: http_status, not_html, bad_record (what cannot be parsed up to the next record) and those of `pages`. Requests,
metadata and visits that found nothing new are no pages and not counted. A broken gzip member breaks the whole file.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from typing import IO, Any

from polyloop.data.read.lines import MAX_LINE_BYTES
from polyloop.data.read.pages import check_page_columns, page_row
from polyloop.data.read.row import RawRow
from polyloop.data.read.slices import Slice
from polyloop.data.read.streams import opened

NO_PAGES = frozenset({"warcinfo", "request", "metadata", "revisit", "continuation"})
"""Types of records that are not counted."""

HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
RECORD_MARK = b"WARC/"
BLOCK_BYTES = 2**20

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)


def read_warc(piece: Slice, columns: Sequence[str]) -> Iterator[RawRow]:
    """Yield a row or drop for each page of an archive."""
    from warcio.recordloader import ArcWarcRecordLoader

    check_page_columns(piece, columns)
    loader = ArcWarcRecordLoader()
    with opened(piece.path) as stream:
        for number, line in enumerate(_first_lines(stream), start=1):
            row = _record_row(loader, stream, number, line)
            if row is not None:
                yield row


def _first_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the first line of each record, whose rest the caller reads, and of each stretch that belongs to none.

    Such a stretch follows a record whose length was wrong; warcio's own iterator would stop there.
    """
    stray = b""
    while line := stream.readline(BLOCK_BYTES):
        if not line.startswith(RECORD_MARK):
            stray = stray or line.strip()
            continue
        if stray:
            yield stray
            stray = b""
        yield line
    if stray:
        yield stray


def _record_row(loader: Any, stream: IO[bytes], number: int, line: bytes) -> RawRow | None:
    """Read a record to its end; return its row or drop, None if it is no page."""
    sample = line.decode("utf-8", errors="replace")
    if not line.startswith(RECORD_MARK):
        return RawRow(number, None, "bad_record", sample)
    try:
        record = loader.parse_record_stream(stream, statusline=sample, known_format="warc")
        if not record.rec_headers.get_header("Content-Length", "").isdigit():
            return RawRow(number, None, "bad_record", f"the record has no length: {_url(record)}")
        row = _page(record, number)
    except Exception as error:  # A record may be broken in any way; a broken file shows itself at the next read.
        return RawRow(number, None, "bad_record", f"{type(error).__name__}: {error}")
    while record.raw_stream.read(BLOCK_BYTES):
        pass
    if record.raw_stream.limit > 0:
        return RawRow(number, None, "bad_record", f"the record is cut off: {_url(record)}")
    return row


def _page(record: Any, number: int) -> RawRow | None:
    if record.rec_type in NO_PAGES:
        return None
    kind = record.http_headers.get_header("Content-Type", "") if record.http_headers else ""
    if record.rec_type != "response" or kind.partition(";")[0].strip().lower() not in HTML_TYPES:
        return RawRow(number, None, "not_html", f"{kind}: {_url(record)}")
    status = record.http_headers.get_statuscode()
    if status != "200":
        return RawRow(number, None, "http_status", f"{status}: {_url(record)}")
    raw = record.content_stream().read(MAX_LINE_BYTES + 1)
    return page_row(number, raw, charset=_charset(kind, raw), url=_url(record))


def _url(record: Any) -> str:
    return str(record.rec_headers.get_header("WARC-Target-URI") or "")


def _charset(content_type: str, raw: bytes) -> str | None:
    """Return the charset of the HTTP header if the page can be read with it; servers often name a wrong one."""
    named = _CHARSET.search(content_type)
    if named is None:
        return None
    try:
        raw.decode(named.group(1))
        return codecs.lookup(named.group(1)).name
    except (LookupError, UnicodeError):
        return None
