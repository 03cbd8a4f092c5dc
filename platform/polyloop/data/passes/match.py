"""Third pass of a build: near duplicates are looked for, one partition of band hashes at a time.

Input: what the second pass made of each bucket. Output: for each partition the pairs of rows that are alike, and those
that the next pass has to compare.
Memory: a partition, and the traits of all rows (mapped, about 75 bytes a row).
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from polyloop.data.near.clusters import Traits
from polyloop.data.near.compare import Contents
from polyloop.data.near.match import match
from polyloop.data.near.shingles import Shingles
from polyloop.data.passes.gather import (
    bands_path,
    shingles_of_rows,
    sketches_path,
    starts_path,
    traits_path,
)
from polyloop.data.rows import Row
from polyloop.data.storage import storage_errors, write_array

PARTITION_ENTRIES = 1 << 21
"""Band hashes that a partition is meant to hold; matching them takes about 150 MB."""

_FEEDBACK_FIRST = 1 << 59
"""Added to the order of corpus rows, so that users' corrections come before all of them."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """All rows of a build, numbered in the order of buckets and within a bucket in the order of ids."""

    buckets: tuple[str, ...]
    """Paths of the bucket files."""
    starts: tuple[int, ...]
    """Number of the first row of each bucket, and at the end the number of all rows."""

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return self.starts[-1]

    def place(self, row: int) -> tuple[int, int]:
        """Return bucket number and row within the bucket."""
        bucket = bisect_right(self.starts, row) - 1
        return bucket, row - self.starts[bucket]

    def values(self, rows: NDArray[np.int64], columns: Sequence[str]) -> list[list[str]]:
        """Return columns of rows by their numbers, each in the order of `rows`; only these rows are read."""
        order = np.argsort(rows)
        bounds = np.searchsorted(rows[order], self.starts)
        values: list[list[str]] = [[""] * len(rows) for _ in columns]
        for bucket, path in enumerate(self.buckets):
            here = order[bounds[bucket] : bounds[bucket + 1]]
            if not len(here):
                continue
            with pa.memory_map(path) as source:
                batch = pa.ipc.open_file(source).get_batch(0)
                taken = batch.select(list(columns)).take(pa.array(rows[here] - self.starts[bucket]))
                for filled, column in zip(values, taken.columns, strict=True):
                    for place, text in zip(here.tolist(), column.to_pylist(), strict=True):
                        filled[place] = text
        return values


def partition_count(num_rows: int, num_bands: int) -> int:
    """Return how many partitions so many rows need."""
    return max(1, -(-num_rows * num_bands // PARTITION_ENTRIES))


@dataclass(frozen=True, kw_only=True)
class Matching:
    """What all items of this pass and the next know."""

    rows: Rows
    folder: Path
    """Where `write_traits` has been."""
    threshold: float
    has_labels: bool

    def contents(self) -> Contents:
        """Return what rows hold; texts are read when they are asked for."""
        return Contents(
            sizes=np.load(self.folder / "sizes.npy", mmap_mode="r"),
            sketches=np.load(self.folder / "sketches.npy", mmap_mode="r"),
            shingles_of=self._shingles_of,
        )

    def _shingles_of(self, wanted: NDArray[np.int64]) -> Shingles:
        inputs, targets = self.rows.values(wanted, ("input", "target"))
        return shingles_of_rows(inputs, targets, has_labels=self.has_labels)


def match_item(item: Row, matching: Matching) -> Row:
    """Do the pass for one item (partition: its number, path); the answer has the number of pairs."""
    hashes, numbers = _entries(matching.rows, int(item["partition"]))
    traits = read_traits(matching.folder)
    found = match(hashes, numbers, traits, matching.contents(), matching.threshold)
    path = Path(item["path"])
    with storage_errors(path.parent):
        write_array(path, found.alike)
        write_array(likely_path(path), found.likely)
    return {"alike": str(len(found.alike)), "likely": str(len(found.likely))}


def likely_path(path: Path) -> Path:
    """Return where the pairs of a partition are that have to be compared: int64 [pairs, 2], sorted."""
    return path.with_suffix(".likely.npy")


def write_traits(rows: Rows, folder: Path) -> None:
    """Put what all buckets know of their rows together, for `match_item`."""
    parts = [np.load(traits_path(Path(path))) for path in rows.buckets]
    traits = np.concatenate([np.zeros((0, 4), np.int64), *parts])
    order = np.arange(len(traits), dtype=np.int64) + traits[:, 2] * _FEEDBACK_FIRST
    with storage_errors(folder):
        np.save(folder / "split.npy", traits[:, 0].astype(np.uint8))
        np.save(folder / "group.npy", traits[:, 1].astype(np.int32))
        np.save(folder / "order.npy", order)
        np.save(folder / "sizes.npy", traits[:, 3])
        _join(folder / "sketches.npy", [sketches_path(Path(path)) for path in rows.buckets], rows.num_rows)


def read_traits(folder: Path) -> Traits:
    """Return what decides between rows, mapped into memory."""
    split, group, order = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("split", "group", "order"))
    return Traits(split=split, group=group, order=order)


def _join(path: Path, parts: Sequence[Path], num_rows: int) -> None:
    """Write arrays one after another into one file, a part at a time."""
    arrays = [np.load(part, mmap_mode="r") for part in parts]
    width = arrays[0].shape[1] if arrays else 0
    if num_rows == 0:
        np.save(path, np.zeros((0, width), np.uint8))
        return
    joined = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(num_rows, width))
    start = 0
    for array in arrays:
        joined[start : start + len(array)] = array
        start += len(array)
    joined.flush()


def _entries(rows: Rows, partition: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return hashes and row numbers of a partition, from all buckets."""
    hashes: list[NDArray[np.uint64]] = [np.zeros(0, np.uint64)]
    numbers: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    for path, start in zip(map(Path, rows.buckets), rows.starts, strict=False):
        low, high = np.load(starts_path(path))[partition : partition + 2]
        entries = np.load(bands_path(path), mmap_mode="r")[low:high]
        hashes.append(np.asarray(entries[:, 0]))
        numbers.append(entries[:, 1].astype(np.int64) + start)
    return np.concatenate(hashes), np.concatenate(numbers)
