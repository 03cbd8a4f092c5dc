"""Tests of which rows an epoch sees."""

import numpy as np
import pytest

from polyloop.training.mixture import rows_of_epoch

LOCALES = np.array([0] * 900 + [1] * 90 + [3] * 10)


def shares(temperature: float, epoch: int = 0) -> list[int]:
    rows = rows_of_epoch(LOCALES, temperature=temperature, seed=3, epoch=epoch)
    assert len(rows) == len(LOCALES)
    counts: list[int] = np.bincount(LOCALES[rows], minlength=4).tolist()
    return counts


def test_at_temperature_one_each_row_comes_once() -> None:
    assert sorted(rows_of_epoch(LOCALES, temperature=1.0, seed=3, epoch=0).tolist()) == list(range(1000))


@pytest.mark.parametrize("temperature", [2.0, 5.0, 100.0])
def test_shares_are_sizes_to_the_power_of_one_over_the_temperature(temperature: float) -> None:
    sizes = np.array([900, 90, 0, 10])
    expected = np.where(sizes > 0, sizes, 0) ** (1 / temperature) * (sizes > 0)
    expected = 1000 * expected / expected.sum()
    assert np.abs(np.array(shares(temperature)) - expected).max() < 1


def test_a_small_locale_shows_all_its_rows_about_equally_often() -> None:
    rows = rows_of_epoch(LOCALES, temperature=5.0, seed=3, epoch=0)
    times = np.bincount(rows, minlength=1000)[990:]
    assert times.min() >= 1
    assert times.max() - times.min() <= 1


def test_a_large_locale_shows_other_rows_in_each_epoch_and_the_same_again_when_asked_again() -> None:
    first, second, again = (rows_of_epoch(LOCALES, temperature=5.0, seed=3, epoch=epoch) for epoch in (0, 1, 0))
    assert set(first.tolist()) != set(second.tolist())
    assert first.tolist() == again.tolist()


def test_no_rows_are_no_rows() -> None:
    assert rows_of_epoch(np.zeros(0, np.int64), temperature=5.0, seed=3, epoch=0).tolist() == []
