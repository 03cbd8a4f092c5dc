"""Tests of splits as flat arrays."""

import numpy as np
import pyarrow as pa
import pytest

from polyloop.data.rows import ENCODED_SCHEMA
from polyloop.training.rows import Ragged, Rows, balance_labels

IDS = pa.list_(pa.int32())


@pytest.fixture
def table() -> pa.Table:
    first = pa.table(
        {
            "locale": ["en", "de"],
            "target_locale": ["fr", "fr"],
            "input_ids": pa.array([[5, 6, 7], [8]], IDS),
            "target_ids": pa.array([[1], [2, 3]], IDS),
            "weight": pa.array([1.0, 0.5], pa.float32()),
        }
    )
    second = pa.table(
        {
            "locale": ["en"],
            "target_locale": ["fr"],
            "input_ids": pa.array([[9, 9]], IDS),
            "target_ids": pa.array([[4]], IDS),
            "weight": pa.array([2.0], pa.float32()),
        }
    )
    return pa.concat_tables([first, second])


def test_rows_of_several_chunks_keep_their_order_lengths_and_weights(table: pa.Table) -> None:
    rows = Rows.from_table(table)
    assert len(rows) == 3
    assert rows.inputs.lengths.tolist() == [3, 1, 2]
    assert rows.targets.lengths.tolist() == [1, 2, 1]
    assert rows.weights.tolist() == [1.0, 0.5, 2.0]
    assert rows.locales.tolist() == [1, 0, 1]


def test_a_sliced_table_gives_its_own_rows(table: pa.Table) -> None:
    rows = Rows.from_table(table.combine_chunks().slice(1, 2))
    assert rows.inputs.values.tolist() == [8, 9, 9]
    assert rows.inputs.lengths.tolist() == [1, 2]


def test_an_empty_split_has_no_rows() -> None:
    rows = Rows.from_table(ENCODED_SCHEMA.empty_table())
    assert len(rows) == 0
    assert rows.inputs.lengths.tolist() == []


def test_balancing_labels_evens_out_their_weights_and_keeps_the_sum() -> None:
    labels = [0, 0, 0, 0, 0, 0, 2, 2]
    rows = Rows(
        inputs=Ragged(values=np.arange(8, dtype=np.int32), offsets=np.arange(9)),
        targets=Ragged(values=np.array(labels, dtype=np.int32), offsets=np.arange(9)),
        weights=np.ones(8, dtype=np.float32),
        locales=np.zeros(8, dtype=np.int64),
    )

    unchanged, half, even = (balance_labels(rows, exponent).weights for exponent in (0.0, 0.5, 1.0))

    np.testing.assert_allclose(unchanged, 1.0)
    assert even[:6].sum() == pytest.approx(even[6:].sum())
    assert half[6:].sum() / half[:6].sum() == pytest.approx(np.sqrt(2 / 6))
    assert [weights.sum() for weights in (half, even)] == pytest.approx([8.0, 8.0])
