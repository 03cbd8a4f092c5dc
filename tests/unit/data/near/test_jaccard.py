"""Similarities are exact, whatever the lengths of the rows."""

import random

import numpy as np
import pytest

from polyloop.data.near import jaccard as module
from polyloop.data.near.jaccard import PADDING, distinct_shingles, jaccard
from polyloop.data.near.shingles import Shingles


def shingles_of(rows: list[list[int]]) -> Shingles:
    offsets = np.cumsum([0, *map(len, rows)])
    return Shingles(np.array([value for row in rows for value in row], dtype=np.uint32), offsets)


def test_each_shingle_counts_once() -> None:
    sets = distinct_shingles(shingles_of([[3, 1, 1], [1, 2], [9]]))
    assert jaccard(sets, np.array([0, 0, 1]), np.array([1, 2, 1])).tolist() == [1 / 3, 0.0, 1.0]


@pytest.mark.parametrize("block_cells", [1, 100, 1 << 16])
def test_similarities_are_those_of_sets(monkeypatch: pytest.MonkeyPatch, block_cells: int) -> None:
    monkeypatch.setattr(module, "BLOCK_CELLS", block_cells)
    generator = random.Random(1)
    rows = [generator.choices(range(60), k=generator.choice((1, 2, 5, 50, 51, 300))) for _ in range(80)]
    pairs = np.array([(one, other) for one in range(80) for other in range(one, 80)])
    sets = distinct_shingles(shingles_of(rows))
    for row, start, size in zip(rows, sets.starts, sets.sizes, strict=True):
        assert sets.hashes[start : start + size].tolist() == sorted(set(row))
    wanted = [len(set(rows[one]) & set(rows[other])) / len(set(rows[one]) | set(rows[other])) for one, other in pairs]
    assert jaccard(sets, pairs[:, 0], pairs[:, 1]).tolist() == wanted


def test_the_largest_number_is_a_shingle_like_any_other() -> None:
    sets = distinct_shingles(shingles_of([[int(PADDING), 5], [int(PADDING)], [5, 6, 7]]))
    assert jaccard(sets, np.array([0, 0, 1]), np.array([1, 2, 2])).tolist() == [0.5, 0.25, 0.0]


def test_no_rows_have_no_similarities() -> None:
    nothing = np.zeros(0, np.int64)
    assert jaccard(distinct_shingles(shingles_of([])), nothing, nothing).tolist() == []
