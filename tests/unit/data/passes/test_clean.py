"""Shards: a slice is cleaned once, its rows are in groups of neighbouring ids, and its name is all that decides it."""

import errno
import gzip
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.support.small_corpora import MOOD, TO_GERMAN, corpus_rules, jobs_of, labelled, write_rows

from polyloop.data.clean import Candidate
from polyloop.data.passes import clean
from polyloop.data.passes.buckets import as_batch, leaf_of
from polyloop.data.passes.clean import CleanJob, Shard, check_failed_rows, clean_item, kept_shard, write_shard
from polyloop.data.read import scan
from polyloop.data.rows import CANDIDATE_SCHEMA, Drop, Tally
from polyloop.data.rules import FeedbackRules
from polyloop.data.steps.base import Draft
from polyloop.data.steps.repair import RepairText
from polyloop.errors import DataError, StorageFullError
from polyloop.spec.cleaning import CleaningSpec

TEXTS = [f"text {number}" for number in range(300)]


def job(folder: Path, rows: list[dict[str, object]], file: str = "a.jsonl", **changes: Any) -> CleanJob:
    (one,) = jobs_of(write_rows(folder / file, rows), corpus_rules(**changes))
    return one


def batches(shard: Shard) -> list[list[Candidate]]:
    with pa.memory_map(shard.path) as source:
        reader = pa.ipc.open_file(source)
        assert reader.schema == CANDIDATE_SCHEMA
        found = [reader.get_batch(number).to_pylist() for number in range(reader.num_record_batches)]
    return [[Candidate(**row) for row in rows] for rows in found]


def test_each_row_is_in_the_group_of_its_id_and_says_where_it_came_from(tmp_path: Path) -> None:
    shard = write_shard(job(tmp_path, labelled(*TEXTS)), tmp_path)
    groups = batches(shard)
    assert len(groups) == len(shard.groups) > 2
    for (first, last), rows in zip(shard.groups, groups, strict=True):
        assert all(first <= leaf_of(row.id) <= last for row in rows)
        assert [row.id for row in rows] == sorted(row.id for row in rows)
    places = {row.input: row.where for rows in groups for row in rows}
    assert places == {text: f"a.jsonl:{number}" for number, text in enumerate(TEXTS, start=1)}
    assert (shard.rows_in, shard.corpus, shard.holdout_rows) == (300, "c", 0)


@pytest.mark.parametrize(("rows", "characters"), [(7, 10**9), (10**9, 60)])
def test_a_slice_is_worked_on_in_pieces_that_fit_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, characters: int
) -> None:
    monkeypatch.setattr(clean, "FLUSH_ROWS", rows)
    monkeypatch.setattr(clean, "FLUSH_CHARACTERS", characters)
    sizes: list[int] = []

    def counting(rows: list[Candidate]) -> pa.RecordBatch:
        sizes.append(len(rows))
        return as_batch(rows)

    monkeypatch.setattr(clean, "as_batch", counting)
    shard = write_shard(job(tmp_path, labelled(*TEXTS)), tmp_path)
    assert max(sizes) <= 7
    assert sorted(row.input for rows in batches(shard) for row in rows) == sorted(TEXTS)


def test_what_is_dropped_and_what_steps_did_and_saw_is_told(tmp_path: Path) -> None:
    rows = labelled("a", "", "b &amp; c", "schÃ¶n", "d")
    rows += [{"text": "e", "label": "ugly"}, {"label": "good"}]
    shard = write_shard(job(tmp_path, rows), tmp_path)
    assert shard.tally.by_corpus() == {"c": {"empty_input": 1, "missing_column": 1, "unknown_label": 1}}
    assert shard.rows_in == 7
    assert (shard.accounts["entities"].rows_in, shard.accounts["entities"].rows_changed) == (6, 1)
    assert shard.found["repair:mended"] == shard.found["entities:unescaped"] == 1


def test_rows_of_lists_count_once_for_each_element(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"text": ["a", "b", ""], "label": ["good"] * 3}, {"text": ["c"], "label": []}]
    shard = write_shard(job(tmp_path, rows, explode=True), tmp_path)
    assert shard.rows_in == 4
    assert shard.tally.by_reason() == {"empty_input": 1, "unequal_lists": 1}


