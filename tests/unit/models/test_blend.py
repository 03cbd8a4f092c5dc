"""Tests of the part that an encoder has in an answer."""

import numpy as np
import pytest

from polyloop.models.blend import EQUAL, SHARES, best_share

LABELS = np.arange(300) % 3
RIGHT = np.eye(3)[LABELS] * 2.0


def noise(seed: int, size: float) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, size, RIGHT.shape)


def test_the_one_that_knows_nothing_has_no_part() -> None:
    assert best_share(RIGHT + noise(1, 1.0), noise(2, 1.0), LABELS) <= 0.1
    assert best_share(noise(2, 1.0), RIGHT + noise(1, 1.0), LABELS) >= 0.9


def test_two_that_err_apart_and_alike_often_have_equal_parts() -> None:
    assert best_share(RIGHT + noise(1, 2.0), RIGHT + noise(2, 2.0), LABELS) == pytest.approx(0.5, abs=0.15)


def test_how_sure_the_two_are_does_not_decide_but_how_right() -> None:
    sure = 5.0 * (RIGHT + noise(1, 3.0))
    assert best_share(sure, RIGHT + noise(2, 1.0), LABELS) >= 0.9


def test_each_label_of_several_counts() -> None:
    has_label = np.eye(3, dtype=np.int64)[LABELS]
    knowing = np.stack([np.zeros_like(RIGHT), RIGHT - 1.0 + noise(1, 0.5)], axis=-1)
    guessing = np.stack([np.zeros_like(RIGHT), noise(2, 1.0)], axis=-1)
    assert best_share(knowing, guessing, has_label) <= 0.1


def test_without_dev_rows_or_difference_the_parts_are_equal() -> None:
    assert best_share(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0, np.int64)) == EQUAL
    assert best_share(RIGHT, RIGHT, LABELS) == EQUAL
    assert EQUAL in SHARES
