"""Packing for language models: rows are full, nothing is lost or learnt across sequences, shards stay the same."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polyloop.data import packing
from polyloop.data.dataset import Dataset
from polyloop.data.manifest import FORMAT_VERSION, Manifest, PartFile, TokenizerRecord
from polyloop.data.packing import Packing, export_packed, pack, packed_schema, packed_table
from polyloop.data.rows import ENCODED_SCHEMA
from polyloop.data.storage import file_sha256, write_parquet
from polyloop.data.tokenizer import load_tokenizer, train_tokenizer
from polyloop.errors import DataError

PAD, END = 0, 1


def table(*rows: tuple[list[int], list[int]]) -> pa.Table:
    lists = pa.list_(pa.int32())
    return pa.table(
        {
            "input_ids": pa.array([row[0] for row in rows], lists),
            "target_ids": pa.array([row[1] for row in rows], lists),
        }
    )


def packed(rows: pa.Table, capacity: int, **settings: Any) -> tuple[dict[str, list[Any]], packing.PackingCounts]:
    result, counts = packed_table(rows, Packing(capacity=capacity, pad_id=PAD, end_id=END, **settings))
    assert result.schema == packed_schema(capacity)
    result.validate(full=True)
    return result.to_pydict(), counts


@pytest.mark.parametrize("longest", [3, 40, 128])
def test_no_row_is_overfull_and_few_places_stay_empty(longest: int) -> None:
    lengths = np.random.default_rng(longest).integers(1, longest + 1, 5_000)
    rows = pack(lengths, 128)
    used = np.bincount(rows, lengths)
    assert used.max() <= 128
    assert used.min() > 0
    assert len(used) <= 1.02 * lengths.sum() / 128 + 1


def test_each_sequence_goes_where_the_least_space_is_left() -> None:
    assert pack(np.array([2, 7, 6, 3, 4]), 10).tolist() == [0, 1, 2, 1, 2]


def test_rows_are_numbered_by_their_first_sequences() -> None:
    rows = pack(np.random.default_rng(1).integers(1, 60, 500), 64)
    firsts = np.unique(rows, return_index=True)[1]
    assert (np.diff(firsts) > 0).all()


def test_nothing_packs_into_no_rows() -> None:
    assert pack(np.zeros(0, np.int64), 8).tolist() == []
    assert packed(table(), 8)[0]["input_ids"] == []


@pytest.mark.parametrize("length", [0, 9])
def test_a_length_that_no_row_can_hold_is_an_error(length: int) -> None:
    with pytest.raises(ValueError, match=r"lengths must be from 1 to 8"):
        pack(np.array([3, length]), 8)


def test_a_sequence_is_input_target_and_end_and_only_targets_are_learnt() -> None:
    rows, counts = packed(table(([5, 6, END], [7, 8]), ([9], [10, END])), 10)
    assert rows["input_ids"] == [[5, 6, END, 7, 8, END, 9, 10, END, PAD]]
    assert rows["labels"] == [[-100, -100, -100, 7, 8, END, -100, 10, END, -100]]
    assert rows["segment_ids"] == [[1, 1, 1, 1, 1, 1, 2, 2, 2, 0]]
    assert rows["position_ids"] == [[0, 1, 2, 3, 4, 5, 0, 1, 2, 0]]
    assert rows["num_tokens"] == [9]
    assert counts.model_dump() == {
        "sequences": 2,
        "sequences_cut": 0,
        "segments_left_out": 0,
        "segments": 2,
        "rows": 1,
        "tokens": 9,
        "labels": 5,
    }


def test_inputs_are_learnt_too_when_asked_for_but_never_a_first_token() -> None:
    rows, _ = packed(table(([5, 6], [7, END])), 4, learn_inputs=True)
    assert rows["labels"] == [[-100, 6, 7, END]]


def test_without_text_targets_the_input_is_learnt_and_the_label_is_no_token() -> None:
    rows, _ = packed(table(([5, 6, END], [3]), ([8, 9], [0])), 6, with_targets=False)
    assert rows["input_ids"] == [[5, 6, END, 8, 9, END]]
    assert rows["labels"] == [[-100, 6, END, -100, 9, END]]


def test_a_sequence_longer_than_a_row_is_cut_and_counted() -> None:
    rows, counts = packed(table(([5], list(range(10, 19)))), 4)
    assert rows["input_ids"] == [[5, 10, 11, 12], [13, 14, 15, 16], [17, 18, END, PAD]]
    assert rows["labels"] == [[-100, 10, 11, 12], [-100, 14, 15, 16], [-100, 18, END, -100]]
    assert (counts.sequences_cut, counts.segments) == (1, 3)


def test_segments_without_anything_to_learn_are_left_out_and_counted() -> None:
    rows, counts = packed(table(([5, 6, 7, 8], [9, END]), ([], [END]), ([], [])), 4)
    assert rows["input_ids"] == [[9, END, PAD, PAD]]
    assert (counts.segments_left_out, counts.segments, counts.sequences) == (2, 1, 3)


def test_every_token_comes_back_in_its_order() -> None:
    generator = np.random.default_rng(3)
    sizes = generator.integers(1, 30, (300, 2)).tolist()
    given = [tuple(generator.integers(2, 999, size).tolist() for size in pair) for pair in sizes]
    rows, _ = packed(table(*given), 64, learn_inputs=True)
    found = []
    for ids, segments in zip(rows["input_ids"], rows["segment_ids"], strict=True):
        found += [[i for i, s in zip(ids, segments, strict=True) if s == n] for n in range(1, max(segments) + 1)]
    assert sorted(found) == sorted([*first, *second, END] for first, second in given)


def test_a_row_of_one_token_is_refused() -> None:
    with pytest.raises(DataError, match=r"a row of 1 tokens is too short"):
        Packing(capacity=1, pad_id=PAD, end_id=END)


def dataset(folder: Path, file_rows: list[int], *, labels: bool = False) -> Dataset:
    """A dataset of 120 rows in files of so many rows."""
    train_tokenizer(["a b c d"], 300, [], folder / "tokenizer")
    (folder / "train").mkdir()
    generator = np.random.default_rng(0)
    common = {"task": "t", "locale": "en", "target_locale": "en", "input": "a", "target": "b", "corpus": "c"}
    rows = [
        {
            **common,
            "id": f"{number:03d}",
            "weight": 1.0,
            "split": "train",
            "input_ids": generator.integers(3, 250, generator.integers(1, 20)).tolist(),
            "target_ids": [1] if labels else [*generator.integers(3, 250, 9).tolist(), END],
        }
        for number in range(sum(file_rows))
    ]
    files, start = [], 0
    for number, size in enumerate(file_rows):
        path = folder / f"train/part-{number:05d}.parquet"
        write_parquet(path, pa.Table.from_pylist(rows[start : start + size], schema=ENCODED_SCHEMA))
        start += size
        files.append(PartFile(name=f"train/{path.name}", sha256=file_sha256(path), size_bytes=path.stat().st_size))
    manifest = Manifest.model_construct(
        format_version=FORMAT_VERSION,
        task="t",
        digest="d",
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
        label_counts={"train": {"en": {"good": 120}}} if labels else {},
        tokenizer=TokenizerRecord(kind="trained", vocab_size=300, sha256="t"),
        files=tuple(files),
    )
    return Dataset(digest="d", path=folder, manifest=manifest)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_shards_do_not_depend_on_the_files_of_the_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "GROUP_TOKENS", 600)
    monkeypatch.setattr(packing, "READ_ROWS", 16)
    found = []
    for name, file_rows in (("one", [120]), ("many", [1, 50, 7, 62])):
        (tmp_path / name).mkdir()
        summary = export_packed(dataset(tmp_path / name, file_rows), "train", 64, tmp_path / f"{name}-packed")
        found.append(contents(tmp_path / f"{name}-packed"))
    assert found[0] == found[1]
    assert len(summary.files) == 5
    assert (summary.sequences, summary.sequences_cut) == (120, 0)
    assert summary.fill > 0.8


def test_the_manifest_says_what_the_shards_hold(tmp_path: Path) -> None:
    summary = export_packed(dataset(tmp_path, [120]), "train", 64, tmp_path / "packed")
    written = json.loads((tmp_path / "packed/manifest.json").read_bytes())
    assert packing.PackingSummary.model_validate(written) == summary
    shard = pq.read_table(tmp_path / "packed" / summary.files[0].name)
    assert shard.schema.equals(packed_schema(64))
    assert summary.files[0].sha256 == file_sha256(tmp_path / "packed" / summary.files[0].name)
    assert (shard.num_rows, sum(shard["num_tokens"].to_pylist())) == (summary.rows, summary.tokens)
    assert load_tokenizer(tmp_path / "packed/tokenizer").eos_token_id == summary.end_id
    assert (summary.split, summary.capacity, summary.with_targets) == ("train", 64, True)


def test_labels_of_a_classify_task_are_no_text(tmp_path: Path) -> None:
    summary = export_packed(dataset(tmp_path, [120], labels=True), "train", 64, tmp_path / "packed")
    assert not summary.with_targets
    assert summary.labels == summary.tokens - summary.segments


def test_an_existing_folder_or_an_empty_split_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    source = dataset(tmp_path, [120])
    with pytest.raises(DataError, match=r"there is something already"):
        export_packed(source, "train", 64, tmp_path / "train")
    with pytest.raises(DataError, match=r"the dev split holds nothing to learn from"):
        export_packed(source, "dev", 64, tmp_path / "out/packed")
    assert list((tmp_path / "out").iterdir()) == []
