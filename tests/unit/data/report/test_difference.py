"""What changed between two datasets of a task."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.small_datasets import row, write_dataset

from polyloop.data.dataset import Dataset
from polyloop.data.report.difference import compare
from polyloop.errors import DataError

ROWS = [
    row("stays", "good"),
    row("goes", "good"),
    row("gets another label", "good"),
    row("gets another weight", "bad"),
    row("moves", "bad", split="dev"),
    row("kept for judging", "bad", split="holdout"),
]


@pytest.fixture
def before(tmp_path: Path) -> Dataset:
    return write_dataset(tmp_path / "before", ROWS, digest="a" * 64)


def changed(tmp_path: Path, rows: list[dict[str, Any]], **changes: Any) -> Dataset:
    return write_dataset(tmp_path / "after", rows, **{"digest": "b" * 64, **changes})


def test_rows_are_told_apart_by_what_became_of_them(tmp_path: Path, before: Dataset) -> None:
    rows = [
        row("stays", "good", input_ids=[9]),
        row("comes", "good"),
        row("gets another label", "bad"),
        row("gets another weight", "bad", weight=2.0),
        row("moves", "bad", split="train"),
        row("kept for judging", "bad", split="holdout"),
    ]
    difference = compare(before, changed(tmp_path, rows))
    train, dev, holdout = difference.rows
    assert (train.before, train.after) == (4, 5)
    assert (train.added, train.removed, train.changed, train.moved_in) == (1, 1, 2, 1)
    assert (dev.before, dev.after, dev.removed) == (1, 0, 0)
    assert (holdout.added, holdout.removed, holdout.changed, holdout.moved_in) == (0, 0, 0, 0)


def test_a_dataset_does_not_differ_from_itself(before: Dataset) -> None:
    difference = compare(before, before)
    assert all(one.added == one.removed == one.changed == one.moved_in == 0 for one in difference.rows)
    assert all(one.before == one.after for one in (*difference.corpora, *difference.dropped))
    assert all(one.points == 0 for one in difference.labels)
    assert set(difference.same.values()) == {True}


def test_corpora_drops_labels_and_makings_are_compared(tmp_path: Path, before: Dataset) -> None:
    rows = [row("stays", "bad"), row("new", "good", corpus="more")]
    difference = compare(before, changed(tmp_path, rows, dropped={"language": 2}, holdout_digest="x"))
    assert [(one.name, one.before, one.after) for one in difference.corpora] == [("moods", 6, 1), ("more", 0, 1)]
    assert {(one.name, one.before, one.after) for one in difference.dropped} == {
        ("language", 0, 2),
        ("near_duplicate", 12, 0),
        ("empty_input", 1, 0),
    }
    assert [(one.label, round(one.points, 1)) for one in difference.labels] == [("bad", 0.0), ("good", 0.0)]
    assert [name for name, same in difference.same.items() if not same] == ["holdout"]
    assert json.loads(json.dumps(difference.to_dict()))["after"] == "b" * 64


def test_datasets_of_different_tasks_are_refused(tmp_path: Path, before: Dataset) -> None:
    other = changed(tmp_path, ROWS, task="topics")
    with pytest.raises(DataError, match="different tasks, 'mood' and 'topics'"):
        compare(before, other)
