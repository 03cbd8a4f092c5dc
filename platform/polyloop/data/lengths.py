"""A histogram of lengths whose bins are the same everywhere, so that histograms of parts add up to that of the whole.

Input: whole numbers from 0. Output: count, mean, extremes (exact) and quantiles (to within a sixteenth). Bins hold one
length each up to 15, then eight bins stand for each doubling, as in HdrHistogram (https://hdrhistogram.org).
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

_EXACT_BITS = 4
_BINS_PER_DOUBLING = 8


@dataclass(kw_only=True)
class LengthHistogram:
    """How many texts have which length."""

    bins: Counter[int] = field(default_factory=Counter)
    """Number of the bin -> texts."""
    total: int = 0
    """Sum of all lengths."""
    minimum: int | None = None
    maximum: int | None = None

    @property
    def count(self) -> int:
        """Number of texts."""
        return self.bins.total()

    @property
    def mean(self) -> float:
        """Mean length; 0 without any text."""
        return self.total / self.count if self.count else 0.0

    def add(self, lengths: npt.ArrayLike) -> None:
        """Count lengths, an array of whole numbers from 0."""
        values = np.asarray(lengths, dtype=np.int64)
        if not values.size:
            return
        shifts = np.maximum(np.frexp(values)[1] - _EXACT_BITS, 0)
        numbers, counts = np.unique(shifts * _BINS_PER_DOUBLING + (values >> shifts), return_counts=True)
        extremes = {"minimum": int(values.min()), "maximum": int(values.max())}
        added = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
        self.merge(type(self)(bins=Counter(added), total=int(values.sum()), **extremes))

    def merge(self, other: Self) -> None:
        """Add what another histogram counted."""
        self.bins.update(other.bins)
        self.total += other.total
        self.minimum = min((one for one in (self.minimum, other.minimum) if one is not None), default=None)
        self.maximum = max((one for one in (self.maximum, other.maximum) if one is not None), default=None)

    def quantile(self, part: float) -> int:
        """Return the length that `part` (0 to 1) of the texts do not exceed: the middle of its bin; 0 without texts."""
        if self.minimum is None or self.maximum is None:
            return 0
        rank, seen = max(1, math.ceil(part * self.count)), 0
        for number in sorted(self.bins):
            seen += self.bins[number]
            if seen >= rank:
                low, high = bin_bounds(number)
                return min(max((low + high) // 2, self.minimum), self.maximum)
        return self.maximum

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for `from_dict`; the bins as [shortest, longest, texts]."""
        bins = [[*bin_bounds(number), self.bins[number]] for number in sorted(self.bins)]
        return {"total": self.total, "minimum": self.minimum, "maximum": self.maximum, "bins": bins}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the histogram that `to_dict` wrote."""
        bins = Counter({bin_number(low): texts for low, _, texts in data["bins"]})
        return cls(bins=bins, total=data["total"], minimum=data["minimum"], maximum=data["maximum"])


def bin_number(length: int) -> int:
    """Return the bin of a length."""
    shift = max(length.bit_length() - _EXACT_BITS, 0)
    return shift * _BINS_PER_DOUBLING + (length >> shift)


def bin_bounds(number: int) -> tuple[int, int]:
    """Return the shortest and the longest length of a bin."""
    if number < 2 * _BINS_PER_DOUBLING:
        return number, number
    shift = number // _BINS_PER_DOUBLING - 1
    start = number - shift * _BINS_PER_DOUBLING
    return start << shift, ((start + 1) << shift) - 1
