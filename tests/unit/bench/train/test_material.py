"""The train benchmark's datasets: made of the demo's sentences here, readable by the train function."""

import gzip
from pathlib import Path

import pytest

from polyloop.bench.train.benchmark import epoch_of
from polyloop.bench.train.material import CAPTIONS, sentence_pairs, task_of, write_dataset
from polyloop.errors import DataError
from polyloop.spec.models import TaskSpec


def small_task(kind: str) -> TaskSpec:
    return task_of(kind, recipe="nano", vocab_size=400, training={"batch_tokens": 256})


def test_without_datasets_the_same_sentences_are_authored_each_time():
    pairs = sentence_pairs(None, 20)

    assert pairs == sentence_pairs(None, 20)
    assert len(set(pairs)) > 10
    assert all(english != german for english, german in pairs)


def test_captions_are_read_in_order_and_a_shortage_is_told(tmp_path: Path):
    path = tmp_path / CAPTIONS
    path.parent.mkdir()
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        stream.write("en\tde\nA dog.\tEin Hund.\nA cat.\tEine Katze.\n")

    assert sentence_pairs(tmp_path, 1) == [("A dog.", "Ein Hund.")]
    with pytest.raises(DataError, match="2 pairs, fewer than the 3"):
        sentence_pairs(tmp_path, 3)
    with pytest.raises(DataError, match="POLYLOOP_DATASETS"):
        sentence_pairs(tmp_path / "elsewhere", 3)


def test_both_tasks_read_the_same_sentences(tmp_path: Path):
    pairs = sentence_pairs(None, 60)
    translate = write_dataset(tmp_path / "translate", small_task("translate"), pairs, num_dev=10)
    classify = write_dataset(tmp_path / "classify", small_task("classify"), pairs)

    assert (translate.table("train").num_rows, translate.table("dev").num_rows) == (50, 10)
    assert classify.table("train").num_rows == 120
    assert sorted(set(classify.table("train")["target"].to_pylist())) == ["de", "en"]
    assert set(classify.table("train")["input"].to_pylist()) == {text for pair in pairs for text in pair}
    assert len(set(translate.table("train")["id"].to_pylist())) == 50


def test_a_tokenizer_can_be_used_again(tmp_path: Path):
    pairs = sentence_pairs(None, 40)
    first = write_dataset(tmp_path / "first", small_task("translate"), pairs)
    second = write_dataset(tmp_path / "second", small_task("translate"), pairs[:10], tokenizer_dir=first.tokenizer_dir)

    assert second.table("train")["input_ids"].to_pylist() == first.table("train")["input_ids"].to_pylist()[:10]


def test_an_epoch_counts_the_tokens_that_are_learned(tmp_path: Path):
    pairs = sentence_pairs(None, 40)
    translate = write_dataset(tmp_path / "translate", small_task("translate"), pairs)
    classify = write_dataset(tmp_path / "classify", small_task("classify"), pairs)

    def tokens(rows: list[list[int]]) -> int:
        return sum(map(len, rows))

    table = translate.table("train").to_pydict()
    num_steps, num_tokens = epoch_of(translate, small_task("translate"))
    assert num_tokens == tokens(table["input_ids"]) + tokens(table["target_ids"])
    assert num_steps >= num_tokens / 256
    _, num_tokens = epoch_of(classify, small_task("classify"))
    assert num_tokens == tokens(classify.table("train").to_pydict()["input_ids"])
