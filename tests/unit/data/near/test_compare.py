"""Rows are compared exactly, and only where that can matter."""

import numpy as np
import pytest

from polyloop.data.near.compare import Contents, Judge, Pairs, min_agreements
from polyloop.data.near.minhash import signatures, sketches
from polyloop.data.near.shingles import Shingles, shingle_hashes


@pytest.mark.parametrize(("num_hashes", "threshold"), [(4, 1.0), (25, 0.9), (50, 0.8)])
def test_hardly_a_pair_at_the_threshold_agrees_less(num_hashes: int, threshold: float) -> None:
    agreements = np.random.default_rng(0).binomial(num_hashes, threshold, 100_000)
    assert (agreements < min_agreements(num_hashes, threshold)).mean() <= 0.0015
    assert (agreements < min_agreements(num_hashes, threshold) + 1).mean() > 0.001 or threshold == 1.0


def test_a_judge_fetches_only_rows_that_may_be_alike() -> None:
    texts = ["the cat sat on the mat in the hall", "the cat sat on the mat in the hall!", "nothing of that sort"]
    fetched: list[int] = []

    def shingles_of(rows: np.ndarray) -> Shingles:
        fetched.extend(rows.tolist())
        return shingle_hashes([texts[row] for row in rows.tolist()])

    shingles = shingle_hashes(texts)
    contents = Contents(
        sizes=np.diff(shingles.offsets), sketches=sketches(signatures(shingles, 50)), shingles_of=shingles_of
    )
    judge = Judge(np.array([2, 1, 0]), contents, 0.8)
    assert judge.tell(Pairs(np.array([1, 0, 1]), np.array([2, 1, 2]))).tolist() == [True, False, True]
    assert fetched == [0, 1]
