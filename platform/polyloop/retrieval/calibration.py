"""Turns a reader's score into the chance that it is right to answer.

Inputs: scores and flags of dev questions. Output: two numbers of a logistic curve, and chances between 0 and 1. Pure.

Source: Platt (1999), "Probabilistic outputs for support vector machines"; the fit is Newton's method with backtracking
on the targets that he smooths, as Lin, Lin and Weng (2007) write it out:
https://www.csie.ntu.edu.tw/~cjlin/papers/plattprob.pdf.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from polyloop.errors import EvaluationError

_MAX_STEPS = 100
_MIN_STEP = 1e-10
_RIDGE = 1e-12
_GRADIENT_TOLERANCE = 1e-8
_SUFFICIENT_DECREASE = 1e-4


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A logistic curve: chance = 1 / (1 + exp(-(slope * score + intercept)))."""

    slope: float
    intercept: float

    def chance(self, score: float) -> float:
        """Return the chance, 0 to 1, that belongs to a score."""
        return float(expit(self.slope * score + self.intercept))


def fit_calibration(scores: Sequence[float], right: Sequence[bool]) -> Calibration:
    """Return the curve that fits flags to scores best; EvaluationError unless there are flags of both kinds."""
    if len(scores) != len(right):
        raise EvaluationError(f"{len(scores)} scores but {len(right)} flags; give one flag a score")
    flags = np.asarray(right, dtype=np.bool_)
    num_right, num_wrong = int(flags.sum()), int((~flags).sum())
    if not (num_right and num_wrong):
        raise EvaluationError(f"{num_right} right and {num_wrong} wrong questions: a calibration needs both kinds")
    values = np.asarray(scores, dtype=np.float64)
    if not np.isfinite(values).all():
        raise EvaluationError("a calibration needs finite scores; score every question")
    targets = np.where(flags, (num_right + 1) / (num_right + 2), 1 / (num_wrong + 2))
    # Scores are centred and scaled for the fit, since Newton's steps are poor where they are far from 0.
    centre, spread = float(values.mean()), float(values.std()) or 1.0
    start = np.array([0.0, np.log((num_right + 1) / (num_wrong + 1))])
    slope, intercept = _newton((values - centre) / spread, targets, start)
    return Calibration(slope=slope / spread, intercept=intercept - slope * centre / spread)


def _loss(values: NDArray[np.float64], targets: NDArray[np.float64], curve: NDArray[np.float64]) -> float:
    logits = curve[0] * values + curve[1]
    return float(np.sum(np.logaddexp(0, logits) - targets * logits))


def _newton(
    values: NDArray[np.float64], targets: NDArray[np.float64], curve: NDArray[np.float64]
) -> tuple[float, float]:
    loss = _loss(values, targets, curve)
    for _ in range(_MAX_STEPS):
        chances = expit(curve[0] * values + curve[1])
        gradient = np.array([np.sum((chances - targets) * values), np.sum(chances - targets)])
        if np.abs(gradient).max() < _GRADIENT_TOLERANCE * len(values):
            break
        weights = chances * (1 - chances)
        cross = np.sum(weights * values)
        hessian = np.array([[np.sum(weights * values**2), cross], [cross, np.sum(weights)]]) + _RIDGE * np.eye(2)
        direction = -np.linalg.solve(hessian, gradient)
        step = 1.0
        while step >= _MIN_STEP:
            trial = curve + step * direction
            trial_loss = _loss(values, targets, trial)
            if trial_loss < loss + _SUFFICIENT_DECREASE * step * float(gradient @ direction):
                curve, loss = trial, trial_loss
                break
            step /= 2
        else:
            break
    return float(curve[0]), float(curve[1])
