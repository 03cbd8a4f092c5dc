"""Gathering: every row in the bucket of its id, whatever shard it is in; one for each id, in the order of ids."""

from pathlib import Path

import numpy as np
import pytest
from tests.support.small_corpora import candidate, corpus_rules, gathered, jobs_of, labelled, shard_of, write_rows

from polyloop.data.clean import Candidate
from polyloop.data.near.bands import banding
from polyloop.data.passes.buckets import leaf_of, leaves_of_bucket, read_bucket
from polyloop.data.passes.clean import Shard, write_shard
from polyloop.data.passes.gather import (
    Sketching,
    bands_path,
    gather,
    pieces_of_bucket,
    sketches_path,
    starts_path,
    traits_path,
)
from polyloop.data.rows import CANDIDATE_SCHEMA, Tally

TEXTS = [f"text {number}" for number in range(600)]


def shards_of(folder: Path) -> list[Shard]:
    """Three files of a third of the texts each."""
    folder.mkdir()
    return [
        write_shard(job, folder)
        for number in range(3)
        for job in jobs_of(write_rows(folder / f"{number}.jsonl", labelled(*TEXTS[number::3])), corpus_rules())
    ]


@pytest.mark.parametrize("num_buckets", [2, 8, 128])
def test_each_row_is_found_once_in_the_bucket_of_its_id(tmp_path: Path, num_buckets: int) -> None:
    shards = shards_of(tmp_path / "shards")
    found: list[Candidate] = []
    for bucket in range(num_buckets):
        leaves = leaves_of_bucket(bucket, num_buckets)
        rows, tally = gather(pieces_of_bucket(bucket, num_buckets, shards), leaves)
        assert not tally.counts
        assert {leaf_of(row.id) for row in rows} <= set(leaves)
        found += rows
    assert [row.id for row in found] == sorted(row.id for row in found)
    assert sorted(row.input for row in found) == sorted(TEXTS)


def test_only_the_batches_that_may_hold_rows_of_a_bucket_are_read(tmp_path: Path) -> None:
    shards = shards_of(tmp_path / "shards")
    pieces = pieces_of_bucket(3, 16, shards)
    assert [path for path, _ in pieces] == [shard.path for shard in shards]
    assert all(len(numbers) < len(shard.groups) for (_, numbers), shard in zip(pieces, shards, strict=True))
    assert pieces_of_bucket(0, 2, []) == []


def test_rows_of_one_id_meet_across_files_and_the_losers_are_told_who_won(tmp_path: Path) -> None:
    rules = corpus_rules()
    files = [
        labelled("a") + labelled("", label="good"),
        labelled("a", " a ", label="bad"),
    ]
    shards = [
        write_shard(job, tmp_path)
        for number, rows in enumerate(files)
        for job in jobs_of(write_rows(tmp_path / f"{number}.jsonl", rows), rules)
    ]
    rows, tally = gather(pieces_of_bucket(0, 1, shards), leaves_of_bucket(0, 1))
    assert [(row.input, row.target, row.where) for row in rows] == [("a", "bad", "1.jsonl:1")]
    assert tally.by_corpus() == {"c": {"conflicting_target": 1, "duplicate": 1}}
    drops = {drop.where: drop.detail for drops in tally.samples.values() for drop in drops}
    assert drops == dict.fromkeys(("0.jsonl:1", "1.jsonl:2"), "the row kept is 1.jsonl:1")


def test_what_stays_does_not_depend_on_the_order_of_shards(tmp_path: Path) -> None:
    shards = [
        shard_of(tmp_path / f"{number}.arrow", [candidate("a", target, corpus=corpus, weight=weight, split=split)])
        for number, (target, corpus, weight, split) in enumerate(
            [
                ("good", "c", 1.0, "train"),
                ("bad", "d", 1.0, "train"),
                ("bad", "b", 1.0, "train"),
                ("good", "feedback", 2.0, "train"),
                ("bad", "e", 1.0, "dev"),
            ]
        )
    ]
    outcomes = []
    for order in (shards, shards[::-1], shards[2:] + shards[:2]):
        rows, tally = gather(pieces_of_bucket(0, 1, order), leaves_of_bucket(0, 1))
        outcomes.append((rows, tally.to_json()))
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert [row.corpus for row in outcomes[0][0]] == ["e"]


