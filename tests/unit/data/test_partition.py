"""Buckets: every row in the bucket of its id, whatever the files; each without duplicates, in the order of ids."""

import json
from pathlib import Path

import pytest

from polyloop.data import partition
from polyloop.data.clean import CorpusRules, TaskRules
from polyloop.data.partition import FileJob, Shard, bucket_count, bucket_of, bucket_pieces, deduplicate, read_bucket
from polyloop.data.rows import CANDIDATE_SCHEMA
from polyloop.spec.models import Corpus

TASK = TaskRules(task="mood", labels=frozenset({"good", "bad"}), directions=frozenset({("en", "en")}))
CORPUS = Corpus.model_validate(
    {
        "paths": ["x"],
        "columns": {"input": "text", "target": "label"},
        "locale": "en",
        "licence": "CC0-1.0",
        "split": "train",
    }
)


def job(folder: Path, number: int, rows: list[tuple[str, str]]) -> FileJob:
    path = folder / f"{number}.jsonl"
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
    rules = CorpusRules(name="c", corpus=CORPUS, task=TASK)
    return FileJob(number=number, path=str(path), form="jsonl", task=TASK, rules=rules)


@pytest.mark.parametrize(
    ("sizes", "buckets"),
    [
        ([], 2),
        ([("a.tsv", 1)], 2),
        ([("a.tsv", 33 * 2**20)], 4),
        ([("a.tsv.gz", 33 * 2**20)], 16),
        ([("a.tsv", 2**50)], 256),
    ],
)
def test_larger_corpora_get_more_buckets(sizes: list[tuple[str, int]], buckets: int) -> None:
    assert bucket_count(sizes) == buckets


@pytest.mark.parametrize("num_buckets", [2, 4, 64, 256])
def test_buckets_follow_the_order_of_ids_and_never_cut_a_leaf(num_buckets: int) -> None:
    buckets = [bucket_of(f"{prefix:02x}ffee", num_buckets) for prefix in range(256)]
    assert buckets == sorted(buckets)
    assert set(buckets) == set(range(num_buckets))


def test_each_row_is_found_once_in_the_bucket_of_its_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition, "FLUSH_ROWS", 7)
    texts = [(f"text {number}", "good") for number in range(50)]
    shards = [
        partition.write_shard(job(tmp_path, number, texts[number::3]), tmp_path, num_buckets=4) for number in range(3)
    ]
    found = []
    for bucket in range(4):
        num_rows, tally = deduplicate(bucket_pieces(bucket, shards), tmp_path / f"{bucket}.arrow")
        table = read_bucket(tmp_path / f"{bucket}.arrow")
        ids = table["id"].to_pylist()
        assert (table.schema, table.num_rows) == (CANDIDATE_SCHEMA, num_rows)
        assert ids == sorted(ids)
        assert {bucket_of(example, 4) for example in ids} == {bucket}
        assert not tally.counts
        found += table["input"].to_pylist()
    assert sorted(found) == sorted(text for text, _ in texts)


def test_rows_of_one_id_meet_across_files_and_the_losers_are_counted(tmp_path: Path) -> None:
    jobs = [job(tmp_path, 0, [("a", "good"), ("", "good")]), job(tmp_path, 1, [("a", "bad"), (" a ", "bad")])]
    shards = [partition.write_shard(one, tmp_path, num_buckets=2) for one in jobs]
    assert shards[0].tally.by_reason() == {"empty_input": 1}
    (bucket,) = shards[0].batches
    num_rows, tally = deduplicate(bucket_pieces(bucket, shards), tmp_path / "out.arrow")
    assert num_rows == 1
    assert read_bucket(tmp_path / "out.arrow")["target"].to_pylist() == ["bad"]
    assert tally.by_corpus() == {"c": {"conflicting_target": 1, "duplicate": 1}}
    assert {drop.where for drops in tally.samples.values() for drop in drops} == {"0.jsonl:1", "1.jsonl:2"}


def test_a_file_without_rows_makes_an_empty_shard(tmp_path: Path) -> None:
    shard = partition.write_shard(job(tmp_path, 0, []), tmp_path, num_buckets=2)
    assert bucket_pieces(0, [shard]) == []
    assert Shard.from_json(shard.to_json()) == shard
