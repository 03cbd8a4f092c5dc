"""Tests of the learning rate and of when a run is over."""

import pytest

from polyloop.training.schedule import learning_rate_factor, step_progress, steps_of_epoch


def test_the_rate_rises_to_its_peak_and_falls_to_zero() -> None:
    factors = [learning_rate_factor(progress / 100, 0.1) for progress in range(101)]
    assert factors[0] == 0.0
    assert max(factors) == factors[10] == 1.0
    assert factors[:11] == sorted(factors[:11])
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[55] == pytest.approx(0.5)
    assert factors[100] == pytest.approx(0.0)


@pytest.mark.parametrize(("warmup", "expected"), [(0.0, 1.0), (1.0, 0.0)])
def test_no_warm_up_and_only_warm_up(warmup: float, expected: float) -> None:
    assert learning_rate_factor(0.0, warmup) == expected
    assert learning_rate_factor(1.0, 1.0) == 1.0


def test_every_step_learns_something() -> None:
    factors = [learning_rate_factor(step_progress(0, step, 3, 1.0), 0.5) for step in range(3)]
    assert all(factor > 0 for factor in factors)


@pytest.mark.parametrize(
    ("epoch", "epochs", "steps"), [(0, 2.0, 10), (1, 2.0, 10), (2, 2.0, 0), (2, 2.5, 5), (0, 0.01, 1), (3, 2.5, 0)]
)
def test_a_fraction_of_an_epoch_is_its_first_steps(epoch: int, epochs: float, steps: int) -> None:
    assert steps_of_epoch(epoch, 10, epochs) == steps
