"""Array helpers that metrics share: safe ratios, and the mean of a value that each row has.

Inputs and outputs: float64 arrays; sums have shape (..., k), scores shape (...).
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Return part / whole, and 0 where whole is 0."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole != 0)


def mean_statistics(values: Iterable[float]) -> FloatArray:
    """Return (value, 1) for each row, the statistics of a mean over rows; values are shares from 0 to 1."""
    return np.array([(value, 1.0) for value in values], dtype=np.float64)


def mean_points(sums: FloatArray) -> FloatArray:
    """Return the mean of the rows' values in points (0 to 100)."""
    return 100.0 * ratio(sums[..., 0], sums[..., 1])
