"""The shingles of a text: the short character sequences by which two texts are compared, as 32-bit hashes.

Input: texts, or pairs of texts. Output: the hashes of all rows in one array. Pure; the same on every machine.

A text is folded (`polyloop.data.near.characters`): case, width, punctuation and the amount of white space are nothing.
It is then cut into runs of dense characters (Han, kana, Hangul, emoji), in which separators vanish, and runs of all
others, in which a row of separators is one space. A run gives its sequences of 2 characters if dense and of 5 if not,
or itself if it is shorter. So a word changed in a Chinese sentence weighs as much as one changed in an English
sentence: one sign stands for two to three letters. A text without any letter gives one shingle, the text as it is.

Two shingles of one text get the same hash about once in four billion pairs; of 10,000 shingles, 0.01 are lost.
"""

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polyloop.data.near.batches import batches, lengths
from polyloop.data.near.characters import DENSE, END_MARK, SEPARATOR, fold

SHINGLE_CHARACTERS = 5
"""Characters of a shingle; five letters are what Leskovec et al., Mining of Massive Datasets, 3.2.2, advise for
e-mails."""

DENSE_SHINGLE_CHARACTERS = 2
"""Characters of a shingle of dense characters."""

CHUNK_CHARACTERS = 1 << 17
"""Characters that are worked on at a time, so that the arrays of a step stay in a core's cache."""

_FACTORS = tuple(
    np.uint32(factor) for factor in (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1)
)  # the primes of xxHash32
_TARGET_SALT = np.uint32(0x5BD1E995)


class Shingles(NamedTuple):
    """The shingle hashes of some rows, with repetitions, in the order of the text."""

    hashes: NDArray[np.uint32]
    """[shingles]; those of row i are `hashes[offsets[i] : offsets[i + 1]]`, at least one."""
    offsets: NDArray[np.int64]
    """[rows + 1]"""


def shingle_hashes(inputs: Sequence[str], targets: Sequence[str] | None = None) -> Shingles:
    """Return the shingles of texts; with `targets`, of pairs: those of both sides, told apart.

    A shingle of an input never equals one of a target, so swapped pairs are not alike.
    """
    if targets is None:
        return _with_letterless(_text_shingles(inputs), inputs)
    texts = [text for pair in zip(inputs, targets, strict=True) for text in pair]
    hashes, offsets = _text_shingles(texts)
    salts = np.where(np.arange(len(texts)) % 2, _TARGET_SALT, np.uint32(0))
    hashes ^= np.repeat(salts, np.diff(offsets))
    pairs = [f"{source}\n{target}" for source, target in zip(inputs, targets, strict=True)]
    return _with_letterless(Shingles(hashes, offsets[::2]), pairs)


def _text_shingles(texts: Sequence[str]) -> Shingles:
    """Return the shingles of texts; a text without letters gets none."""
    return _joined([_chunk_shingles(texts[chunk]) for chunk in batches(lengths(texts) + 1, CHUNK_CHARACTERS)])


def _joined(parts: list[Shingles]) -> Shingles:
    """Return the rows of several parts as one."""
    sizes = np.concatenate([np.zeros(1, np.int64), *(np.diff(part.offsets) for part in parts)])
    hashes = np.concatenate([np.zeros(0, np.uint32), *(part.hashes for part in parts)])
    return Shingles(hashes, np.cumsum(sizes))


def _with_letterless(shingles: Shingles, texts: Sequence[str]) -> Shingles:
    """Give each row without shingles one, the hash of its whole text."""
    empty = np.flatnonzero(np.diff(shingles.offsets) == 0)
    if not len(empty):
        return shingles
    wholes = [zlib.crc32(texts[row].encode("utf-8", "surrogatepass")) for row in empty.tolist()]
    hashes = np.insert(shingles.hashes, shingles.offsets[empty], np.array(wholes, dtype=np.uint32))
    added = np.zeros(len(shingles.offsets), dtype=np.int64)
    added[empty + 1] = 1
    return Shingles(hashes, shingles.offsets + np.cumsum(added))


def _chunk_shingles(texts: Sequence[str]) -> Shingles:
    """Return the same for a few texts."""
    codes = _tight(fold(texts).codes)
    dense = codes >= DENSE
    end = codes == END_MARK
    starts = np.ones(len(codes) + SHINGLE_CHARACTERS, dtype=np.bool_)  # of runs, and of the ends between them
    starts[1 : len(codes)] = (dense[1:] != dense[:-1]) | (end[1:] != end[:-1])
    whole = ~_is_cut(dense, starts)
    short = np.flatnonzero(starts[: len(codes)] & ~whole & ~end)
    hashes = _gram_hashes(codes, dense)
    hashes[short] = _short_hashes(codes, starts, short)
    whole &= ~end
    whole[short] = True
    places = np.flatnonzero(whole)
    offsets = np.concatenate([np.zeros(1, np.int64), np.searchsorted(places, np.flatnonzero(end))])
    return Shingles(_mixed(hashes[places]), offsets)


def _tight(codes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Keep one separator of each row of them, and none beside a dense character or at either end of a text."""
    solid = codes != SEPARATOR
    kept = solid.copy()
    kept[1:] |= solid[:-1]  # the first separator after a character
    codes = codes[kept]
    tight = codes >= DENSE
    beside = np.zeros(len(codes), dtype=np.bool_)
    beside[0] = True
    beside[1:] = tight[:-1]
    beside[:-1] |= tight[1:]
    tightened: NDArray[np.uint32] = codes[~(beside & (codes == SEPARATOR))]
    return tightened


def _is_cut(dense: NDArray[np.bool_], starts: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell for each place whether its run ends before a whole shingle does."""
    size = len(dense)
    cut = np.zeros(size, dtype=np.bool_)
    for distance in range(DENSE_SHINGLE_CHARACTERS, SHINGLE_CHARACTERS):
        cut |= starts[distance : distance + size]
    cut &= ~dense
    for distance in range(1, DENSE_SHINGLE_CHARACTERS):
        cut |= starts[distance : distance + size]
    return cut


def _gram_hashes(codes: NDArray[np.uint32], dense: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Return for each place the sum of the characters of a whole shingle, each times the factor of its position."""
    size = len(codes)
    padded = np.concatenate([codes, np.zeros(SHINGLE_CHARACTERS, np.uint32)])
    hashes = np.zeros(size, dtype=np.uint32)
    term = np.empty(size, dtype=np.uint32)
    for position in reversed(range(SHINGLE_CHARACTERS)):
        hashes += np.multiply(padded[position : position + size], _FACTORS[position], out=term)
        if position == DENSE_SHINGLE_CHARACTERS:
            hashes *= ~dense
    return hashes


def _short_hashes(codes: NDArray[np.uint32], starts: NDArray[np.bool_], short: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return the same sum for runs shorter than a shingle; `short` is where they begin."""
    hashes = codes[short] * _FACTORS[0]
    inside = np.ones(len(short), dtype=np.bool_)
    for position in range(1, SHINGLE_CHARACTERS):
        inside &= ~starts[short + position]
        following = codes[np.minimum(short + position, len(codes) - 1)]
        hashes += following * _FACTORS[position] * inside
    return hashes


def _mixed(hashes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return the finaliser of MurmurHash3 (Appleby): each bit of the input changes each of the output."""
    hashes ^= hashes >> np.uint32(16)
    hashes *= np.uint32(0x85EBCA6B)
    hashes ^= hashes >> np.uint32(13)
    hashes *= np.uint32(0xC2B2AE35)
    hashes ^= hashes >> np.uint32(16)
    return hashes
