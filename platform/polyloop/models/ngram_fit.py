"""Solves a linear classifier of n-grams.

Inputs: which n-grams each row has, its labels and weight. Output: weights and biases whose sums are logits. One problem
a label, by liblinear (Fan et al. 2008, https://jmlr.org/papers/v9/fan08a.html), on features scaled by the root of their
log-count ratios (after Wang and Manning 2012, https://aclanthology.org/P12-2018/, who scale by the ratios themselves;
docs/decisions/0017 has the comparison). Deterministic, whatever the number of threads. Limits: all rows are held as a
sparse matrix.
"""

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

HELD_OUT = 5
"""Every so many-th row is held out while the penalty is chosen."""

PENALTIES = (0.1, 0.3, 1.0, 3.0)
"""liblinear's C, from strong regularisation to weak."""

FIRST = 1
"""Place of the penalty that is tried first; its neighbours follow on the side where they get better."""

MIN_SCALE, MAX_SCALE = 0.1, 20.0
"""Bounds of what margins, which are about 1, are multiplied by to become logits."""

TOLERANCE = 1e-3
MAX_ITERATIONS = 300

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class LinearClassifier:
    """Logits are features times `weights`, plus `biases`."""

    weights: Floats
    """(features, labels)."""
    biases: Floats
    """(labels,)."""
    penalty: float
    """The C that was chosen."""


def fit_linear(features: Any, has_label: Flags, row_weights: Floats, *, num_threads: int = 1) -> LinearClassifier:
    """Return the classifier for rows (rows, features) as a CSR matrix, their labels (rows, labels), weights (rows,).

    C is the one that is right most often about held-out rows. On these the logits are made as sure as they are right:
    as softmax where each row has one label, else as a sigmoid a label. Weights count in relation to their mean.
    """
    held = np.arange(len(has_label)) % HELD_OUT == HELD_OUT - 1
    is_single = bool((has_label.sum(axis=1) == 1).all())
    row_weights = row_weights / np.maximum(row_weights.mean(), np.finfo(np.float32).tiny)
    # Filters of warnings belong to the process, so they are set outside of the pool's threads. liblinear adds up by
    # BLAS, whose own threads would make sums depend on their number, and be too many beside the pool's.
    with (
        warnings.catch_warnings(),
        threadpool_limits(1, "blas"),
        ThreadPoolExecutor(max(1, num_threads)) as pool,
    ):
        warnings.simplefilter("ignore", ConvergenceWarning)

        shown, shown_labels, asked = features[~held], has_label[~held], features[held]
        shown_factors = _count_ratios(shown, shown_labels)

        def margins(penalty: float) -> Floats:
            weights, biases = _solve(pool, shown, shown_labels, row_weights[~held], shown_factors, penalty)
            found: Floats = asked @ weights + biases
            return found

        penalty, scale = PENALTIES[FIRST], 1.0
        if held.any():
            penalty, found = _best(margins, has_label[held], row_weights[held], is_single=is_single)
            scale = _best_scale(found, has_label[held], row_weights[held], is_single=is_single)
        factors = _count_ratios(features, has_label)
        weights, biases = _solve(pool, features, has_label, row_weights, factors, penalty)
    return LinearClassifier(weights=weights * np.float32(scale), biases=biases * np.float32(scale), penalty=penalty)


def _solve(
    pool: ThreadPoolExecutor, features: Any, has_label: Flags, row_weights: Floats, factors: Floats, penalty: float
) -> tuple[Floats, Floats]:
    """Return weights (features, labels) and biases (labels,) of the margins."""

    def one(label: int) -> tuple[Floats, float]:
        return _solve_label(features, has_label[:, label], factors[:, label], row_weights, penalty)

    solved = list(pool.map(one, range(has_label.shape[1])))
    return np.stack([weights for weights, _ in solved], axis=1), np.array([bias for _, bias in solved], np.float32)


def _solve_label(
    features: Any, is_positive: Flags, factors: Floats, row_weights: Floats, penalty: float
) -> tuple[Floats, float]:
    if is_positive.all() or not is_positive.any():
        return np.zeros_like(factors), 1.0 if is_positive.any() else -1.0
    scaled = features.copy()
    scaled.data *= factors[features.indices]
    # The primal problem: liblinear's solver of the dual draws from a generator that all threads share.
    svm = LinearSVC(C=penalty, dual=False, tol=TOLERANCE, max_iter=MAX_ITERATIONS)
    svm.fit(scaled, is_positive, sample_weight=row_weights)
    return (svm.coef_[0] * factors).astype(np.float32), float(svm.intercept_[0])


def _count_ratios(features: Any, has_label: Flags) -> Floats:
    """Return sqrt |log of how much more often a feature is in rows with a label|, (features, labels).

    Counts are raised by one; a label's factors are divided by their root mean square.
    """
    present = features.copy()
    present.data = np.ones_like(present.data)
    inside = present.T @ has_label.astype(np.float32) + 1.0
    outside = np.asarray(present.sum(axis=0)).reshape(-1, 1) + 2.0 - inside
    ratios = np.abs(np.log(inside / inside.sum(axis=0)) - np.log(outside / outside.sum(axis=0)))
    factors: Floats = np.sqrt(ratios / np.maximum(ratios.mean(axis=0), 1e-9)).astype(np.float32)
    return factors


def _best(
    margins_of: Callable[[float], Floats], has_label: Flags, row_weights: Floats, *, is_single: bool
) -> tuple[float, Floats]:
    """Return the penalty that is right most often, and its margins; the stronger one of equals."""
    tried: dict[int, tuple[float, Floats]] = {}

    def right(at: int) -> float:
        if at not in tried:
            margins = margins_of(PENALTIES[at])
            tried[at] = (_share_right(margins, has_label, row_weights, is_single=is_single), margins)
        return tried[at][0]

    best = FIRST
    for path in (range(FIRST, len(PENALTIES)), range(FIRST, -1, -1)):
        for here, there in pairwise(path):
            if best != here or right(there) < right(here) or (right(there) == right(here) and there > here):
                break
            best = there
    return PENALTIES[best], tried[best][1]


def _share_right(margins: Floats, has_label: Flags, row_weights: Floats, *, is_single: bool) -> float:
    """Return the weighted part of rows whose label is the likeliest, or of labels on the right side of zero."""
    if is_single:
        right = has_label[np.arange(len(margins)), margins.argmax(axis=1)].astype(np.float64)
    else:
        right = ((margins > 0) == has_label).mean(axis=1)
    return float((right * row_weights).sum())


def _best_scale(margins: Floats, has_label: Flags, row_weights: Floats, *, is_single: bool) -> float:
    """Return the factor on margins with the least cross-entropy."""
    signs = np.where(has_label, 1.0, -1.0)

    def cost(log_scale: float) -> float:
        logits = margins.astype(np.float64) * np.exp(log_scale)
        losses = -log_softmax(logits, axis=1)[has_label] if is_single else np.logaddexp(0, -signs * logits).sum(axis=1)
        return float((losses * row_weights).sum())

    found = minimize_scalar(cost, bounds=(np.log(MIN_SCALE), np.log(MAX_SCALE)), method="bounded")
    return float(np.exp(found.x))
