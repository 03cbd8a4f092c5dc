"""The examples of a curation as one Parquet file, named by the digest of what is in it.

Input: curated examples. Output: `<folder>/<digest>.parquet` with the Example columns of a dataset, corpus "feedback",
split "train", rows by id. Written to a temporary name and published by one rename; the same examples give the same
path, and a file that is there already is left alone.
Errors: StorageFullError when there is no space, ArtefactError for other failures; nothing half-written stays.
"""

import errno
import hashlib
import json
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from polyloop.errors import ArtefactError, StorageFullError
from polyloop.feedback.decisions import CuratedExample

CORPUS = "feedback"
SPLIT = "train"

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("task", pa.string()),
        ("locale", pa.string()),
        ("target_locale", pa.string()),
        ("input", pa.string()),
        ("target", pa.string()),
        ("weight", pa.float32()),
        ("corpus", pa.string()),
        ("split", pa.string()),
    ]
)


def snapshot_digest(examples: Sequence[CuratedExample]) -> str:
    """Return the digest (32 hexadecimal digits) of the examples, whatever their order."""
    digest = hashlib.blake2b(digest_size=16)
    for example in sorted(examples, key=lambda example: example.id):
        digest.update(json.dumps(asdict(example), ensure_ascii=True, sort_keys=True).encode("ascii") + b"\n")
    return digest.hexdigest()


def write_snapshot(examples: Sequence[CuratedExample], folder: Path) -> Path:
    """Write the examples and return the path of their file."""
    path = folder / f"{snapshot_digest(examples)}.parquet"
    if path.exists():
        return path
    temporary = folder / f".{path.name}.{secrets.token_hex(4)}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            pq.write_table(_table(examples), file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFullError(f"no space is left to write the curated feedback to {folder}") from error
        raise ArtefactError(f"the curated feedback cannot be written to {folder}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return path


def _table(examples: Sequence[CuratedExample]) -> pa.Table:
    rows = [
        {**asdict(example), "corpus": CORPUS, "split": SPLIT}
        for example in sorted(examples, key=lambda example: example.id)
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)
