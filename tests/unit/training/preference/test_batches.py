"""Tests of planning, pairing and assembling batches of pairs and judged texts."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from polyloop.training.preference.batches import (
    binary_batch,
    mismatched_partners,
    plan_binary,
    plan_preferences,
    preference_batch,
)
from polyloop.training.preference.pairs import BINARY_SCHEMA, PREFERENCE_SCHEMA, BinaryRows, PreferenceRows

GENERATOR = np.random.default_rng(6)
INPUTS = [GENERATOR.integers(5, 90, size).tolist() for size in GENERATOR.integers(1, 30, 200)]
FIRST = [GENERATOR.integers(5, 90, size).tolist() for size in GENERATOR.integers(1, 30, 200)]
SECOND = [[*ids[:-1], 91, 92] for ids in FIRST]


@pytest.fixture
def pairs() -> PreferenceRows:
    columns = {"input_ids": INPUTS, "chosen_ids": FIRST, "rejected_ids": SECOND, "weight": [1.0] * 200}
    return PreferenceRows.from_table(pa.table(columns, schema=PREFERENCE_SCHEMA))


@pytest.fixture
def judged() -> BinaryRows:
    columns = {
        "input_ids": [[5, 6], [7], [7], [8]],
        "target_ids": [[10], [11, 12], [13], [14, 15, 16]],
        "desirable": [True, False, True, False],
        "weight": [1.0, 0.5, 2.0, 0.25],
    }
    return BinaryRows.from_table(pa.table(columns, schema=BINARY_SCHEMA))


def test_each_pair_is_in_one_batch_whose_padded_size_stays_within_the_budget(pairs: PreferenceRows) -> None:
    batches = plan_preferences(pairs, batch_tokens=1_000, seed=1, epoch=0)
    assert sorted(np.concatenate(batches).tolist()) == list(range(200))
    for batch in batches:
        assembled = preference_batch(pairs, batch, pad_id=0)
        assert assembled.input_ids.numel() + assembled.targets.numel() <= 1_000


def test_plans_follow_from_seed_and_epoch(judged: BinaryRows, pairs: PreferenceRows) -> None:
    def flat(epoch: int) -> list[list[int]]:
        return [batch.tolist() for batch in plan_preferences(pairs, batch_tokens=500, seed=1, epoch=epoch)]

    assert flat(0) == flat(0) != flat(1)
    plan = plan_binary(judged, batch_tokens=8, seed=1, epoch=0)
    assert sorted(np.concatenate(plan).tolist()) == [0, 1, 2, 3]


def test_a_batch_of_pairs_has_the_chosen_first_and_each_input_twice(pairs: PreferenceRows) -> None:
    reference = np.arange(400, dtype=np.float32).reshape(2, 200)
    batch = preference_batch(pairs, np.array([3, 9]), pad_id=77, reference=reference)
    for place, (row, texts) in enumerate([(3, FIRST), (9, FIRST), (3, SECOND), (9, SECOND)]):
        ids, targets = batch.input_ids[place].tolist(), batch.targets[place].tolist()
        assert ids == INPUTS[row] + [77] * (len(ids) - len(INPUTS[row]))
        assert batch.attention_mask[place].sum().item() == len(INPUTS[row])
        assert targets == texts[row] + [-100] * (len(targets) - len(texts[row]))
    assert batch.reference is not None
    assert batch.reference.tolist() == [3.0, 9.0, 203.0, 209.0]


def test_partners_are_a_roll_of_the_batch() -> None:
    assert mismatched_partners(np.array([4, 1, 7])).tolist() == [1, 7, 4]
    assert mismatched_partners(np.array([4])).tolist() == [4]


def test_a_judged_text_is_paired_with_the_next_rows_text_if_its_input_is_another(judged: BinaryRows) -> None:
    batch = binary_batch(judged, np.array([0, 1, 2, 3]), pad_id=0)
    assert batch.mismatched_targets.tolist() == [[11, 12, -100], [13, -100, -100], [14, 15, 16], [10, -100, -100]]
    assert batch.is_mismatched.tolist() == [True, False, True, True]  # rows 1 and 2 have the same input
    assert batch.is_desirable.tolist() == [True, False, True, False]


def test_a_row_alone_in_its_batch_has_no_partner(judged: BinaryRows) -> None:
    assert binary_batch(judged, np.array([2]), pad_id=0).is_mismatched.tolist() == [False]


@pytest.mark.parametrize("world_size", [2, 3, 5])
def test_workers_keep_the_pairing_of_the_whole_batch(judged: BinaryRows, world_size: int) -> None:
    rows = np.array([3, 0, 2])
    whole = binary_batch(judged, rows, pad_id=0)
    counted = []
    for rank in range(world_size):
        share = binary_batch(judged, rows, pad_id=0, rank=rank, world_size=world_size)
        for place, position in enumerate(range(rank, len(rows), world_size)):
            width = share.mismatched_targets.shape[1]
            assert share.mismatched_targets[place].tolist() == whole.mismatched_targets[position, :width].tolist()
        counted.append((share.is_mismatched.sum().item(), share.weights.sum().item()))
    assert sum(count for count, _ in counted) == 3
    assert sum(weight for _, weight in counted) == pytest.approx(3.25)


def test_a_batch_moves_with_all_it_has(judged: BinaryRows) -> None:
    batch = binary_batch(judged, np.array([0, 1]), pad_id=0, reference=np.ones(4, np.float32))
    moved = batch.to(torch.device("meta"))
    assert moved.input_ids.device.type == moved.is_desirable.device.type == "meta"
    assert moved.reference is not None
    assert moved.mismatched_reference is None
