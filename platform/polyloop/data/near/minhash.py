"""MinHash signatures: a few numbers a text, of which two texts share about as large a part as they share shingles.

Input: the shingles of some rows. Output: one array of signatures. Pure; the same on every machine.

Sources: Broder, On the resemblance and containment of documents (1997); Ji et al., Min-max hash for Jaccard similarity
(ICDM 2013): the largest value under a hash function is as good a sample as the smallest, so half the functions do. They
are multiplications of the mixed shingle hash by odd numbers modulo 2**32, each a permutation of all 32-bit numbers.
Rows are put into blocks of rows of about the same length, padded, so that a function works on a whole block at a time.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from polyloop.data.near.shingles import Shingles

BLOCK_CELLS = 1 << 17
"""Shingles of a block, padding included: half a megabyte, which stays in a core's cache over all hash functions."""

PIECE_SHINGLES = 256
"""Rows with more shingles are cut into pieces of at most this many, so that blocks are wide."""

PADDING = 1.12
"""Rows of one block may differ in length by this factor."""


def signatures(shingles: Shingles, num_hashes: int) -> NDArray[np.uint32]:
    """Return the signatures of rows, shape [rows, num_hashes]."""
    starts, counts = shingles.offsets[:-1], np.diff(shingles.offsets)
    short = counts <= PIECE_SHINGLES
    result = np.empty((len(counts), num_hashes), dtype=np.uint32)
    result[short] = _extremes(shingles.hashes, starts[short], counts[short], num_hashes)
    if not short.all():
        result[~short] = _of_pieces(shingles.hashes, starts[~short], counts[~short], num_hashes)
    return result


def sketches(signatures: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Return the low byte of each number, with which the similarity of two rows can be told nearly as well.

    Source: Li and König, b-bit minwise hashing (WWW 2010); unlike numbers agree in a byte once in 256 times.
    """
    return signatures.astype(np.uint8)


def _of_pieces(
    hashes: NDArray[np.uint32], starts: NDArray[np.int64], counts: NDArray[np.int64], num_hashes: int
) -> NDArray[np.uint32]:
    """Return the signatures of long stretches, from those of their pieces."""
    pieces = -(-counts // PIECE_SHINGLES)
    first = np.cumsum(pieces) - pieces
    widths = np.repeat(-(-counts // pieces), pieces)
    place = np.arange(len(widths)) - np.repeat(first, pieces)
    # the last piece of a row overlaps the one before it, which changes no minimum
    within = np.minimum(place * widths, np.repeat(counts, pieces) - widths)
    extremes = _extremes(hashes, np.repeat(starts, pieces) + within, widths, num_hashes)
    return np.minimum.reduceat(extremes, first, axis=0)


def _extremes(
    hashes: NDArray[np.uint32], starts: NDArray[np.int64], counts: NDArray[np.int64], num_hashes: int
) -> NDArray[np.uint32]:
    """Return the signature of each stretch of `hashes`, shape [stretches, num_hashes].

    The first half are the smallest values, the second the complements of the largest, so that of two signatures of
    parts of a text the smaller numbers are always those of the whole.
    """
    num_smallest = -(-num_hashes // 2)
    order = np.argsort(counts, kind="stable")
    starts, counts = starts[order], counts[order]
    extremes = np.empty((num_hashes, len(counts)), dtype=np.uint32)
    scratch = np.empty(max(BLOCK_CELLS, int(counts.max(initial=0))), dtype=np.uint32)
    for first, last in _blocks(counts):
        width = int(counts[last - 1])
        within = np.minimum(np.arange(width)[:, None], counts[first:last] - 1)
        block = hashes[starts[first:last] + within]
        permuted = scratch[: block.size].reshape(block.shape)
        for number, factor in enumerate(_factors(num_smallest)):
            np.multiply(block, factor, out=permuted)
            np.minimum.reduce(permuted, axis=0, out=extremes[number, first:last])
            if number + num_smallest < num_hashes:
                np.maximum.reduce(permuted, axis=0, out=extremes[number + num_smallest, first:last])
    np.invert(extremes[num_smallest:], out=extremes[num_smallest:])
    result = np.empty((len(counts), num_hashes), dtype=np.uint32)
    result[order] = extremes.T
    return result


def _blocks(counts: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield first and last (exclusive) of rows of about the same length; `counts` ascend."""
    first = 0
    while first < len(counts):
        widest = int(counts[first] * PADDING) + 1
        last = int(np.searchsorted(counts, widest, side="right"))
        last = min(last, first + max(1, BLOCK_CELLS // widest))
        yield first, last
        first = last


def _factors(num_hashes: int) -> NDArray[np.uint32]:
    """Return the odd numbers by which the hash functions multiply; the first ones are the same for any number."""
    # Philox is specified bit by bit, so that every machine and every version of numpy draws the same numbers
    drawn = np.random.Philox(key=0x706F6C796C6F6F70).random_raw(num_hashes)
    return (drawn >> np.uint64(32)).astype(np.uint32) | np.uint32(1)
