"""Rankings put together, with ties always in one order."""

import numpy as np
import pytest

from polyloop.retrieval.fusion import fuse_ranks, top_places


def test_the_highest_scores_come_first_and_ties_by_place() -> None:
    scores = np.array([1.0, 3.0, 2.0, 3.0, 2.0], dtype=np.float32)
    assert top_places(scores, 4) == [1, 3, 2, 4]
    assert top_places(scores, 3) == [1, 3, 2]


def test_many_ties_are_broken_by_place_whatever_the_limit() -> None:
    scores = np.tile(np.array([0.5, 1.0]), 500)
    whole = top_places(scores, 1_000)
    assert all(top_places(scores, limit) == whole[:limit] for limit in (1, 7, 499, 501, 999))


def test_scores_must_be_above_the_least() -> None:
    assert top_places(np.array([0.0, 2.0, -1.0]), 3, least=0.0) == [1]
    assert top_places(np.array([-np.inf, 1.0]), 2) == [1]


@pytest.mark.parametrize("limit", [0, -1])
def test_no_limit_gives_nothing(limit: int) -> None:
    assert top_places(np.array([1.0]), limit) == []
    assert fuse_ranks([[0]], limit) == []


def test_fused_scores_are_sums_of_reciprocal_ranks() -> None:
    fused = dict(fuse_ranks([[4, 2], [2, 7]], 10))
    assert fused == pytest.approx({2: 1 / 62 + 1 / 61, 4: 1 / 61, 7: 1 / 62})


def test_what_two_rankings_share_beats_the_first_of_one() -> None:
    assert [place for place, _ in fuse_ranks([[0, 1, 2], [5, 1, 6]], 2)] == [1, 0]
