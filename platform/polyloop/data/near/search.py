"""Near duplicates of texts that fit into one process: all parts of the package in a row.

Input: texts. Output: the alike pairs, and for each text the one that it repeats.
Limits: texts, band hashes and sketches are in memory, about 150 bytes a text besides the texts, and 100 bytes an entry
of the partition that is matched; signatures and shingles are not kept.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polyloop.data.near.bands import Banding, band_hashes, banding
from polyloop.data.near.batches import batches, lengths
from polyloop.data.near.clusters import TRAIN, Traits, resolve
from polyloop.data.near.compare import Contents, alike_pairs, distinct_pairs
from polyloop.data.near.match import match
from polyloop.data.near.minhash import signatures, sketches
from polyloop.data.near.shingles import Shingles, shingle_hashes

BATCH_CHARACTERS = 1 << 22
"""Characters of the texts that are sketched at a time."""

PARTITION_ENTRIES = 1 << 22
"""Band hashes that are matched at a time."""


class _Sketched(NamedTuple):
    """What is kept of some texts."""

    hashes: NDArray[np.uint64]
    sketches: NDArray[np.uint8]
    sizes: NDArray[np.int64]


def near_pairs(
    inputs: Sequence[str], threshold: float, *, targets: Sequence[str] | None = None, traits: Traits | None = None
) -> NDArray[np.int64]:
    """Return the pairs of texts, or of input and target pairs, whose similarity reaches the threshold; shape [pairs,
    2].

    Without `traits` all texts are train rows of one group, earlier texts first.
    """
    bands = banding(threshold)
    traits = traits or all_train(len(inputs))
    parts = [
        _sketch(inputs[here], None if targets is None else targets[here], bands)
        for here in batches(lengths(inputs), BATCH_CHARACTERS)
    ]
    hashes = np.concatenate([np.zeros((0, bands.num_bands), np.uint64), *(part.hashes for part in parts)]).ravel()
    contents = Contents(
        sizes=np.concatenate([np.zeros(0, np.int64), *(part.sizes for part in parts)]),
        sketches=np.concatenate([np.zeros((0, bands.num_hashes), np.uint8), *(part.sketches for part in parts)]),
        shingles_of=partial(_shingles_of, inputs, targets),
    )
    matches = [
        match(hashes[entries], entries // bands.num_bands, traits, contents, threshold)
        for entries in _partitions(hashes)
    ]
    compared = alike_pairs(_joined(some.likely for some in matches), contents, threshold)
    return _joined([compared, *(some.alike for some in matches)])


def find_near_duplicates(texts: Sequence[str], threshold: float) -> NDArray[np.int64]:
    """Return for each text the number of the earlier text that it nearly repeats, -1 for those to keep; shape
    [texts]."""
    return resolve(near_pairs(texts, threshold), all_train(len(texts)))


def all_train(num_rows: int) -> Traits:
    """Return the traits of rows of one split and group, in the order of their numbers."""
    return Traits(
        split=np.full(num_rows, TRAIN),
        group=np.zeros(num_rows, dtype=np.int32),
        order=np.arange(num_rows, dtype=np.int64),
    )


def _joined(parts: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    return distinct_pairs(np.concatenate([np.zeros((0, 2), np.int64), *parts]))


def _sketch(inputs: Sequence[str], targets: Sequence[str] | None, bands: Banding) -> _Sketched:
    shingles = shingle_hashes(inputs, targets)
    numbers = signatures(shingles, bands.num_hashes)
    return _Sketched(band_hashes(numbers, bands), sketches(numbers), np.diff(shingles.offsets))


def _shingles_of(inputs: Sequence[str], targets: Sequence[str] | None, rows: NDArray[np.int64]) -> Shingles:
    places = rows.tolist()
    return shingle_hashes(
        [inputs[place] for place in places], None if targets is None else [targets[place] for place in places]
    )


def _partitions(hashes: NDArray[np.uint64]) -> Iterator[NDArray[np.int64]]:
    """Yield the places of hashes, all of equal ones together."""
    count = -(-len(hashes) // PARTITION_ENTRIES)
    if count <= 1:
        yield np.arange(len(hashes))
        return
    partition = hashes % np.uint64(count)
    for number in range(count):
        yield np.flatnonzero(partition == number)
