"""Chances from scores."""

import math
import random

import pytest

from polyloop.errors import EvaluationError
from polyloop.retrieval.calibration import Calibration, fit_calibration


def test_the_curve_that_made_the_flags_is_found_again() -> None:
    generator = random.Random(3)
    truth = Calibration(slope=2.0, intercept=-1.0)
    scores = [generator.uniform(-2, 3) for _ in range(20_000)]
    found = fit_calibration(scores, [generator.random() < truth.chance(score) for score in scores])
    assert found.slope == pytest.approx(2.0, abs=0.1)
    assert found.intercept == pytest.approx(-1.0, abs=0.1)


def test_far_off_scores_are_fitted_as_well() -> None:
    scores = [1_000 + step for step in range(10)]
    found = fit_calibration(scores, [step >= 5 for step in range(10)])
    assert found.chance(1_000) < 0.25 < 0.75 < found.chance(1_009)
    assert found.chance(1_004.5) == pytest.approx(0.5, abs=0.01)


def test_separable_flags_give_no_certainty() -> None:
    found = fit_calibration([0.0, 1.0], [False, True])
    # Platt's targets for one question of each kind are 1/3 and 2/3.
    assert found.chance(0.0) == pytest.approx(1 / 3, abs=1e-3)
    assert found.chance(1.0) == pytest.approx(2 / 3, abs=1e-3)


def test_a_chance_is_finite_and_half_where_the_curve_says() -> None:
    curve = Calibration(slope=3.0, intercept=-1.5)
    assert curve.chance(0.5) == pytest.approx(0.5)
    assert math.isfinite(curve.chance(1e6))


@pytest.mark.parametrize(
    ("scores", "flags", "message"),
    [
        ([0.1, 0.2], [True, True], "needs both kinds"),
        ([], [], "needs both kinds"),
        ([0.1], [True, False], "1 scores but 2 flags"),
        ([0.1, math.inf], [True, False], "finite"),
    ],
)
def test_what_cannot_be_calibrated_is_named(scores: list[float], flags: list[bool], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        fit_calibration(scores, flags)
