"""Hashes of parts of an array."""

import numpy as np

from polyloop.data.near.stretches import stretch_hashes


def test_equal_stretches_have_equal_hashes_wherever_they_are() -> None:
    values = np.array([7, 1, 2, 3, 9, 1, 2, 3, 4], dtype=np.uint32)
    one, other, longer = stretch_hashes(values, np.array([1, 5, 5]), np.array([4, 8, 9]))
    assert one == other
    assert longer != one


def test_the_order_of_values_counts() -> None:
    one, other = stretch_hashes(np.array([1, 2, 2, 1], dtype=np.uint32), np.array([0, 2]), np.array([2, 4]))
    assert one != other


def test_all_words_of_three_letters_differ() -> None:
    letters = np.arange(97, 123, dtype=np.uint32)
    values = np.stack(np.meshgrid(letters, letters, letters), axis=-1).reshape(-1)
    begins = np.arange(0, len(values), 3)
    assert len(np.unique(stretch_hashes(values, begins, begins + 3))) == 26**3
