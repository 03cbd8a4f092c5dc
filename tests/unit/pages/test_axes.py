"""Axes: every value has its place, ticks are round and few, numbers are short."""

import math
from itertools import pairwise

import pytest

from polyloop.pages.axes import log_ticks, make_axis, round_ticks, short_number


def test_the_least_value_stands_at_zero_and_the_greatest_at_one() -> None:
    axis = make_axis([3.0, 1.0, 2.0])
    assert [axis.place(value) for value in (1.0, 2.0, 3.0)] == [0.0, 0.5, 1.0]


def test_powers_stand_evenly_on_a_logarithmic_axis() -> None:
    axis = make_axis([1e-4, 1e-2], is_log=True)
    assert axis.place(1e-3) == pytest.approx(0.5)
    assert axis.place(0.0) is None
    assert axis.ticks == pytest.approx((1e-4, 1e-3, 1e-2))


@pytest.mark.parametrize("values", [[], [math.nan, math.inf], [2.0], [0.0], [-3.0]])
@pytest.mark.parametrize("is_log", [False, True])
def test_an_axis_of_few_values_or_none_has_a_length(values: list[float], is_log: bool) -> None:
    axis = make_axis(values, is_log=is_log)
    assert axis.low < axis.high
    assert axis.ticks


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.13, 0.94), (-2.0, 31.0), (1_000.0, 1_003.0), (1e-7, 3e-7)])
def test_ticks_are_a_handful_of_even_steps_inside(low: float, high: float) -> None:
    ticks = round_ticks(low, high)
    steps = {round((after - before) / (ticks[1] - ticks[0]), 6) for before, after in pairwise(ticks)}
    assert 2 <= len(ticks) <= 6
    assert steps == {1.0}
    assert low - 1e-12 <= ticks[0]
    assert ticks[-1] <= high * (1 + 1e-9)


def test_a_short_logarithmic_axis_has_ticks_between_the_powers() -> None:
    assert log_ticks(1.5, 8.0) == (2.0, 5.0)
    assert len(log_ticks(1e-9, 1e9)) <= 9


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.25, "0.25"), (1e-5, "1e-05"), (12_345.0, "12.3k"), (3.4e6, "3.4M"), (-2e9, "-2G")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert short_number(value) == text