def test_holdout_rows_are_counted(tmp_path: Path) -> None:
    assert write_shard(job(tmp_path, labelled(*TEXTS), split="holdout"), tmp_path).holdout_rows == 300
    assert 0 < write_shard(job(tmp_path, labelled(*TEXTS), split="auto"), tmp_path).holdout_rows < 100


def test_a_slice_without_rows_makes_an_empty_shard(tmp_path: Path) -> None:
    shard = write_shard(job(tmp_path, []), tmp_path)
    assert (shard.groups, shard.rows_in, batches(shard)) == ([], 0, [])


def test_a_shard_is_found_again_by_its_key_and_marked_as_used(tmp_path: Path) -> None:
    one = job(tmp_path / "corpus", [*labelled(*TEXTS), {"text": "x", "label": "ugly"}])
    assert kept_shard(tmp_path, one.key) is None
    assert clean_item({"job": "1"}, [one, one], tmp_path) == {"key": one.key}
    description = tmp_path / f"{one.key}.json"
    os.utime(description, (1, 1))
    found = kept_shard(tmp_path, one.key)
    assert found is not None
    assert found == Shard.from_json(found.to_json(), Path(found.path))
    assert found == write_shard(one, tmp_path)
    assert description.stat().st_mtime > 1
    (tmp_path / f"{one.key}.arrow").unlink()
    assert kept_shard(tmp_path, one.key) is None


def test_the_same_slice_and_rules_make_the_same_file(tmp_path: Path) -> None:
    one = job(tmp_path / "corpus", labelled(*TEXTS))
    contents = {Path(write_shard(one, tmp_path).path).read_bytes() for _ in range(2)}
    assert len(contents) == 1


def test_the_key_goes_by_what_is_in_the_file_and_its_name_and_not_by_its_folder(tmp_path: Path) -> None:
    one = job(tmp_path / "one", labelled("a"))
    assert job(tmp_path / "two", labelled("a"), paths=["elsewhere"], format="jsonl").key == one.key
    assert job(tmp_path / "one", labelled("a"), "b.jsonl").key != one.key
    assert job(tmp_path / "one", labelled("b")).key != one.key


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "d"},
        {"task": replace(MOOD, task="mood-2")},
        {"task": replace(MOOD, labels=frozenset({"good", "bad", "so-so"}))},
        {"task": replace(MOOD, directions=frozenset({("en", "en")}))},
        {"split": "auto"},
        {"labels": {"1": "good"}},
        {"where": "text"},
        {"columns": {"input": "text", "target": "label", "licence": "text"}},
        {"columns": {"input": "= text", "target": "label"}},
        {"licence": "MIT"},
        {"source": "elsewhere"},
        {"explode": True},
        {"cleaning": {"width": False}},
        {"cleaning": {"language": {"min_characters": 21}}},
        {"cleaning": {"max_failed_rows": 0}},
    ],
)
def test_another_rule_is_another_key(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert job(tmp_path, labelled("a"), **changes).key != job(tmp_path, labelled("a")).key


def test_another_version_of_cleaning_is_another_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = job(tmp_path, labelled("a")).key
    monkeypatch.setattr(clean, "CLEANING_VERSION", clean.CLEANING_VERSION + 1)
    assert job(tmp_path, labelled("a")).key != before


def test_feedback_is_never_taken_for_a_corpus(tmp_path: Path) -> None:
    one = job(tmp_path, labelled("a"))
    feedback = FeedbackRules(task=MOOD, cleaning=one.rules.cleaning)
    keys = {one.key, CleanJob(piece=one.piece, rules=feedback).key}
    keys.add(CleanJob(piece=one.piece, rules=replace(feedback, cleaning=CleaningSpec(width=False))).key)
    keys.add(CleanJob(piece=one.piece, rules=replace(feedback, task=TO_GERMAN)).key)
    assert len(keys) == 4


def test_rows_that_are_added_to_a_file_leave_its_earlier_slices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "SLICE_BYTES", 2_000)
    before = jobs_of(write_rows(tmp_path / "a.jsonl", labelled(*TEXTS)), corpus_rules())
    after = jobs_of(write_rows(tmp_path / "a.jsonl", labelled(*TEXTS, "one more")), corpus_rules())
    assert len(before) > 3
    assert [job.key for job in after[: len(before) - 1]] == [job.key for job in before[:-1]]
    assert after[-1].key != before[-1].key
    assert len({job.key for job in after}) == len(after)
    wheres = [row.where for job in after for rows in batches(write_shard(job, tmp_path)) for row in rows]
    assert sorted(wheres) == sorted(f"a.jsonl:{number}" for number in range(1, 302))


