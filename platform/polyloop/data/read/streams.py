"""Opens files unpacked and as UTF-8 where lines can be told only then; turns errors of reading into `DataError`s.

Input: a file or URL, .gz or .zst by its name, and its text encoding. Output: a stream of bytes; nothing is held beyond
the buffers. A truncated or broken member of a gzip file, or frame of a Zstandard file, is an error of the whole file.
"""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import IO, Any, cast

import pyarrow as pa

from polyloop.data.read.files import open_arrow, open_bytes, unreadable
from polyloop.data.read.row import packed_suffix, shown
from polyloop.errors import DataError, first_line

BUFFER_BYTES = 2**20
UTF_8 = "utf-8"
MARK_HANDLER = "polyloop-mark"
"""Name of the handler that marks what cannot be decoded."""

MARK = "\udcff"
"""A lone surrogate that stands for bytes that cannot be decoded; it makes the UTF-8 of its line one that is none."""

STATEFUL = ("iso2022", "hz", "utf_7", "punycode", "idna", "unicode_escape", "raw_unicode_escape")
"""Names of encodings in which a byte means different things in different places begin so."""


@contextmanager
def opened(path: str, encoding: str = UTF_8) -> Iterator[IO[bytes]]:
    """Give the unpacked bytes of a file; as UTF-8 if its encoding is one in which lines cannot be cut."""
    with reading_errors(path), open_bytes(path) as raw, _unpacked(path, raw) as stream:
        if cuts_at_line_feeds(encoding):
            yield stream
        else:
            yield cast(IO[bytes], io.BufferedReader(_AsUtf8(stream, encoding, path), BUFFER_BYTES))


@contextmanager
def reading_errors(path: str) -> Iterator[None]:
    """Turn the errors of a broken or unreadable file into a DataError that names it."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{shown(path)}: the gzip file is truncated or broken ({error}); fetch it again") from None
    except pa.ArrowInvalid as error:
        raise DataError(f"{shown(path)}: the file is truncated or broken ({first_line(error)})") from None
    except OSError as error:
        if packed_suffix(path) == ".zst" and error.errno is None and "AWS" not in str(error):
            raise DataError(
                f"{shown(path)}: the Zstandard file is truncated or broken ({first_line(error)}); fetch it again"
            ) from None
        raise unreadable(path, error) from None


@lru_cache
def codec_name(encoding: str) -> str:
    """Return Python's name of a text encoding; DataError if there is none."""
    try:
        "a".encode(encoding)
        name = codecs.lookup(encoding).name
    except (LookupError, UnicodeError):
        raise DataError(
            f"there is no text encoding {encoding!r}; expected one that Python knows, such as utf-8, gb18030 or latin-1"
        ) from None
    return UTF_8 if name == "utf-8-sig" else name


@lru_cache
def cuts_at_line_feeds(encoding: str) -> bool:
    """Return whether the byte of a line feed is always a line feed in an encoding, as it is not in UTF-16."""
    name = codec_name(encoding)
    return "\n".encode(name) == b"\n" and not name.replace("-", "_").startswith(STATEFUL)


@contextmanager
def _unpacked(path: str, raw: IO[bytes]) -> Iterator[IO[bytes]]:
    suffix = packed_suffix(path)
    if suffix == ".gz":
        with gzip.GzipFile(fileobj=raw) as stream:
            yield cast(IO[bytes], stream)
    elif suffix == ".zst":
        # Not the zstandard package: its streams end without a word where a file is truncated.
        with open_arrow(path) as packed, pa.CompressedInputStream(packed, "zstd") as native:
            yield cast(IO[bytes], io.BufferedReader(native, BUFFER_BYTES))
    else:
        yield raw


class _AsUtf8(io.RawIOBase):
    """A stream in another encoding, as UTF-8; what cannot be decoded makes its line invalid.

    DataError, which names the file, where nothing can be: UTF-16 and UTF-32 have to begin with a byte order mark.
    """

    def __init__(self, stream: IO[bytes], encoding: str, path: str) -> None:
        _register_marking()
        self._stream, self._encoding, self._path = stream, encoding, path
        self._decoder = codecs.getincrementaldecoder(encoding)(MARK_HANDLER)
        self._ready = b""
        self._is_over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and not self._is_over:
            block = self._stream.read(BUFFER_BYTES)
            self._is_over = not block
            try:
                text = self._decoder.decode(block, final=self._is_over)
            except UnicodeError as error:
                raise DataError(
                    f"{shown(self._path)}: the file is not in the encoding {self._encoding!r} ({error}); correct "
                    "`encoding` in the corpus, such as utf-8 or utf-16-le"
                ) from None
            self._ready = text.encode(UTF_8, "surrogatepass")
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size


@lru_cache
def _register_marking() -> None:
    codecs.register_error(MARK_HANDLER, _marked)


def _marked(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return MARK, error.end
