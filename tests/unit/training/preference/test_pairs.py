"""Tests of preference and binary rows and of what is refused."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from polyloop.errors import DataError, EmptySideError, EqualSidesError, OneSidedError
from polyloop.training.preference.pairs import (
    BINARY_SCHEMA,
    PREFERENCE_SCHEMA,
    BinaryRows,
    PreferenceRows,
    equal_lists,
)
from polyloop.training.rows import Ragged


def pairs(**columns: list[Any]) -> pa.Table:
    good: dict[str, list[Any]] = {
        "input_ids": [[5, 6], [7]],
        "chosen_ids": [[8, 1], [9, 1]],
        "rejected_ids": [[8, 2], [9, 9, 1]],
        "weight": [1.0, 0.5],
    }
    return pa.table(good | columns, schema=PREFERENCE_SCHEMA)


def judged(**columns: list[Any]) -> pa.Table:
    good: dict[str, list[Any]] = {
        "input_ids": [[5, 6], [7]],
        "target_ids": [[8, 1], [9, 1]],
        "desirable": [True, False],
        "weight": [1.0, 0.5],
    }
    return pa.table(good | columns, schema=BINARY_SCHEMA)


def test_pairs_keep_their_order_texts_and_weights_over_chunks() -> None:
    rows = PreferenceRows.from_table(pa.concat_tables([pairs(), pairs(weight=[0.0, 2.0])]))
    assert len(rows) == 4
    assert rows.rejected.values.tolist() == [8, 2, 9, 9, 1] * 2
    assert rows.chosen.lengths.tolist() == [2, 2, 2, 2]
    assert rows.weights.tolist() == [1.0, 0.5, 0.0, 2.0]


def test_judged_texts_keep_their_kinds_and_other_columns_are_left_alone() -> None:
    rows = BinaryRows.from_table(judged().append_column("locale", [["de", "en"]]))
    assert rows.is_desirable.tolist() == [True, False]
    assert rows.targets.values.tolist() == [8, 1, 9, 1]
    assert len(rows) == 2


def test_a_text_preferred_to_itself_is_refused_by_its_row() -> None:
    with pytest.raises(EqualSidesError, match=r"row 1 .* 2 tokens .*\(1 such rows of 2\)"):
        PreferenceRows.from_table(pairs(rejected_ids=[[8], [9, 1]]))


@pytest.mark.parametrize("side", ["input_ids", "chosen_ids", "rejected_ids"])
def test_an_empty_side_is_refused_by_column_and_row(side: str) -> None:
    with pytest.raises(EmptySideError, match=f"{side} of row 1 is empty"):
        PreferenceRows.from_table(pairs(**{side: [[4], []]}))


@pytest.mark.parametrize("side", ["input_ids", "target_ids"])
def test_an_empty_judged_text_is_refused(side: str) -> None:
    with pytest.raises(EmptySideError, match=f"{side} of row 0 is empty"):
        BinaryRows.from_table(judged(**{side: [[], [4]]}))


@pytest.mark.parametrize("kinds", [[True, True], [False, False]])
def test_a_set_of_one_kind_is_refused(kinds: list[bool]) -> None:
    with pytest.raises(OneSidedError, match=f"of 2 rows with a weight {sum(kinds)} are desirable"):
        BinaryRows.from_table(judged(desirable=kinds))


def test_a_kind_without_weight_is_as_good_as_missing() -> None:
    with pytest.raises(OneSidedError):
        BinaryRows.from_table(judged(weight=[1.0, 0.0]))


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_weight_that_is_no_weight_is_refused(weight: float) -> None:
    with pytest.raises(DataError, match="weight of row 1"):
        PreferenceRows.from_table(pairs(weight=[1.0, weight]))


def test_missing_columns_nulls_and_no_rows_are_refused() -> None:
    with pytest.raises(DataError, match="columns rejected_ids, weight are missing"):
        PreferenceRows.from_table(pairs().drop_columns(["rejected_ids", "weight"]))
    with pytest.raises(DataError, match="column desirable has 1 nulls"):
        BinaryRows.from_table(judged(desirable=[True, None]))
    with pytest.raises(DataError, match="no rows"):
        PreferenceRows.from_table(PREFERENCE_SCHEMA.empty_table())


def test_equal_lists_are_told_as_a_plain_comparison_tells_them() -> None:
    generator = np.random.default_rng(4)
    lists = [[generator.integers(0, 2, size).tolist() for size in generator.integers(0, 4, 300)] for _ in range(2)]
    left, right = (
        Ragged(
            values=np.array([number for ids in side for number in ids], dtype=np.int32),
            offsets=np.cumsum([0, *(len(ids) for ids in side)]),
        )
        for side in lists
    )
    expected = [one == other for one, other in zip(*lists, strict=True)]
    assert equal_lists(left, right).tolist() == expected
    assert 0 < sum(expected) < 300
