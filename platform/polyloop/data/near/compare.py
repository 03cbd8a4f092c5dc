"""Compares rows, first by a few bytes of each and then by all their shingles.

Input: pairs of rows, and what rows hold. Output: whether each pair's Jaccard similarity reaches a threshold. Rows are
fetched and compared in batches, so memory depends on the longest text, not on the number of pairs.

Most candidates are not alike, and fetching texts is slow. So a pair whose sketches agree in too few places is out:
sketches agree in each place with the probability of the similarity, so a pair at the threshold is lost once in a
thousand times, one above it hardly ever. All others are compared exactly.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polyloop.data.near.batches import batches
from polyloop.data.near.jaccard import distinct_shingles, jaccard
from polyloop.data.near.shingles import Shingles

BATCH_SHINGLES = 1 << 19
"""Shingles of the pairs that are compared at a time; a pair of longer texts is a batch of its own."""

BATCH_PAIRS = 1 << 14
"""Pairs whose sketches are compared at a time."""

MAX_LOST = 0.001
"""Part of the pairs at the threshold that may be lost by comparing sketches."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What rows hold, by their numbers; the arrays may be mapped from files."""

    sizes: NDArray[np.int64]
    """[rows]; about how many shingles a row has, by which batches are made."""
    sketches: NDArray[np.uint8]
    """[rows, num_hashes]; see `minhash.sketches`."""
    shingles_of: Callable[[NDArray[np.int64]], Shingles]
    """Gives the shingles of rows by their numbers; asked with distinct ascending numbers, many at a time."""


class Pairs(NamedTuple):
    """Pairs of rows by number; of each, the row that comes first and the other."""

    first: NDArray[np.int64]
    later: NDArray[np.int64]


def alike_pairs(pairs: NDArray[np.int64], contents: Contents, threshold: float) -> NDArray[np.int64]:
    """Return those of distinct, sorted pairs that are alike; both of the shape [pairs, 2]."""
    known, places = np.unique(pairs, return_inverse=True)
    first, later = places.reshape(pairs.shape).T
    return pairs[Judge(known, contents, threshold).tell(Pairs(first, later))]


def distinct_pairs(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each pair once, sorted by the first row and then by the other; shape [pairs, 2]."""
    keys = np.sort((pairs[:, 0] << 32) | pairs[:, 1])
    keys = keys[is_new(keys)]
    return np.stack([keys >> 32, keys & 0xFFFFFFFF], axis=1)


class Judge:
    """Compares the rows that a partition knows; pairs are of places in `known`, which has the numbers of the rows."""

    def __init__(self, known: NDArray[np.int64], contents: Contents, threshold: float) -> None:
        self._known = known
        self._contents = contents
        self._sizes = contents.sizes[known]
        self._sketches = contents.sketches[known]
        self._threshold = threshold
        self._min_agreements = min_agreements(self._sketches.shape[1], threshold)

    def tell(self, pairs: Pairs) -> NDArray[np.bool_]:
        """Tell of each pair whether it is alike."""
        alike = self.tell_likely(pairs)
        keys = (pairs.first[alike] << 32) | pairs.later[alike]
        distinct, places = np.unique(keys, return_inverse=True)
        first, later = distinct >> 32, distinct & 0xFFFFFFFF
        costs = self._sizes[first] + self._sizes[later]
        verdicts = [self._tell_batch(first[here], later[here]) for here in batches(costs, BATCH_SHINGLES)]
        alike[alike] = np.concatenate([np.zeros(0, np.bool_), *verdicts])[places]
        return alike

    def tell_likely(self, pairs: Pairs) -> NDArray[np.bool_]:
        """Tell of each pair whether its sketches agree in enough places."""
        likely = np.empty(len(pairs.first), dtype=np.bool_)
        for start in range(0, len(likely), BATCH_PAIRS):
            here = slice(start, start + BATCH_PAIRS)
            agreements = self._sketches[pairs.first[here]] == self._sketches[pairs.later[here]]
            likely[here] = np.count_nonzero(agreements, axis=1) >= self._min_agreements
        return likely

    def _tell_batch(self, first: NDArray[np.int64], later: NDArray[np.int64]) -> NDArray[np.bool_]:
        rows, places = np.unique(self._known[np.concatenate([first, later])], return_inverse=True)
        sets = distinct_shingles(self._contents.shingles_of(rows))
        return jaccard(sets, places[: len(first)], places[len(first) :]) >= self._threshold


def min_agreements(num_hashes: int, threshold: float) -> int:
    """Return in how many places two sketches agree at least, but for MAX_LOST of the pairs at the threshold."""
    lost = 0.0
    for agreements in range(num_hashes):
        ways = math.comb(num_hashes, agreements)
        lost += ways * threshold**agreements * (1 - threshold) ** (num_hashes - agreements)
        if lost > MAX_LOST:
            return agreements
    return num_hashes


def ranges(starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return start, start + 1 ... of each range, one range after another."""
    shifts = starts - (np.cumsum(sizes) - sizes)
    places: NDArray[np.int64] = np.repeat(shifts, sizes) + np.arange(sizes.sum())
    return places


def is_new(values: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Tell of each of sorted values whether it differs from the one before."""
    new = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=new[1:])
    return new
