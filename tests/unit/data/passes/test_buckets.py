"""Buckets: runs of ids in order that never cut a leaf, more of them for larger corpora, and the files they are in."""

from pathlib import Path

import pyarrow as pa
import pytest
from tests.support.small_corpora import candidate

from polyloop.data.passes.buckets import (
    LEAVES,
    arrow_writer,
    as_batch,
    bucket_count,
    leaf_of,
    leaves_of_bucket,
    read_bucket,
)
from polyloop.data.rows import CANDIDATE_SCHEMA


@pytest.mark.parametrize(
    ("sizes", "buckets"),
    [
        ([], 2),
        ([("a.tsv", 1)], 2),
        ([("a.tsv", 33 * 2**20)], 4),
        ([("a.tsv", 16 * 2**20), ("b.tsv", 17 * 2**20)], 4),
        ([("a.tsv.gz", 33 * 2**20)], 16),
        ([("a.tsv.ZST", 33 * 2**20)], 16),
        ([("a.tsv", 2**50)], LEAVES),
    ],
)
def test_larger_corpora_get_more_buckets(sizes: list[tuple[str, int]], buckets: int) -> None:
    assert bucket_count(sizes) == buckets


@pytest.mark.parametrize("num_buckets", [2, 4, 64, LEAVES])
def test_buckets_follow_the_order_of_ids_and_never_cut_a_leaf(num_buckets: int) -> None:
    leaves = [leaf for bucket in range(num_buckets) for leaf in leaves_of_bucket(bucket, num_buckets)]
    assert leaves == list(range(LEAVES))
    assert [leaf_of(f"{prefix:03x}ffee") for prefix in range(LEAVES)] == leaves


@pytest.mark.parametrize("compressed", [True, False])
def test_rows_come_back_as_they_were_written(tmp_path: Path, compressed: bool) -> None:
    rows = [candidate("你好", number=1, weight=2.5), candidate("", number=2, source="https://a.example", split="dev")]
    with arrow_writer(tmp_path / "a.arrow", compressed=compressed) as writer:
        writer.write_batch(as_batch(rows[:1]))
        writer.write_batch(as_batch([]))
        writer.write_batch(as_batch(rows[1:]))
    table = read_bucket(tmp_path / "a.arrow")
    assert table.schema == CANDIDATE_SCHEMA
    assert table.to_pylist() == [row._asdict() for row in rows]


def test_a_file_without_rows_is_an_empty_table(tmp_path: Path) -> None:
    with arrow_writer(tmp_path / "a.arrow"):
        pass
    assert read_bucket(tmp_path / "a.arrow") == pa.Table.from_batches([], CANDIDATE_SCHEMA)
