"""Tests of planning, pairing and assembling batches of pairs and judged texts."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from polyloop.training.preference.batches import (
    BinaryBatch,
    binary_batch,
    mismatched_partners,
    pair_texts,
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


def batch_of(judged: BinaryRows, rows: list[int], weights: list[float] | None = None) -> BinaryBatch:
    """Return a batch whose references are the rows' numbers, and the same plus ten."""
    share, numbers = np.array(rows), np.arange(len(judged), dtype=np.float32)
    return binary_batch(
        judged,
        share,
        mismatched_partners(share),
        judged.weights[share] if weights is None else np.array(weights, np.float32),
        pad_id=0,
        reference=numbers,
        mismatched_reference=numbers + 10,
    )


def test_each_pair_is_in_one_batch_whose_padded_size_stays_within_the_budget(pairs: PreferenceRows) -> None:
    batches = plan_preferences(pairs, batch_tokens=1_000, seed=1, epoch=0)
    assert sorted(np.concatenate(batches).tolist()) == list(range(200))
    for batch in batches:
        texts = pair_texts(pairs, batch, pad_id=0)
        assert texts.input_ids.numel() + texts.targets.numel() <= 1_000


def test_plans_follow_from_seed_and_epoch(judged: BinaryRows, pairs: PreferenceRows) -> None:
    def flat(epoch: int) -> list[list[int]]:
        return [batch.tolist() for batch in plan_preferences(pairs, batch_tokens=500, seed=1, epoch=epoch)]

    assert flat(0) == flat(0) != flat(1)
    plan = plan_binary(judged, batch_tokens=8, seed=1, epoch=0)
    assert sorted(np.concatenate(plan).tolist()) == [0, 1, 2, 3]


def test_a_batch_of_pairs_has_the_chosen_first_and_each_input_twice(pairs: PreferenceRows) -> None:
    reference = np.arange(400, dtype=np.float32).reshape(2, 200)
    weights = np.array([0.5, 2.0], np.float32)
    batch = preference_batch(pairs, np.array([3, 9]), weights, pad_id=77, reference=reference)
    for place, (row, texts) in enumerate([(3, FIRST), (9, FIRST), (3, SECOND), (9, SECOND)]):
        ids, targets = batch.input_ids[place].tolist(), batch.targets[place].tolist()
        assert ids == INPUTS[row] + [77] * (len(ids) - len(INPUTS[row]))
        assert batch.attention_mask[place].sum().item() == len(INPUTS[row])
        assert targets == texts[row] + [-100] * (len(targets) - len(texts[row]))
    assert batch.weights.tolist() == [0.5, 2.0]
    assert batch.reference.tolist() == [3.0, 9.0, 203.0, 209.0]


def test_partners_are_a_roll_of_the_batch() -> None:
    assert mismatched_partners(np.array([4, 1, 7])).tolist() == [1, 7, 4]
    assert mismatched_partners(np.array([4])).tolist() == [4]


def test_a_judged_text_is_paired_with_the_next_rows_text_if_its_input_is_another(judged: BinaryRows) -> None:
    batch = batch_of(judged, [0, 1, 2, 3])
    assert batch.mismatched_targets.tolist() == [[11, 12, -100], [13, -100, -100], [14, 15, 16], [10, -100, -100]]
    assert batch.is_mismatched.tolist() == [True, False, True, True]  # rows 1 and 2 have the same input
    assert batch.is_desirable.tolist() == [True, False, True, False]


def test_a_row_alone_in_its_batch_has_no_partner(judged: BinaryRows) -> None:
    assert batch_of(judged, [2]).is_mismatched.tolist() == [False]


def test_a_row_that_counts_nothing_has_no_partner(judged: BinaryRows) -> None:
    assert batch_of(judged, [3, 0], [0.0, 1.0]).is_mismatched.tolist() == [False, True]


def test_a_batch_of_judged_texts_has_the_references_of_its_rows(judged: BinaryRows) -> None:
    batch = batch_of(judged, [3, 0])
    assert (batch.reference.tolist(), batch.mismatched_reference.tolist()) == ([3.0, 0.0], [13.0, 10.0])


def test_a_batch_moves_with_all_it_has(judged: BinaryRows) -> None:
    moved = batch_of(judged, [0, 1]).to(torch.device("meta"))
    assert {tensor.device.type for tensor in vars(moved).values()} == {"meta"}