def test_a_file_that_breaks_off_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clean, "FLUSH_ROWS", 7)
    lines = "".join(json.dumps(row) + "\n" for row in labelled(*(os.urandom(40).hex() for _ in range(500))))
    corpus = tmp_path / "corpus" / "a.jsonl.gz"
    corpus.parent.mkdir()
    corpus.write_bytes(gzip.compress(lines.encode())[:-1_000])
    (one,) = jobs_of(corpus, corpus_rules())
    home = tmp_path / "shards"
    home.mkdir()
    with pytest.raises(DataError, match="truncated"):
        write_shard(one, home)
    assert list(home.iterdir()) == []


def test_a_disk_that_is_full_at_the_end_leaves_no_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    one = job(tmp_path / "corpus", labelled(*TEXTS))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageFullError, match="no space left"):
            write_shard(one, tmp_path)
    assert kept_shard(tmp_path, one.key) is None
    assert kept_shard(tmp_path, one.key) != write_shard(one, tmp_path) == kept_shard(tmp_path, one.key)


@pytest.fixture
def stumbling_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that fails at some rows."""

    def apply(self: RepairText, draft: Draft) -> None:
        if draft.input.startswith("strange"):
            raise RuntimeError(f"no idea what {draft.input} is")

    monkeypatch.setattr(RepairText, "apply", apply)


@pytest.mark.usefixtures("stumbling_step")
def test_rows_at_which_a_step_fails_are_put_aside_with_the_traceback(tmp_path: Path) -> None:
    rows = labelled("a", "strange 1", "b", "strange 2")
    shard = write_shard(job(tmp_path, rows, cleaning={"max_failed_rows": 2}), tmp_path)
    assert shard.tally.by_reason() == {"step_failed": 2}
    drop = shard.tally.samples["c", "step_failed"][0]
    assert (drop.where, drop.sample) == ("a.jsonl:2", "strange 1")
    assert drop.detail.startswith("step repair\nTraceback")
    assert drop.detail.rstrip().endswith("RuntimeError: no idea what strange 1 is")
    assert shard.accounts["repair"].dropped == {"step_failed": 2}
    assert shard.accounts["normalise"].rows_in == 2


@pytest.mark.usefixtures("stumbling_step")
def test_one_failure_too_many_stops_with_one_line_that_names_the_row_the_step_and_the_setting(tmp_path: Path) -> None:
    rows = labelled(*(f"strange {number}" for number in range(100)))
    home = tmp_path / "shards"
    home.mkdir()
    with pytest.raises(DataError) as caught:
        write_shard(job(tmp_path, rows, cleaning={"max_failed_rows": 2}), home)
    message = str(caught.value)
    assert "the corpus 'c': cleaning steps failed on 3 rows" in message
    assert "corpora.c.cleaning.max_failed_rows allows (2)" in message
    assert "a.jsonl:1: RuntimeError: no idea what strange 0 is (step repair)" in message
    assert "\n" not in message
    assert list(home.iterdir()) == []


def test_failures_are_counted_over_all_slices_of_a_corpus() -> None:
    tally = Tally()
    for corpus in ("c", "c", "d", "feedback"):
        tally.add(Drop(corpus, "step_failed", "f:1", "x", "step pii\nTraceback\nValueError: no"))
    check_failed_rows("c", 2, tally)
    with pytest.raises(DataError, match=r"'c': cleaning steps failed on 2 rows"):
        check_failed_rows("c", 1, tally)
    with pytest.raises(DataError, match=r"more than feedback\.cleaning\.max_failed_rows allows \(0\)"):
        check_failed_rows("feedback", 0, tally)
