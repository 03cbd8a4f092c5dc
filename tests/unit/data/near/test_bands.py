"""How signatures are cut, and what that finds."""

import numpy as np
import pytest

from polyloop.data.near.bands import MAX_HASHES, RECALL_AT_THRESHOLD, Banding, band_hashes, banding


@pytest.mark.parametrize("threshold", [0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
def test_pairs_at_the_threshold_become_candidates(threshold: float) -> None:
    bands = banding(threshold)
    assert bands.candidate_probability(threshold) >= RECALL_AT_THRESHOLD
    assert bands.num_hashes <= MAX_HASHES


@pytest.mark.parametrize("threshold", [0.7, 0.8, 0.9, 1.0])
def test_unrelated_pairs_hardly_ever_do(threshold: float) -> None:
    assert banding(threshold).candidate_probability(0.05) <= 1e-5


def test_the_probability_is_that_of_the_book() -> None:
    # Mining of Massive Datasets, figure 3.8: b = 20, r = 5
    bands = Banding(num_bands=20, rows_per_band=5)
    assert [round(bands.candidate_probability(s), 3) for s in (0.2, 0.5, 0.8)] == [0.006, 0.470, 1.0]


def test_a_band_has_the_same_hash_exactly_if_its_numbers_are_the_same() -> None:
    bands = Banding(num_bands=3, rows_per_band=2)
    rows = np.array([[1, 2, 3, 4, 5, 6], [1, 2, 4, 3, 5, 6]], dtype=np.uint32)
    one, other = band_hashes(rows, bands)
    assert (one == other).tolist() == [True, False, True]


def test_bands_of_different_places_differ() -> None:
    bands = Banding(num_bands=4, rows_per_band=2)
    assert len(np.unique(band_hashes(np.ones((1, 8), np.uint32), bands))) == 4
