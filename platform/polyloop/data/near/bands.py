"""Bands of a signature: texts that agree in one whole band are candidates for being near duplicates.

Input: a similarity threshold; signatures. Output: how many bands of how many numbers; one hash a band.

Source: Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, 3.4: texts of similarity s share at least one of b
bands of r numbers with probability 1 - (1 - s**r)**b.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RECALL_AT_THRESHOLD = 0.98
"""Part of the pairs exactly at the threshold that become candidates; of those above it, more do."""

UNRELATED_SIMILARITY = 0.05
"""Similarity that texts of one language have without being related; short shingles are shared by chance."""

UNRELATED_CANDIDATES = 1e-5
"""Part of the unrelated pairs that may become candidates: each has to be compared, and there are many."""

MAX_HASHES = 256
"""Longest signature; only thresholds below about 0.65 would need a longer one to meet both limits."""


@dataclass(frozen=True, kw_only=True)
class Banding:
    """How signatures are cut."""

    num_bands: int
    rows_per_band: int
    """Numbers of the signature in each band."""

    @property
    def num_hashes(self) -> int:
        """Length of a signature."""
        return self.num_bands * self.rows_per_band

    def candidate_probability(self, similarity: float) -> float:
        """Return the probability that two texts of this Jaccard similarity share a band."""
        return float(1 - (1 - similarity**self.rows_per_band) ** self.num_bands)


def banding(threshold: float) -> Banding:
    """Return the shortest signature that finds pairs at the threshold and few unrelated ones.

    Where both do not fit into MAX_HASHES, finding comes first: more unrelated pairs are compared, none is missed for
    it.
    """
    best = _recalling(threshold, rows_per_band=1)
    while best.candidate_probability(UNRELATED_SIMILARITY) > UNRELATED_CANDIDATES:
        longer = _recalling(threshold, best.rows_per_band + 1)
        if longer.num_hashes > MAX_HASHES:
            break
        best = longer
    return best


def _recalling(threshold: float, rows_per_band: int) -> Banding:
    """Return the fewest bands of this size that meet RECALL_AT_THRESHOLD."""
    num_bands = 1
    while (found := Banding(num_bands=num_bands, rows_per_band=rows_per_band)).candidate_probability(
        threshold
    ) < RECALL_AT_THRESHOLD:
        num_bands += 1
    return found


def band_hashes(signatures: NDArray[np.uint32], bands: Banding) -> NDArray[np.uint64]:
    """Return the hash of each band of signatures [rows, num_hashes], shape [rows, num_bands].

    Bands of different places never share a hash but by chance, so all may be sorted together.
    """
    grouped = signatures.reshape(len(signatures), bands.num_bands, bands.rows_per_band)
    factors = np.random.Philox(key=0x62616E6473).random_raw(bands.num_hashes + bands.num_bands) | np.uint64(1)
    hashes: NDArray[np.uint64] = np.tile(factors[bands.num_hashes :], (len(signatures), 1))
    for place in range(bands.rows_per_band):
        hashes += grouped[:, :, place] * factors[: bands.num_hashes].reshape(grouped.shape[1:])[:, place]
        hashes ^= hashes >> np.uint64(32)
    hashes *= np.uint64(0x9E3779B97F4A7C15)
    hashes ^= hashes >> np.uint64(32)
    return hashes
