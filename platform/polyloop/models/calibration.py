"""Temperature scaling: one number that makes a classifier's probabilities honest without changing its answers.

Inputs: logits and right labels of rows that the model was not trained on (the dev split). Output: the temperature that
divides logits before the softmax. Guo et al. 2017, "On Calibration of Modern Neural Networks"
(https://arxiv.org/abs/1706.04599). Pure numpy in float64. Limits: softmax over exclusive labels (each label of a
multi-label task can be fitted by itself, as the two logits (0, z)); a few hundred rows at least for a steady value.
"""

import numpy as np
import numpy.typing as npt

from polyloop.errors import ModelError

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.01, 100.0
"""Bounds of the result. The best one is 0 where every dev row is right and infinite where logits tell nothing."""
MAX_STEPS = 100
TOLERANCE = 1e-10

FloatArray = npt.NDArray[np.float64]


def fit_temperature(logits: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Return the temperature that minimises the negative log likelihood of the labels.

    `logits`: floats, shape (rows, labels >= 2); `labels`: integers, shape (rows,). The likelihood is convex in 1 /
    temperature, so Newton's method, kept inside a bracket by bisection, finds the one minimum; a minimum outside the
    bounds gives the nearer bound, and 1 comes back if no row tells its labels apart, as any value is then as good.
    Raises ModelError for other shapes, no rows, values that are not finite and labels out of range.
    """
    values, wanted = _checked(logits, labels)
    low, high = 1.0 / MAX_TEMPERATURE, 1.0 / MIN_TEMPERATURE
    if not np.ptp(values, axis=1).any():
        return 1.0
    if _derivatives(values, wanted, low)[0] >= 0.0:
        return MAX_TEMPERATURE
    if _derivatives(values, wanted, high)[0] <= 0.0:
        return MIN_TEMPERATURE
    inverse = 1.0
    for _ in range(MAX_STEPS):
        slope, curvature = _derivatives(values, wanted, inverse)
        low, high = (low, inverse) if slope > 0.0 else (inverse, high)
        newton = inverse - slope / curvature if curvature > 0.0 else low
        following = newton if low < newton < high else (low + high) / 2.0
        if abs(following - inverse) <= TOLERANCE * inverse:
            break
        inverse = following
    return 1.0 / following


def probabilities(logits: npt.ArrayLike, temperature: float) -> FloatArray:
    """Return softmax(logits / temperature) over the last axis, float64."""
    if not temperature > 0.0:
        raise ModelError(f"a temperature is above 0, not {temperature}; fit it with fit_temperature")
    return _softmax(np.asarray(logits, dtype=np.float64) / temperature)


def _derivatives(logits: FloatArray, labels: npt.NDArray[np.int64], inverse: float) -> tuple[float, float]:
    """Return the first and second derivative of the mean negative log likelihood by 1 / temperature.

    They are mean(E[z] - z of the label) and mean(Var[z]), under the softmax of each row.
    """
    weights = _softmax(logits * inverse)
    means = (weights * logits).sum(axis=1)
    slope = float((means - logits[np.arange(len(labels)), labels]).mean())
    return slope, float((weights * (logits - means[:, None]) ** 2).sum(axis=1).mean())


def _softmax(logits: FloatArray) -> FloatArray:
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True), dtype=np.float64)


def _checked(logits: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    values, wanted = np.asarray(logits, dtype=np.float64), np.asarray(labels)
    if values.ndim != 2 or values.shape[1] < 2 or wanted.shape != values.shape[:1] or not len(wanted):
        raise ModelError(
            f"a temperature needs logits of shape (rows, labels) with one label a row, not {values.shape} and "
            f"{wanted.shape}; use the dev split's"
        )
    if not np.isfinite(values).all():
        raise ModelError("logits hold values that are not finite; evaluate an earlier checkpoint")
    if not np.issubdtype(wanted.dtype, np.integer) or wanted.min() < 0 or wanted.max() >= values.shape[1]:
        raise ModelError(f"labels are integers from 0 to {values.shape[1] - 1}; give the index of each label")
    return values, wanted.astype(np.int64)
