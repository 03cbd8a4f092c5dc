"""Signatures agree as often as sets are alike."""

import numpy as np
import pytest

from polyloop.data.near.minhash import PIECE_SHINGLES, signatures, sketches
from polyloop.data.near.shingles import Shingles


def rows_of(sets: list[np.ndarray]) -> Shingles:
    return Shingles(np.concatenate(sets).astype(np.uint32), np.cumsum([0, *map(len, sets)]))


@pytest.mark.parametrize("size", [1, 7, 100, 5 * PIECE_SHINGLES + 3])
@pytest.mark.parametrize("similarity", [0.3, 0.8, 1.0])
def test_numbers_agree_with_the_probability_of_the_similarity(size: int, similarity: float) -> None:
    generator = np.random.default_rng(0)
    common = round(similarity * size)
    ones, others, num_pairs = [], [], 40
    for _ in range(num_pairs):
        union = generator.integers(0, 2**32, size)
        ones.append(union)
        others.append(union[:common] if common else generator.integers(0, 2**32, 1))
    found = signatures(rows_of(ones + others), 50)
    agreement = (found[:num_pairs] == found[num_pairs:]).mean()
    expected = common / size
    assert abs(agreement - expected) <= 5 * np.sqrt(expected * (1 - expected) / (50 * num_pairs))


def test_a_signature_does_not_depend_on_order_repetition_or_neighbours() -> None:
    generator = np.random.default_rng(1)
    sets = [generator.integers(0, 2**32, int(size)) for size in generator.integers(1, 2000, 60)]
    together = signatures(rows_of(sets), 13)
    for row in range(0, 60, 7):
        alone = signatures(rows_of([np.tile(generator.permutation(sets[row]), 2)]), 13)
        assert np.array_equal(alone[0], together[row])


def test_no_rows_give_no_signatures() -> None:
    assert signatures(Shingles(np.zeros(0, np.uint32), np.zeros(1, np.int64)), 50).shape == (0, 50)


def test_signatures_never_change() -> None:
    row = Shingles(np.arange(1, 10, dtype=np.uint32) * np.uint32(0x9E3779B1), np.array([0, 9]))
    assert signatures(row, 4).tolist() == [[186595919, 791995321, 373554188, 47855812]]


def test_sketches_are_the_low_bytes() -> None:
    assert sketches(np.array([[0x1FF, 0x100]], dtype=np.uint32)).tolist() == [[0xFF, 0]]
