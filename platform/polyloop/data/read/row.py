"""What reading gives: a raw row, or why there is none; and the formats that a file may have.

Input: names of files, strings. Output: formats, rows, the error for a missing column. No files are touched here.
"""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Literal, NamedTuple, cast

from polyloop.errors import DataError

Format = Literal["jsonl", "csv", "tsv", "parquet", "arrow", "text", "document", "html", "warc"]
Values = dict[str, object]

SUFFIXES: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".txt": "text",
    ".html": "html",
    ".warc": "warc",
}
BINARY_FORMATS: frozenset[Format] = frozenset({"parquet", "arrow"})
"""Formats that compress inside, so that .gz and .zst are not for them."""

PACKED_SUFFIXES = (".gz", ".zst")


class RawRow(NamedTuple):
    """One row of a file: its number (from 1) and either its values or why it has none, with an excerpt.

    The number is that of the line (of the first one where a CSV row has several) in formats made of lines, the row's
    in Parquet and Arrow, the record's in WARC, and 1 where a file is one row.
    """

    number: int
    values: Values | None
    reason: str = ""
    sample: str = ""


def file_format(path: str, declared: str = "auto") -> Format:
    """Return the format of a file or URL, by its name where the spec says `auto`; DataError for an unknown name."""
    if declared != "auto":
        return cast(Format, declared)
    name = PurePosixPath(url_path(path)).name.lower()
    unpacked = without_packed_suffix(name)
    found = SUFFIXES.get(PurePosixPath(unpacked).suffix)
    if found is None or (unpacked != name and found in BINARY_FORMATS):
        raise DataError(
            f"{shown(path)}: the format cannot be told from the name; expected .jsonl, .csv, .tsv, .txt, .html or "
            ".warc (each also .gz or .zst), .parquet or .arrow, or set `format` in the corpus"
        )
    return found


def without_packed_suffix(name: str) -> str:
    """Return a file name without .gz or .zst at its end."""
    for suffix in PACKED_SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def packed_suffix(path: str) -> str:
    """Return .gz or .zst where the name of a file or URL ends so, else an empty string."""
    return next((suffix for suffix in PACKED_SUFFIXES if url_path(path).lower().endswith(suffix)), "")


def is_url(path: str) -> bool:
    """Return whether a path is a URL such as s3://bucket/key."""
    return "://" in path


def url_path(path: str) -> str:
    """Return a URL without its query, and a local path as it is."""
    return path.partition("?")[0] if is_url(path) else path


def shown(path: str) -> str:
    """Return how a file or URL may be shown to people: a URL without credentials and query."""
    if not is_url(path):
        return path
    scheme, _, rest = url_path(path).partition("://")
    host, slash, key = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{key}"


def is_text(value: str) -> bool:
    """Return whether a string can be written as UTF-8, that is, holds no lone surrogate."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def missing_columns(path: str, wanted: Sequence[str], present: Sequence[str]) -> DataError:
    """Return the error for a file that lacks columns which the spec names."""
    lacking = [name for name in dict.fromkeys(wanted) if name not in present]
    return DataError(
        f"{shown(path)}: there is no column {', '.join(repr(name) for name in lacking)}; "
        f"its columns: {', '.join(repr(name) for name in present)}; correct `columns` in the corpus"
    )