def test_ids_at_both_ends_of_a_bucket_are_in_it(tmp_path: Path) -> None:
    edges = [0, (1 << 127) - 1, 1 << 127, (1 << 128) - 1]
    shard = shard_of(tmp_path / "a.arrow", [candidate(str(number), number=number) for number in edges])
    halves = [gather(pieces_of_bucket(bucket, 2, [shard]), leaves_of_bucket(bucket, 2))[0] for bucket in (0, 1)]
    assert [[int(row.id, 16) for row in half] for half in halves] == [edges[:2], edges[2:]]


def test_a_bucket_file_holds_the_rows_and_the_answer_counts_them(tmp_path: Path) -> None:
    rows = [candidate("a"), candidate("b"), candidate("b", "bad", corpus="z")]
    shards = [shard_of(tmp_path / f"{number}.arrow", [row]) for number, row in enumerate(rows)]
    found, tally = gathered(shards, tmp_path / "buckets", num_buckets=4)
    tables = [read_bucket(Path(path)) for path in found.buckets]
    assert all(table.schema == CANDIDATE_SCHEMA for table in tables)
    assert [table.num_rows for table in tables] == np.diff(found.starts).tolist()
    assert sorted(text for table in tables for text in table["input"].to_pylist()) == ["a", "b"]
    assert tally.by_reason() == {"conflicting_target": 1}
    assert sorted(path.suffix for path in (tmp_path / "buckets").iterdir()) == [".arrow"] * 4


def test_sketches_are_dealt_into_partitions(tmp_path: Path) -> None:
    rows = [candidate(text) for text in TEXTS[:50]]
    sketching = Sketching(threshold=0.8, num_partitions=5, has_labels=True)
    found, _ = gathered(
        [shard_of(tmp_path / "a.arrow", rows)], tmp_path / "buckets", num_buckets=2, sketching=sketching
    )
    num_bands = banding(0.8).num_bands
    for path, num_rows in zip(map(Path, found.buckets), np.diff(found.starts).tolist(), strict=True):
        starts, entries = np.load(starts_path(path)), np.load(bands_path(path))
        assert (starts[0], starts[-1], len(starts)) == (0, num_rows * num_bands, 6)
        for partition in range(5):
            assert set(entries[starts[partition] : starts[partition + 1], 0] % 5) <= {partition}
        assert np.bincount(entries[:, 1].astype(int)).tolist() == [num_bands] * num_rows
        assert np.load(traits_path(path)).shape == (num_rows, 4)
        assert len(np.load(sketches_path(path))) == num_rows


def test_an_empty_bucket_has_empty_files(tmp_path: Path) -> None:
    sketching = Sketching(threshold=0.8, num_partitions=2, has_labels=True)
    found, tally = gathered([], tmp_path / "buckets", sketching=sketching)
    assert (found.starts, tally) == ((0, 0, 0), Tally())
    assert np.load(traits_path(Path(found.buckets[0]))).shape == (0, 4)


def test_traits_say_split_group_and_whether_users_wrote_the_row(tmp_path: Path) -> None:
    rows = [
        candidate("a", "good", number=1),
        candidate("b", "bad", number=2, corpus="feedback"),
        candidate("c", "good", number=3, split="holdout"),
        candidate("d", "good", number=4, split="dev", locale="de", target_locale="de"),
    ]
    sketching = Sketching(threshold=0.8, num_partitions=1, has_labels=True)
    found, _ = gathered([shard_of(tmp_path / "a.arrow", rows)], tmp_path / "b", num_buckets=1, sketching=sketching)
    splits, groups, of_corpora, _ = np.load(traits_path(Path(found.buckets[0]))).T.tolist()
    assert splits == [2, 2, 0, 1]
    assert of_corpora == [1, 0, 1, 1]
    assert groups[0] == groups[2]
    assert len(set(groups)) == 3
    found, _ = gathered(
        [shard_of(tmp_path / "b.arrow", rows)],
        tmp_path / "free",
        num_buckets=1,
        sketching=Sketching(threshold=0.8, num_partitions=1, has_labels=False),
    )
    groups = np.load(traits_path(Path(found.buckets[0])))[:, 1].tolist()
    assert groups[0] == groups[1] == groups[2] != groups[3]
