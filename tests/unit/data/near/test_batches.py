"""How long lists are cut."""

import numpy as np

from polyloop.data.near.batches import batches, lengths


def test_slices_follow_each_other_and_keep_to_the_budget() -> None:
    costs = np.array([3, 3, 3, 10, 1, 1])
    assert list(batches(costs, 6)) == [slice(0, 2), slice(2, 3), slice(3, 4), slice(4, 6)]


def test_nothing_gives_no_slice() -> None:
    assert list(batches(np.zeros(0, np.int64), 6)) == []


def test_lengths_are_characters() -> None:
    assert lengths(["", "é", "𠮷野"]).tolist() == [0, 1, 2]
