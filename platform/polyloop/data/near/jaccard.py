"""The Jaccard similarity of rows, exact, from their shingles.

Input: the shingles of some rows, and pairs of rows. Output: the part of the distinct shingles of a pair that both have.
Pure. Rows are put into blocks of about the same length, padded, and each row of a block is sorted on its own: for
32-bit numbers that fit into a core's cache this is several times faster than one sort over all rows.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polyloop.data.near.shingles import Shingles

BLOCK_CELLS = 1 << 16
"""Numbers of a block, padding included."""

PADDING = np.uint32(0xFFFFFFFF)
"""Stands behind the shingles of a row; a shingle of this value is taken for the one below it."""

MAX_STRETCH = 1.12
"""Rows of one block may differ in length by this factor."""


class Sets(NamedTuple):
    """The distinct shingles of some rows, ascending; those of row i are `hashes[starts[i] : starts[i] + sizes[i]]`."""

    hashes: NDArray[np.uint32]
    """In any order of rows; at the end is PADDING."""
    starts: NDArray[np.int64]
    """[rows]"""
    sizes: NDArray[np.int64]
    """[rows]"""


def distinct_shingles(shingles: Shingles) -> Sets:
    """Return the shingles of each row sorted, without repetitions."""
    counts = np.diff(shingles.offsets)
    hashes = np.append(np.minimum(shingles.hashes, PADDING - np.uint32(1)), PADDING)
    sizes = np.zeros(len(counts), dtype=np.int64)
    order, parts = [], []
    for rows in _blocks(counts):
        block = _padded(hashes, shingles.offsets[:-1][rows], counts[rows])
        block.sort(axis=1)
        new = block != PADDING
        new[:, 1:] &= block[:, 1:] != block[:, :-1]
        sizes[rows] = np.count_nonzero(new, axis=1)
        parts.append(block[new])
        order.append(rows)
    rows = np.concatenate([np.zeros(0, np.int64), *order])
    starts = np.zeros(len(counts), dtype=np.int64)
    starts[rows] = np.cumsum(sizes[rows]) - sizes[rows]
    return Sets(np.concatenate([*parts, np.array([PADDING])]), starts, sizes)


def jaccard(sets: Sets, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the Jaccard similarity of pairs of rows; shape [pairs]."""
    common = np.zeros(len(one), dtype=np.int64)
    together = sets.sizes[one] + sets.sizes[other]
    for pairs in _blocks(together):
        both = [_padded(sets.hashes, sets.starts[rows], sets.sizes[rows]) for rows in (one[pairs], other[pairs])]
        block = np.concatenate(both, axis=1)
        block.sort(axis=1)
        shared = (block[:, 1:] == block[:, :-1]) & (block[:, 1:] != PADDING)
        common[pairs] = np.count_nonzero(shared, axis=1)
    return common / (together - common)


def _padded(hashes: NDArray[np.uint32], starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return stretches of `hashes`, which ends with PADDING, as rows of the same width."""
    columns = np.arange(int(counts.max(initial=0)))
    places = np.where(columns < counts[:, None], starts[:, None] + columns, len(hashes) - 1)
    return hashes[places]


def _blocks(lengths: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield the numbers of rows of about the same length."""
    order = np.argsort(lengths, kind="stable")
    ascending = lengths[order]
    first = 0
    while first < len(order):
        widest = int(ascending[first] * MAX_STRETCH) + 1
        last = int(np.searchsorted(ascending, widest, side="right"))
        last = min(last, first + max(1, BLOCK_CELLS // widest))
        yield order[first:last]
        first = last
