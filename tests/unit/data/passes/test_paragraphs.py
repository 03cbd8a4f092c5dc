"""Paragraphs of documents through the passes: what is cut out of which rows, what stays, and what is counted."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.dataset_projects import varied_rows
from tests.support.small_corpora import MOOD, candidate, corpus_rules, jobs_of, labelled, write_rows

from polyloop.data.clean import Candidate, Cleaner
from polyloop.data.paragraphs import find_lines
from polyloop.data.passes.buckets import read_bucket
from polyloop.data.passes.clean import Shard, write_shard
from polyloop.data.passes.gather import gather_item, pieces_of_bucket
from polyloop.data.passes.match import Rows
from polyloop.data.passes.paragraphs import (
    PARTITION_ENTRIES,
    REPEATED_PARAGRAPHS,
    paragraphs_item,
    partition_count,
    write_lost,
)
from polyloop.data.passes.select import select_item
from polyloop.data.read.row import RawRow
from polyloop.data.rows import Tally
from polyloop.data.rules import CorpusRules, FeedbackRules
from polyloop.spec.cleaning import CleaningSpec
from polyloop.tasks.example import example_id
from polyloop.tasks.text import normalise_text

COMPARING = replace(MOOD, compares_paragraphs=True)
PARAGRAPHS = [text for text, _ in varied_rows(200, 1)]
"""Long paragraphs, none like another."""
NOTICE = "All 17 texts on this page may be copied freely, as long as the names of their authors are kept."
NUM_BUCKETS = 4
NUM_PARTITIONS = 3


class Outcome(NamedTuple):
    rows: dict[str, Candidate]
    """By the input as it was, on one line."""
    tally: Tally
    num_changed: int


def documents(count: int, *between: str) -> list[str]:
    """Return documents of two paragraphs of their own, with these lines between."""
    return ["\n".join([PARAGRAPHS[2 * number], *between, PARAGRAPHS[2 * number + 1]]) for number in range(count)]


def shards_of(folder: Path, *corpora: tuple[CorpusRules, Sequence[str]]) -> list[Shard]:
    """Clean documents, those of each corpus in a file of its own."""
    (folder / "shards").mkdir()
    return [
        write_shard(job, folder / "shards")
        for number, (rules, texts) in enumerate(corpora)
        for job in jobs_of(write_rows(folder / f"{number}.jsonl", labelled(*texts)), rules)
    ]


def gathered(folder: Path, shards: Sequence[Shard], num_partitions: int = NUM_PARTITIONS) -> Rows:
    folder.mkdir()
    paths, sizes = [], [0]
    for bucket in range(NUM_BUCKETS):
        pieces = json.dumps(pieces_of_bucket(bucket, NUM_BUCKETS, shards))
        paths.append(str(folder / f"{bucket:05d}.arrow"))
        item = {"bucket": str(bucket), "pieces": pieces, "path": paths[-1]}
        sizes.append(int(gather_item(item, NUM_BUCKETS, None, num_partitions)["rows"]))
    return Rows(buckets=tuple(paths), starts=tuple(accumulate(sizes)))


def cut(folder: Path, shards: Sequence[Shard], lost_input: str | None = None) -> Outcome:
    """Take cleaned rows through the passes; one row may be lost as a near duplicate."""
    rows = gathered(folder / "buckets", shards)
    before = {row["id"]: (place, row["input"]) for place, row in enumerate(all_rows(rows.buckets))}
    lost: dict[int, str] = {}
    for number, text in before.values():
        if text == lost_input:
            bucket, place = rows.place(number)
            lost[bucket] = json.dumps([[place, "near_duplicate", 0]])
    write_lost(rows, lost, folder / "lost.npy")
    cuts = [folder / f"cuts-{number}.npy" for number in range(NUM_PARTITIONS)]
    for number, path in enumerate(cuts):
        paragraphs_item({"partition": str(number), "path": str(path)}, rows, folder / "lost.npy")
    selected = [str(folder / f"selected-{number}.arrow") for number in range(NUM_BUCKETS)]
    tally, num_changed = Tally(), 0
    for number, (source, target) in enumerate(zip(rows.buckets, selected, strict=True)):
        item = {"bucket": source, "lost": lost.get(number, "[]"), "path": target}
        answer = select_item(item, rows, None, 13, True, cuts)
        tally.merge(Tally.from_json(answer["dropped"]))
        num_changed += int(answer["changed"])
    left = {before[row["id"]][1]: Candidate(**row) for row in all_rows(selected)}
    return Outcome(left, tally, num_changed)


def all_rows(buckets: Sequence[str]) -> list[dict[str, Any]]:
    return [row for bucket in buckets for row in read_bucket(Path(bucket)).to_pylist()]


def inputs_with(outcome: Outcome, text: str) -> list[str]:
    """Return the inputs, as they were, of the rows that hold a text."""
    return [before for before, row in outcome.rows.items() if text in row.input]


def test_a_paragraph_stays_in_the_first_row_that_has_it_and_nowhere_else(tmp_path: Path) -> None:
    texts = documents(40, NOTICE)
    outcome = cut(tmp_path, shards_of(tmp_path, (corpus_rules(COMPARING), texts)))
    assert set(outcome.rows) == {normalise_text(text) for text in texts}
    (first,) = inputs_with(outcome, NOTICE)
    assert outcome.rows[first].id == min(row.id for row in outcome.rows.values())
    assert outcome.rows[first].input == first
    for before, row in outcome.rows.items():
        assert row.id == example_id("mood", "en", "en", before)
        if before != first:
            assert row.input == before.replace(f"{NOTICE} ", "")
    assert outcome.num_changed == 39
    assert not outcome.tally.counts


def test_case_digits_and_punctuation_make_no_difference(tmp_path: Path) -> None:
    variant = NOTICE.replace("17", "23").upper()
    texts = [*documents(20, NOTICE)[:10], *documents(20, variant)[10:]]
    outcome = cut(tmp_path, shards_of(tmp_path, (corpus_rules(COMPARING), texts)))
    assert len(inputs_with(outcome, NOTICE)) + len(inputs_with(outcome, variant)) == 1


def test_held_out_rows_never_change_and_come_before_all_train_rows(tmp_path: Path) -> None:
    held_out, train = documents(30, NOTICE)[:6], documents(30, NOTICE)[6:]
    shards = shards_of(
        tmp_path,
        (corpus_rules(COMPARING, name="holdout", split="holdout"), held_out[:3]),
        (corpus_rules(COMPARING, name="dev", split="dev"), held_out[3:]),
        (corpus_rules(COMPARING), train),
    )
    outcome = cut(tmp_path, shards)
    assert sorted(inputs_with(outcome, NOTICE)) == sorted(map(normalise_text, held_out))
    assert all(outcome.rows[normalise_text(text)].input == normalise_text(text) for text in held_out)
    assert outcome.num_changed == len(train)


def test_short_lines_stay(tmp_path: Path) -> None:
    texts = documents(10, "Read more", "Share this page with your friends, now!")
    outcome = cut(tmp_path, shards_of(tmp_path, (corpus_rules(COMPARING), texts)))
    assert {row.input for row in outcome.rows.values()} == {normalise_text(text) for text in texts}
    assert outcome.num_changed == 0


def test_a_document_wholly_made_of_repeated_paragraphs_is_dropped_and_counted(tmp_path: Path) -> None:
    one, two = PARAGRAPHS[-2:]
    shards = shards_of(
        tmp_path,
        (corpus_rules(COMPARING, name="holdout", split="holdout"), [f"{one}\n{NOTICE}\n{two}"]),
        (corpus_rules(COMPARING), [f"{two}\n\n{one}", f"{one}\nSigned: Ada", *documents(3)]),
    )
    outcome = cut(tmp_path, shards)
    assert outcome.tally.by_corpus() == {"c": {REPEATED_PARAGRAPHS: 1}}
    (drop,) = outcome.tally.samples["c", REPEATED_PARAGRAPHS]
    assert (drop.where, drop.sample) == ("1.jsonl:1", f"{two} {one}"[:200])
    assert outcome.rows[f"{one} Signed: Ada"].input == "Signed: Ada"
    assert outcome.num_changed == 1


def test_a_near_duplicate_that_goes_takes_no_paragraph_along(tmp_path: Path) -> None:
    texts = documents(12, NOTICE)
    first, second = sorted((normalise_text(text) for text in texts), key=lambda t: example_id("mood", "en", "en", t))[
        :2
    ]
    outcome = cut(tmp_path, shards_of(tmp_path, (corpus_rules(COMPARING), texts)), lost_input=first)
    assert inputs_with(outcome, NOTICE) == [second]
    assert first not in outcome.rows
    assert outcome.tally.by_reason() == {"near_duplicate": 1}


def test_a_paragraph_that_only_its_own_row_repeats_stays_but_goes_as_often_from_others(tmp_path: Path) -> None:
    shards = shards_of(
        tmp_path,
        (corpus_rules(COMPARING, name="dev", split="dev"), [NOTICE]),
        (corpus_rules(COMPARING), [f"{NOTICE}\nmine\n{NOTICE}", *documents(2, PARAGRAPHS[-1], PARAGRAPHS[-1])[:1]]),
    )
    outcome = cut(tmp_path, shards)
    assert outcome.rows[f"{NOTICE} mine {NOTICE}"].input == "mine"
    assert len(inputs_with(outcome, f"{PARAGRAPHS[-1]} {PARAGRAPHS[-1]}")) == 1


def test_a_paragraph_that_was_masked_stays_and_those_after_it_are_found(tmp_path: Path) -> None:
    masked = f"{PARAGRAPHS[-1]} or write to ada@example.org at any time"
    rules = corpus_rules(COMPARING, cleaning={"pii": {"action": "mask"}})
    outcome = cut(tmp_path, shards_of(tmp_path, (rules, documents(8, masked, NOTICE))))
    assert len(inputs_with(outcome, NOTICE)) == 1
    assert len(inputs_with(outcome, "<EMAIL>")) == 8


def test_feedback_has_no_paragraphs_to_compare() -> None:
    cleaner = Cleaner(rules=FeedbackRules(task=COMPARING, cleaning=CleaningSpec()))
    values = {"task": "mood", "locale": "en", "target_locale": "en", "input": NOTICE, "target": "good", "weight": 1.0}
    (row,) = cleaner.clean(RawRow(1, values), "f:1")
    assert isinstance(row, Candidate)
    assert row.paragraphs == b""


def test_a_task_that_does_not_ask_for_it_keeps_its_rows_and_writes_nothing(tmp_path: Path) -> None:
    texts = documents(10, NOTICE)
    shards = shards_of(tmp_path, (corpus_rules(MOOD), texts))
    rows = gathered(tmp_path / "buckets", shards, num_partitions=0)
    assert {path.suffix for path in (tmp_path / "buckets").iterdir()} == {".arrow"}
    item = {"bucket": rows.buckets[0], "lost": "[]", "path": str(tmp_path / "selected.arrow")}
    assert select_item(item, rows, None, 13, True)["changed"] == "0"
    assert read_bucket(tmp_path / "selected.arrow").equals(read_bucket(Path(rows.buckets[0])))
    assert {row["paragraphs"] for row in all_rows(rows.buckets)} == {b""}


def test_only_where_paragraphs_matter_is_a_corpus_cleaned_anew(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", labelled(NOTICE))
    keys = [jobs_of(path, corpus_rules(task))[0].key for task in (MOOD, COMPARING, replace(MOOD))]
    assert keys[0] == keys[2] != keys[1]


def test_rows_of_one_id_that_came_in_other_lines_are_one_row(tmp_path: Path) -> None:
    one, two = PARAGRAPHS[:2]
    rules = corpus_rules(COMPARING, explode=True)
    path = write_rows(tmp_path / "a.jsonl", [{"text": [f"{one}\n{two}", f"{one} {two}"], "label": ["good", "good"]}])
    (tmp_path / "shards").mkdir()
    shards = [write_shard(job, tmp_path / "shards") for job in jobs_of(path, rules)]
    assert gathered(tmp_path / "buckets", shards).num_rows == 1


def test_buckets_without_paragraphs_have_nothing_to_compare(tmp_path: Path) -> None:
    assert candidate("short").paragraphs == find_lines("short", ["short"]) == b""
    outcome = cut(tmp_path, shards_of(tmp_path, (corpus_rules(COMPARING), ["short", "shorter"])))
    assert set(outcome.rows) == {"short", "shorter"}


def test_partitions_grow_with_the_corpora() -> None:
    assert partition_count(0) == 1
    assert partition_count(60 * PARTITION_ENTRIES) == 1
    assert partition_count(60 * PARTITION_ENTRIES * 7 + 1) == 8
