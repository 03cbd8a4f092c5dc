"""Temperature scaling: known temperatures come back, and the ends behave."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from polyloop.errors import ModelError
from polyloop.evaluation.metrics import score, statistics
from polyloop.models.calibration import MAX_TEMPERATURE, MIN_TEMPERATURE, fit_temperature, probabilities


def drawn(temperature: float, num_rows: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Return logits that are `temperature` times too large for the labels drawn from them."""
    random = np.random.default_rng(1)
    honest = random.normal(size=(num_rows, 4)) * 2.0
    labels = np.array([random.choice(4, p=row) for row in probabilities(honest, 1.0)])
    return honest * temperature, labels


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_logits_were_spoilt_with_comes_back(temperature):
    assert fit_temperature(*drawn(temperature)) == pytest.approx(temperature, rel=0.05)


def test_it_is_the_minimum_that_a_general_optimiser_finds():
    logits, labels = drawn(2.5, 300)

    def loss(temperature: float) -> float:
        return float(-log_softmax(logits / temperature, axis=1)[np.arange(300), labels].mean())

    best = minimize_scalar(loss, bounds=(0.1, 20.0), method="bounded", options={"xatol": 1e-9}).x
    assert fit_temperature(logits, labels) == pytest.approx(best, rel=1e-5)


def test_scaling_lowers_the_calibration_error_and_changes_no_answer():
    logits, labels = drawn(3.0, 5_000)
    errors = []
    for temperature in (1.0, fit_temperature(logits, labels)):
        scaled = probabilities(logits, temperature)
        pairs = [(str(row.argmax()), float(row.max())) for row in scaled]
        stats = statistics("calibration_error", pairs, [str(label) for label in labels], locale="en")
        errors.append(float(score("calibration_error", stats.sum(axis=0))))
        np.testing.assert_array_equal(scaled.argmax(axis=1), logits.argmax(axis=1))
    assert errors[0] > 10.0
    assert errors[1] < 2.0


def test_ends_are_bounded():
    logits = np.array([[4.0, 0.0], [0.0, 4.0]])
    assert fit_temperature(logits, [0, 1]) == MIN_TEMPERATURE
    assert fit_temperature(logits, [1, 0]) == MAX_TEMPERATURE
    assert fit_temperature(np.ones((3, 2)), [0, 1, 1]) == 1.0


def test_large_logits_do_not_overflow():
    assert MIN_TEMPERATURE <= fit_temperature(np.array([[1e4, 0.0], [1e4, 0.0], [1e4, 0.0]]), [0, 0, 1]) <= 100.0


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        (np.zeros((0, 2)), [], "needs logits of shape"),
        (np.zeros((2, 1)), [0, 0], "needs logits of shape"),
        (np.zeros((2, 2)), [0], "needs logits of shape"),
        (np.array([[np.nan, 0.0]]), [0], "not finite"),
        (np.array([[1.0, 0.0]]), [2], "integers from 0 to 1"),
        (np.array([[1.0, 0.0]]), [0.5], "integers from 0 to 1"),
    ],
)
def test_malformed_input_is_refused(logits, labels, message):
    with pytest.raises(ModelError, match=message):
        fit_temperature(logits, labels)
    with pytest.raises(ModelError, match="above 0"):
        probabilities(np.zeros((1, 2)), 0.0)
