"""Hashes of many stretches of one array, also of overlapping ones, at the cost of one pass over it.

Input: an array of numbers and where stretches begin and end. Output: a 64-bit hash of each, the same wherever in the
array the stretch lies. Pure; the same on every machine.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_FACTOR = 0x9E3779B97F4A7C15
"""Odd, so that it has an inverse modulo 2**64."""


def stretch_hashes(
    values: NDArray[np.unsignedinteger], begins: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """Return the hash of `values[begin:end]` for each begin and end; zeros at the end of a stretch do not count.

    It is the sum of the values times ascending powers of a factor, modulo 2**64 (Karp and Rabin 1987), mixed. All come
    from one running sum: what is before a stretch is subtracted, and the powers are brought to begin at 0.
    """
    powers, inverse_powers = _powers(max(len(values), 1).bit_length())
    running = np.zeros(len(values) + 1, dtype=np.uint64)
    np.cumsum(values * powers[: len(values)], out=running[1:])
    return _mixed((running[ends] - running[begins]) * inverse_powers[begins])


@lru_cache(maxsize=4)
def _powers(bits: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the first 2**bits powers of the factor, and of its inverse, modulo 2**64."""
    tables = []
    for base in (_FACTOR, pow(_FACTOR, -1, 1 << 64)):
        table = np.full(1 << bits, base, dtype=np.uint64)
        table[0] = 1
        tables.append(np.multiply.accumulate(table))
    return tables[0], tables[1]


def _mixed(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the finaliser of SplitMix64 (Steele et al. 2014): each bit of the input changes each of the output."""
    hashes ^= hashes >> np.uint64(30)
    hashes *= np.uint64(0xBF58476D1CE4E5B9)
    hashes ^= hashes >> np.uint64(27)
    hashes *= np.uint64(0x94D049BB133111EB)
    hashes ^= hashes >> np.uint64(31)
    return hashes
