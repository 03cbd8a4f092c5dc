"""Encoding a bucket: what the model reads, what is too long, and what the part says of it."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.support.small_corpora import candidate

from polyloop.data.clean import Candidate
from polyloop.data.passes.buckets import arrow_writer, as_batch
from polyloop.data.passes.encode import Part, encode_bucket, encode_item
from polyloop.data.rows import ENCODED_SCHEMA, SPLITS, Tally
from polyloop.data.statistics import Statistics
from polyloop.data.storage import file_sha256
from polyloop.data.tokenizer import load_tokenizer, train_tokenizer
from polyloop.spec.models import TaskSpec
from polyloop.tasks.question import Question, write_question

MODEL = {"recipe": "nano", "max_input_tokens": 8, "max_target_tokens": 8}
TRANSLATE = TaskSpec.model_validate(
    {"kind": "translate", "corpora": ["c"], "pairs": ["en>de", "en>fr"], "model": MODEL}
)
CLASSIFY = TaskSpec.model_validate({"kind": "classify", "corpora": ["c"], "labels": ["good", "bad"], "model": MODEL})


@pytest.fixture(scope="module")
def tokenizer_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer") / "t"
    train_tokenizer(["a b c d"], 300, ["<2de>", "<2fr>"], folder)
    return folder


def row(number: int, text: str, target: str, **changes: Any) -> Candidate:
    return candidate(text, target, **{"number": number, "target_locale": "de", "where": f"f:{number}", **changes})


def write_bucket(folder: Path, rows: list[Candidate]) -> Path:
    with arrow_writer(folder / "00003.arrow") as writer:
        writer.write_batch(as_batch(rows))
    for split in SPLITS:
        (folder / "dataset" / split).mkdir(parents=True)
    return folder / "00003.arrow"


def run(folder: Path, tokenizer_dir: Path, task: TaskSpec, rows: list[Candidate]) -> Part:
    return encode_bucket(write_bucket(folder, rows), folder / "dataset", tokenizer_dir, task)


def test_translate_reads_tag_text_end_and_writes_text_end(tmp_path: Path, tokenizer_dir: Path) -> None:
    rows = [row(0, "ab", "cd"), row(1, "ab", "cd", target_locale="fr")]
    part = run(tmp_path, tokenizer_dir, TRANSLATE, rows)
    table = pq.read_table(tmp_path / "dataset/train/part-00003.parquet")
    letters = [load_tokenizer(tokenizer_dir).convert_tokens_to_ids(letter) for letter in "abcd"]
    assert table.schema == ENCODED_SCHEMA
    assert table["input_ids"].to_pylist() == [[3, *letters[:2], 1], [4, *letters[:2], 1]]
    assert table["target_ids"].to_pylist() == [[*letters[2:], 1]] * 2
    assert part.rows == [("train", "c", "de", "", 1), ("train", "c", "fr", "", 1)]


def test_classify_writes_the_index_of_the_label(tmp_path: Path, tokenizer_dir: Path) -> None:
    rows = [row(0, "ab", "bad", target_locale="en"), row(1, "ba", "good", target_locale="en", split="dev")]
    part = run(tmp_path, tokenizer_dir, CLASSIFY, rows)
    assert pq.read_table(tmp_path / "dataset/train")["target_ids"].to_pylist() == [[1]]
    assert pq.read_table(tmp_path / "dataset/dev")["target_ids"].to_pylist() == [[0]]
    assert part.rows == [("dev", "c", "en", "good", 1), ("train", "c", "en", "bad", 1)]


def test_too_long_rows_are_dropped_but_a_holdout_target_may_be_long(tmp_path: Path, tokenizer_dir: Path) -> None:
    long_input, long_target = "abcdefg", "abcdefgh"
    rows = [
        row(0, long_input, "a"),
        row(1, long_input, "a", split="holdout"),
        row(2, "a", long_target),
        row(3, "a", long_target, split="dev"),
        row(4, "a", long_target, split="holdout"),
        row(5, long_input[:-1], long_target[:-1]),
    ]
    part = run(tmp_path, tokenizer_dir, TRANSLATE, rows)
    tally = Tally.from_json(part.dropped)
    assert tally.by_reason() == {"too_long_input": 2, "too_long_target": 2}
    assert [drop.where for drop in tally.samples["c", "too_long_target"]] == ["f:2", "f:3"]
    assert {file.name for file in part.files} == {"train/part-00003.parquet", "holdout/part-00003.parquet"}
    assert pq.read_table(tmp_path / "dataset/train")["id"].to_pylist() == [rows[5].id]
    assert pq.read_table(tmp_path / "dataset/holdout")["id"].to_pylist() == [rows[4].id]


def test_the_part_lists_files_and_leaves(tmp_path: Path, tokenizer_dir: Path) -> None:
    part = run(tmp_path, tokenizer_dir, TRANSLATE, [row(0, "a", "b"), row(16**30, "a", "b"), row(1, "c", "d")][::2])
    (file,) = part.files
    path = tmp_path / "dataset" / file.name
    assert (file.sha256, file.size_bytes) == (file_sha256(path), path.stat().st_size)
    assert [(split, prefix) for split, prefix, _ in part.leaves] == [("train", "000")]
    assert Part.model_validate_json(part.model_dump_json()) == part


def test_a_bucket_where_all_is_too_long_writes_nothing(tmp_path: Path, tokenizer_dir: Path) -> None:
    part = run(tmp_path, tokenizer_dir, TRANSLATE, [row(0, "abcdefghijk", "b")])
    assert (part.files, part.rows, part.leaves) == ((), [], [])


def test_licence_and_source_of_each_row_are_published_and_where_it_came_from_is_not(
    tmp_path: Path, tokenizer_dir: Path
) -> None:
    rows = [row(0, "a", "b", licence="MIT", source="https://a.example"), row(1, "b", "a")]
    run(tmp_path, tokenizer_dir, TRANSLATE, rows)
    table = pq.read_table(tmp_path / "dataset/train")
    assert table["licence"].to_pylist() == ["MIT", "CC0-1.0"]
    assert table["source"].to_pylist() == ["https://a.example", ""]
    assert not {"where", "paragraphs"} & set(table.column_names)


def test_statistics_are_of_the_rows_that_stay(tmp_path: Path, tokenizer_dir: Path) -> None:
    part = run(tmp_path, tokenizer_dir, TRANSLATE, [row(0, "ab", "c"), row(1, "abcdefghijk", "b")])
    whole = Statistics.of(pq.read_table(tmp_path / "dataset/train", schema=ENCODED_SCHEMA), has_labels=False)
    assert Statistics.from_json(part.statistics) == whole
    assert sum(whole.directions.values()) == 1


def test_the_pass_answers_with_the_part(tmp_path: Path, tokenizer_dir: Path) -> None:
    bucket = write_bucket(tmp_path, [row(0, "a", "b")])
    answer = encode_item({"bucket": str(bucket)}, tmp_path / "dataset", tokenizer_dir, TRANSLATE)
    part = Part.model_validate_json(answer["part"])
    assert part.rows == [("train", "c", "de", "", 1)]
    assert encode_item({"bucket": str(bucket)}, tmp_path / "dataset", tokenizer_dir, TRANSLATE) == answer


ANSWER = TaskSpec.model_validate(
    {
        "kind": "answer",
        "corpora": ["c"],
        "documents": [{"paths": ["d"], "licence": "MIT"}],
        "answer": {"reader": "generative"},
        "model": {**MODEL, "max_input_tokens": 64},
    }
)


def test_questions_that_nothing_can_be_learned_from_are_dropped_but_not_from_the_holdout(
    tmp_path: Path, tokenizer_dir: Path
) -> None:
    with_passage = write_question(Question(question="a", context="b c"))
    rows = [
        row(0, with_passage, "c", target_locale="en", split="train"),
        row(1, "a", "c", target_locale="en", split="train"),
        row(2, "a", "c", target_locale="en", split="holdout"),
    ]
    part = run(tmp_path, tokenizer_dir, ANSWER, rows)
    assert {split: count for split, *_, count in part.rows} == {"train": 1, "holdout": 1}
    assert Tally.from_json(part.dropped).by_reason() == {"no_context": 1}
