"""Selecting: near duplicates and what gives away a holdout go, each with what it repeats; held-out rows stay."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.support.small_corpora import TO_GERMAN, candidate, corpus_rules, gathered, jobs_of, shard_of, write_rows

from polyloop.data.clean import Candidate
from polyloop.data.decontamination import HeldOut, ngram_hashes
from polyloop.data.passes.buckets import read_bucket
from polyloop.data.passes.clean import Shard, write_shard
from polyloop.data.passes.match import Rows
from polyloop.data.passes.select import held_out_item, select_item, without_contaminated, without_repetitions
from polyloop.data.rows import CANDIDATE_SCHEMA, SAMPLE_CHARACTERS, Drop, Tally

NGRAM = 13
SECRET = "one two three four five six seven eight nine ten eleven twelve thirteen"
CHINESE = "我们在这里学习汉语的语法和写作"


def samples(tally: Tally) -> list[Drop]:
    return [drop for drops in tally.samples.values() for drop in drops]


def one_bucket(folder: Path, rows: list[Candidate]) -> tuple[Rows, list[Candidate]]:
    found, _ = gathered([shard_of(folder / "a.arrow", rows)], folder / "buckets", num_buckets=1)
    return found, sorted(rows)


def test_rows_that_repeat_others_are_told_which_and_the_rest_keeps_its_order(tmp_path: Path) -> None:
    found, rows = one_bucket(tmp_path, [candidate(f"{letter} " * 150, where=f"f:{letter}") for letter in "abcdef"])
    tally = Tally()
    left = without_repetitions(rows, [(4, "near_holdout", 0), (1, "near_duplicate", 2)], found, tally)
    assert left == [rows[0], rows[2], rows[3], rows[5]]
    assert tally.by_reason() == {"near_duplicate": 1, "near_holdout": 1}
    for drop, gone, kept in zip(samples(tally), (rows[4], rows[1]), (rows[0], rows[2]), strict=True):
        assert drop.where == gone.where
        assert drop.detail == f"repeats {kept.where}: {kept.input[:SAMPLE_CHARACTERS]}"


def held_out(*texts: str) -> HeldOut:
    return HeldOut(NGRAM, np.unique(ngram_hashes(texts, NGRAM).hashes))


def decontaminated(
    rows: Sequence[Candidate], *secrets: str, has_labels: bool = True
) -> tuple[list[Candidate], list[Drop]]:
    tally = Tally()
    left = without_contaminated(list(rows), held_out(*secrets), tally, has_labels=has_labels)
    return left, samples(tally)


@pytest.mark.parametrize(
    ("secret", "text", "shared"),
    [
        (SECRET, f"Before it {SECRET.upper()}, and after.", SECRET.upper() + ","),
        (f"so {SECRET} so", f"{SECRET.replace(' ', ', ')} here", SECRET.replace(" ", ", ")),
        (CHINESE, f"他说{CHINESE}。", CHINESE[:13]),
    ],
)
def test_a_train_row_that_holds_an_ngram_of_a_holdout_goes_and_says_which(secret: str, text: str, shared: str) -> None:
    rows = [candidate(text), candidate("nothing of the kind")]
    left, (drop,) = decontaminated(rows, secret)
    assert left == rows[1:]
    assert (drop.reason, drop.sample) == ("contaminated", text)
    assert drop.detail == f"shares with a holdout: {shared}"


def test_a_word_less_is_not_enough() -> None:
    rows = [candidate(f"then {SECRET.rpartition(' ')[0]} fourteen")]
    assert decontaminated(rows, SECRET) == (rows, [])


def test_a_short_holdout_text_is_found_in_rows_that_are_it_and_not_in_rows_that_hold_it() -> None:
    short = "one two three four five six seven eight"
    rows = [candidate(short.title() + "!"), candidate(f"{short} nine"), candidate("one two")]
    left, drops = decontaminated(rows, short, "one two")
    assert left == rows[1:]
    assert len(drops) == 1


@pytest.mark.parametrize("split", ["holdout", "dev"])
def test_held_out_rows_stay(split: str) -> None:
    rows = [candidate(SECRET, split=split)]
    assert decontaminated(rows, SECRET) == (rows, [])


def test_the_target_gives_away_a_holdout_too_unless_it_is_a_label() -> None:
    rows = [candidate("a", SECRET)]
    assert decontaminated(rows, SECRET, has_labels=True) == (rows, [])
    left, (drop,) = decontaminated(rows, SECRET, has_labels=False)
    assert (left, drop.sample) == ([], "a")


def write_held_out(folder: Path, shard: Shard, task: str, *, has_labels: bool) -> Path:
    item = {"shard": shard.path, "task": task, "path": str(folder / f"{task}.npy")}
    held_out_item(item, NGRAM, {task: has_labels})
    return Path(item["path"])


def test_only_holdout_rows_count_with_their_targets_unless_those_are_labels(tmp_path: Path) -> None:
    texts = [f"{letter} {SECRET}" for letter in "abc"]
    rows = [
        candidate(texts[0], texts[1], split="holdout"),
        candidate(texts[2], texts[2], split="dev"),
        candidate("other", texts[2]),
    ]
    shard = shard_of(tmp_path / "a.arrow", rows)
    labels = HeldOut.open(write_held_out(tmp_path, shard, "labels", has_labels=True), NGRAM)
    pairs = HeldOut.open(write_held_out(tmp_path, shard, "pairs", has_labels=False), NGRAM)
    grams = [ngram_hashes([text], NGRAM).hashes for text in texts]
    assert [labels.contains(some).all() for some in grams] == [True, False, False]
    assert [pairs.contains(some).all() for some in grams] == [True, True, False]
    assert len(labels.hashes) < len(pairs.hashes)


def test_what_another_task_is_judged_on_is_kept_out_of_this_one(tmp_path: Path) -> None:
    rules = corpus_rules(TO_GERMAN, split="holdout")
    rows = [{"text": f"The plan: {SECRET}.", "label": f"Der Plan, im Original: {CHINESE}"}]
    (job,) = jobs_of(write_rows(tmp_path / "a.jsonl", rows), rules)
    shard = write_shard(job, tmp_path)
    assert shard.holdout_rows == 1
    held_out_path = write_held_out(tmp_path, shard, "to-german", has_labels=False)
    own = [candidate(f"They said {SECRET}!"), candidate(f"他说{CHINESE}。"), candidate("fine")]
    found, ordered = one_bucket(tmp_path, own)
    item = {"bucket": found.buckets[0], "lost": "[]", "path": str(tmp_path / "out.arrow")}
    answer = select_item(item, found, held_out_path, NGRAM, has_labels=True)
    tally = Tally.from_json(answer["dropped"])
    assert (answer["rows"], tally.by_reason()) == ("1", {"contaminated": 2})
    table = read_bucket(tmp_path / "out.arrow")
    assert table.schema == CANDIDATE_SCHEMA
    assert table["input"].to_pylist() == [row.input for row in ordered if row.input == "fine"]


def test_a_row_goes_for_one_reason_only_and_near_duplicates_come_first(tmp_path: Path) -> None:
    found, ordered = one_bucket(tmp_path, [candidate(f"{SECRET} {letter}") for letter in "abc"])
    held = tmp_path / "held.npy"
    HeldOut.write(held, [ngram_hashes([SECRET], NGRAM).hashes])
    item = {
        "bucket": found.buckets[0],
        "lost": json.dumps([(2, "near_duplicate", 0)]),
        "path": str(tmp_path / "out.arrow"),
    }
    answer = select_item(item, found, held, NGRAM, has_labels=True)
    assert Tally.from_json(answer["dropped"]).by_reason() == {"contaminated": 2, "near_duplicate": 1}
    assert read_bucket(tmp_path / "out.arrow").num_rows == 0
    answer = select_item(item, found, None, 0, has_labels=True)
    assert read_bucket(tmp_path / "out.arrow").to_pylist() == [row._asdict() for row in ordered[:2]]
