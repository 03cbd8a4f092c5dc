"""Tests of cutting epochs into batches and sharing them."""

import numpy as np
import pytest

from polyloop.training.batches import plan_batches, share_of

LENGTHS = np.random.default_rng(1).integers(3, 60, 2_000)
TARGETS = LENGTHS + np.random.default_rng(2).integers(-2, 3, 2_000)


def _plan(epoch: int = 0, seed: int = 17, budget: int = 1_024) -> list[np.ndarray]:
    return plan_batches(LENGTHS, TARGETS, batch_tokens=budget, seed=seed, epoch=epoch)


def test_every_row_is_in_one_batch_and_no_batch_exceeds_the_budget() -> None:
    batches = _plan()
    assert sorted(np.concatenate(batches).tolist()) == list(range(2_000))
    assert all(len(rows) * (LENGTHS[rows].max() + TARGETS[rows].max()) <= 1_024 for rows in batches)


def test_the_same_seed_and_epoch_give_the_same_batches_and_others_do_not() -> None:
    def flat(batches: list[np.ndarray]) -> list[list[int]]:
        return [rows.tolist() for rows in batches]

    assert flat(_plan()) == flat(_plan())
    assert flat(_plan()) != flat(_plan(epoch=1))
    assert flat(_plan()) != flat(_plan(seed=18))


def test_rows_of_similar_length_are_together_and_batches_come_in_a_random_order() -> None:
    batches = _plan()
    padded = sum(len(rows) * (LENGTHS[rows].max() + TARGETS[rows].max()) for rows in batches)
    assert (LENGTHS.sum() + TARGETS.sum()) / padded > 0.85
    means = np.array([LENGTHS[rows].mean() for rows in batches])
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.3


def test_a_row_longer_than_the_budget_is_a_batch_of_its_own() -> None:
    batches = plan_batches(np.array([5, 500, 6]), np.array([5, 5, 5]), batch_tokens=64, seed=1, epoch=0)
    assert sorted(sorted(rows.tolist()) for rows in batches) == [[0, 2], [1]]


def test_no_rows_give_no_batches() -> None:
    assert plan_batches(np.zeros(0, np.int64), np.zeros(0, np.int64), batch_tokens=64, seed=1, epoch=0) == []


@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_shares_make_up_the_batch(world_size: int) -> None:
    weights = np.linspace(1, 2, 2_000, dtype=np.float32)
    batch = _plan()[0]
    shares = [share_of(batch, weights, rank=rank, world_size=world_size) for rank in range(world_size)]
    assert sorted(np.concatenate([rows for rows, _ in shares]).tolist()) == sorted(batch.tolist())
    assert all(np.array_equal(weights[rows], row_weights) for rows, row_weights in shares)


def test_a_worker_without_a_row_takes_part_with_weight_zero() -> None:
    rows, weights = share_of(np.array([7]), np.ones(8, np.float32), rank=1, world_size=2)
    assert (rows.tolist(), weights.tolist()) == ([7], [0.0])
