"""Buckets: ranges of ids that are worked on one at a time, in the order of ids.

Input: corpus sizes, ids. Output: bucket numbers, and Arrow files of rows. Ids are hashes, so buckets are about equally
large, and rows that share an id meet in one.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from polyloop.data.clean import Candidate
from polyloop.data.rows import CANDIDATE_SCHEMA
from polyloop.models.storage import whole_file

LEAVES = 4096
"""Ranges of ids by their first three hexadecimal digits; a bucket is a run of whole leaves."""

BUCKET_BYTES = 16 * 2**20
"""Corpus bytes, unpacked, that one bucket is meant to hold."""

PACKED_RATIO = 4
"""Guess of how much smaller gzip or zstd makes text."""

_IPC_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


def leaf_of(example: str) -> int:
    """Return the leaf of an id, from 0 to `LEAVES` - 1; ids in order are in leaves in order."""
    return int(example[:3], 16)


def unpacked_bytes(sizes_bytes: Iterable[tuple[str, int]]) -> int:
    """Return about how many bytes corpus files (path, size in bytes) hold."""
    return sum(size * (PACKED_RATIO if path.lower().endswith((".gz", ".zst")) else 1) for path, size in sizes_bytes)


def bucket_count(sizes_bytes: Iterable[tuple[str, int]]) -> int:
    """Return how many buckets corpus files (path, size in bytes) need: a power of two from 2 to `LEAVES`."""
    wanted = max(2, -(-unpacked_bytes(sizes_bytes) // BUCKET_BYTES))
    return min(LEAVES, 1 << (wanted - 1).bit_length())


def leaves_of_bucket(bucket: int, num_buckets: int) -> range:
    """Return the leaves of a bucket."""
    width = LEAVES // num_buckets
    return range(bucket * width, (bucket + 1) * width)


@contextmanager
def arrow_writer(path: Path, *, compressed: bool = True) -> Iterator[pa.ipc.RecordBatchFileWriter]:
    """Open a file for candidates, whole once the block ends; uncompressed, rows can be looked up by number later."""
    options = _IPC_OPTIONS if compressed else None
    with whole_file(path) as stream, pa.ipc.new_file(stream, CANDIDATE_SCHEMA, options=options) as writer:
        yield writer


def as_batch(rows: Sequence[Candidate]) -> pa.RecordBatch:
    """Return candidates as a record batch of `CANDIDATE_SCHEMA`."""
    columns: list[Sequence[object]] = list(zip(*rows, strict=True)) if rows else [[] for _ in CANDIDATE_SCHEMA]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, CANDIDATE_SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=CANDIDATE_SCHEMA)


def read_bucket(path: Path) -> pa.Table:
    """Return the rows of a bucket, in the order of ids."""
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()
