"""Cuts a long list into stretches of about equal cost, so that memory and caches hold what a stretch needs.

Input: what each item costs. Output: slices. Pure.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray


def batches(costs: NDArray[np.int64], budget: int) -> Iterator[slice]:
    """Yield slices of items, in order, that cost at most `budget` together; an item that costs more is one of its
    own."""
    totals = np.cumsum(costs)
    begin = 0
    while begin < len(totals):
        spent = int(totals[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(totals, spent + budget, side="right")))
        yield slice(begin, end)
        begin = end


def lengths(texts: Sequence[str]) -> NDArray[np.int64]:
    """Return the number of characters of each text."""
    return np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
