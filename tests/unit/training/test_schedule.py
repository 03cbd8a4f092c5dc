"""Tests of the learning rate and of when a run is over."""

import math
from typing import Any

import pytest

from polyloop.spec.training import TrainingSpec
from polyloop.training.schedule import is_patience_over, learning_rate_factor, step_progress, steps_of_epoch


def factors_of(**settings: Any) -> list[float]:
    training = TrainingSpec(**{"warmup_fraction": 0.1, **settings})
    return [learning_rate_factor(progress / 100, training) for progress in range(101)]


def test_the_rate_rises_to_its_peak_and_falls_to_zero() -> None:
    factors = factors_of(schedule="cosine")
    assert factors[0] == 0.0
    assert max(factors) == factors[10] == 1.0
    assert factors[:11] == sorted(factors[:11])
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[55] == pytest.approx(0.5)
    assert factors[100] == pytest.approx(0.0)


def test_inverse_sqrt_is_half_at_four_times_the_warm_up() -> None:
    factors = factors_of(schedule="inverse-sqrt")
    assert factors[10] == pytest.approx(1.0)
    assert factors[40] == pytest.approx(0.5)
    assert factors[100] == pytest.approx(math.sqrt(0.1))


def test_inverse_sqrt_may_fall_to_zero_in_the_last_part() -> None:
    factors, plain = factors_of(schedule="inverse-sqrt", decay_fraction=0.25), factors_of(schedule="inverse-sqrt")
    assert factors[:76] == plain[:76]
    assert factors[76] < plain[76]
    assert factors[84] == pytest.approx(plain[84] * (1 - math.sqrt(0.36)))
    assert factors[100] == 0.0


def test_wsd_holds_its_peak_and_falls_in_the_last_part() -> None:
    factors = factors_of(schedule="wsd")
    assert factors == factors_of(schedule="wsd", decay_fraction=0.2)
    assert set(factors[10:80]) == {1.0}
    assert factors[85] == pytest.approx(1 - math.sqrt(0.25))
    assert factors[100] == pytest.approx(0.0)


def test_linear_falls_evenly_and_constant_does_not() -> None:
    assert factors_of(schedule="linear")[55] == pytest.approx(0.5)
    assert set(factors_of(schedule="constant")[10:]) == {1.0}


@pytest.mark.parametrize("schedule", ["cosine", "linear", "wsd", "constant"])
@pytest.mark.parametrize(("warmup", "expected"), [(0.0, 1.0), (0.8, 0.0)])
def test_a_run_begins_at_the_peak_or_at_nothing(schedule: Any, warmup: float, expected: float) -> None:
    assert factors_of(schedule=schedule, warmup_fraction=warmup)[0] == expected


def test_a_run_of_nothing_but_warm_up_ends_at_the_peak() -> None:
    assert factors_of(warmup_fraction=1.0)[100] == 1.0


@pytest.mark.parametrize(
    ("epoch", "best", "patience", "over"), [(5, 3, 2, True), (4, 3, 2, False), (9, 0, None, False), (0, 0, 1, False)]
)
def test_patience_is_over_when_no_epoch_got_better_for_long(
    epoch: int, best: int, patience: int | None, over: bool
) -> None:
    assert is_patience_over(epoch, best, patience) is over


def test_every_step_learns_something() -> None:
    training = TrainingSpec(warmup_fraction=0.5)
    factors = [learning_rate_factor(step_progress(0, step, 3, 1.0), training) for step in range(3)]
    assert all(factor > 0 for factor in factors)


@pytest.mark.parametrize(
    ("epoch", "epochs", "steps"),
    [(0, 2.0, 10), (1, 2.0, 10), (2, 2.0, 0), (2, 2.5, 5), (0, 0.01, 1), (3, 2.5, 0), (1, 1.3, 3), (2, 2.2, 2)],
)
def test_a_fraction_of_an_epoch_is_its_first_steps(epoch: int, epochs: float, steps: int) -> None:
    assert steps_of_epoch(epoch, 10, epochs) == steps
