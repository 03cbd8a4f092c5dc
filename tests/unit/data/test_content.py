"""Digests of content: the same rows, the same digest; anything else, another."""

import pyarrow as pa
import pytest

from polyloop.data.content import LEAF_DIGITS, leaf_digests, split_digests
from polyloop.data.passes.buckets import LEAVES
from polyloop.data.rows import EXAMPLE_SCHEMA

ROW = {
    "task": "t",
    "locale": "en",
    "target_locale": "de",
    "input": "a",
    "target": "b",
    "weight": 1.0,
    "corpus": "c",
    "licence": "CC0-1.0",
    "source": "",
    "split": "train",
}
IDS = ["00aa", "00ab", "00ba", "ff00"]


def table(rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=EXAMPLE_SCHEMA)


def rows() -> list[dict[str, object]]:
    return [{**ROW, "id": example} for example in IDS]


def test_rows_fall_into_leaves_by_the_first_three_digits() -> None:
    assert [prefix for prefix, _ in leaf_digests(table(rows()))] == ["00a", "00b", "ff0"]


def test_leaves_are_the_same_however_the_rows_are_cut_into_buckets() -> None:
    whole = list(leaf_digests(table(rows())))
    cut = [*leaf_digests(table(rows()[:2])), *leaf_digests(table(rows()[2:]))]
    assert cut == whole


@pytest.mark.parametrize("column", ["locale", "target_locale", "input", "target", "corpus", "weight"])
def test_a_change_of_any_column_changes_the_leaf(column: str) -> None:
    changed = rows()
    changed[0][column] = 2.0 if column == "weight" else "other"
    before, after = list(leaf_digests(table(rows()))), list(leaf_digests(table(changed)))
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, True, True]


@pytest.mark.parametrize("column", ["licence", "source"])
def test_what_is_said_of_a_row_is_no_part_of_its_content(column: str) -> None:
    changed = rows()
    changed[0][column] = "other"
    assert list(leaf_digests(table(changed))) == list(leaf_digests(table(rows())))


def test_leaves_are_those_that_buckets_are_made_of() -> None:
    assert 16**LEAF_DIGITS == LEAVES


def test_the_digest_of_a_split_does_not_depend_on_the_order_of_leaves_or_on_other_splits() -> None:
    digests = split_digests([("train", "00", "x"), ("train", "01", "y"), ("holdout", "00", "z")])
    again = split_digests([("dev", "00", "w"), ("holdout", "00", "z"), ("train", "01", "y"), ("train", "00", "x")])
    assert digests["train"] == again["train"]
    assert digests["holdout"] == again["holdout"]
    assert digests["dev"] != again["dev"]
    assert len({*digests.values()}) == 3


def test_leaves_cannot_change_places_unseen() -> None:
    assert split_digests([("train", "00", "x"), ("train", "01", "y")]) != split_digests(
        [("train", "00", "y"), ("train", "01", "x")]
    )
