"""What is read in one go, a stretch of a file with a digest of its own; and what a scan of a file gives. Plain data."""

from dataclasses import dataclass

from polyloop.data.read.row import Format


@dataclass(frozen=True)
class Slice:
    """A stretch of a file that is read in one go."""

    path: str
    """Local path or URL."""
    form: Format
    encoding: str
    start: int
    """First byte; in Parquet the first row group."""
    end: int | None
    """One past the last byte (or row group); None where the file is read to its end."""
    first_row: int
    """Number of the slice's first line (in Parquet: row), from 1."""
    header: tuple[str, ...]
    """Names of the columns; empty in JSON Lines, where each row has its own, and for an empty file."""
    sha256: str
    """Digest (hex) of what decides the slice's rows: format, encoding, header and the bytes."""
    num_lines: int | None = None
    """Lines, the header's too (in Parquet: rows), for telling progress; None where they were not counted."""


@dataclass(frozen=True)
class ScannedFile:
    """A file and its slices."""

    path: str
    sha256: str
    """Digest (hex) of the whole file as it is stored."""
    size_bytes: int
    slices: tuple[Slice, ...]
