"""Fourth pass of a build: rows that may be alike are compared, each pair once, and then it is decided which rows go.

Input: the pairs that the partitions of the third pass left open; an item takes those whose first row is in its stretch
of rows. Output: the pairs that are alike; from them, for each bucket which of its rows repeat which other row.
Memory: the open pairs of a stretch; for the decision, all alike pairs and the traits of all rows.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polyloop.data.near.clusters import REASONS, STAYS, resolve
from polyloop.data.near.compare import alike_pairs, distinct_pairs
from polyloop.data.passes.match import Matching, Rows, likely_path, read_traits
from polyloop.data.rows import Row
from polyloop.data.storage import storage_errors, write_array

STRETCH_ROWS = 1 << 14
"""Rows of a stretch: a few seconds' work if half of them have a near copy."""


def num_stretches(rows: Rows) -> int:
    """Return how many items the pass has."""
    return max(1, -(-rows.num_rows // STRETCH_ROWS))


def compare_item(item: Row, matching: Matching, partitions: Sequence[Path]) -> Row:
    """Do the pass for one item (stretch: its number, path); the answer has the numbers of pairs."""
    first = int(item["stretch"]) * STRETCH_ROWS
    pairs = _joined(_pairs_of(likely_path(path), first, first + STRETCH_ROWS) for path in partitions)
    alike = alike_pairs(pairs, matching.contents(), matching.threshold)
    path = Path(item["path"])
    with storage_errors(path.parent):
        write_array(path, alike)
    return {"likely": str(len(pairs)), "alike": str(len(alike))}


def repetitions(matching: Matching, pair_files: Sequence[Path]) -> dict[int, str]:
    """Decide which rows go; return for buckets that lose some a JSON list of [row, reason, row that it repeats]."""
    traits = read_traits(matching.folder)
    repeated = resolve(_joined(np.load(path) for path in pair_files), traits)
    lost: dict[int, list[tuple[int, str, int]]] = {}
    for row in np.flatnonzero(repeated != STAYS).tolist():
        kept = int(repeated[row])
        bucket, place = matching.rows.place(row)
        lost.setdefault(bucket, []).append((place, REASONS[traits.split[kept]], kept))
    return {bucket: json.dumps(items) for bucket, items in lost.items()}


def _pairs_of(path: Path, first: int, end: int) -> NDArray[np.int64]:
    """Return those of the sorted pairs of a file whose first row is in a stretch."""
    pairs = np.load(path, mmap_mode="r")
    low, high = np.searchsorted(pairs[:, 0], (first, end))
    return np.asarray(pairs[low:high])


def _joined(parts: Iterator[NDArray[np.int64]]) -> NDArray[np.int64]:
    return distinct_pairs(np.concatenate([np.zeros((0, 2), np.int64), *parts]))
