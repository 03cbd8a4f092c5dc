"""How much of an answer is an encoder's where a linear classifier answers beside it. Pure.

Inputs: the logits of both on dev rows, and the right labels. Output: the encoder's part of their weighted mean.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyloop.models.calibration import fit_temperature, probabilities

SHARES = tuple(step / 10 for step in range(11))

EQUAL = 0.5
"""Where no dev row says which of the two is to be believed."""


def best_share(linear: NDArray[Any], encoder: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """Return the share, one of `SHARES`, whose mean has the least cross-entropy at its own best temperature.

    Logits are (..., classes) with labels of the shape in front. Of several best shares, the one nearest to one half.
    """
    if not labels.size:
        return EQUAL
    right = labels.reshape(-1)
    lines = np.arange(len(right))

    def cost(share: float) -> float:
        logits = (share * encoder + (1.0 - share) * linear).reshape(len(right), -1)
        chances = probabilities(logits, fit_temperature(logits, right))
        return float(-np.log(np.maximum(chances[lines, right], 1e-12)).mean())

    return min(SHARES, key=lambda share: (round(cost(share), 9), abs(share - EQUAL)))
