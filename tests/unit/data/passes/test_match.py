"""Matching: which rows nearly repeat which, whatever bucket and partition they are in, and how it is written down."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from tests.support.small_corpora import candidate, gathered, matched, shard_of

from polyloop.data.clean import Candidate
from polyloop.data.passes import compare
from polyloop.data.passes.gather import Sketching
from polyloop.data.passes.match import PARTITION_ENTRIES, Rows, partition_count

WORDS = [f"{first}{second}" for first in "bcdfglmnprst" for second in ("ala", "erin", "imo", "ones", "uth")]
TEMPLATE = "The long way home led past the old mill and over the bridge, then through {} until night fell on us."


def near_rows() -> list[Candidate]:
    """Rows of which some are alike: by number, 0 to 2 with one label, 3 with another, 4 and 5 held out."""
    changes = [{}, {}, {}, {"target": "bad"}, {"split": "holdout"}, {"split": "dev"}]
    alike = [
        candidate(TEMPLATE.format(f"{word} wood"), **{"target": "good", **change})
        for word, change in zip(("fir", "ash", "oak", "elm", "yew", "bay"), changes, strict=True)
    ]
    generator = random.Random(7)
    others = [candidate(" ".join(generator.choices(WORDS, k=20))) for _ in range(200)]
    return alike + others


def lost_rows(
    folder: Path, rows: list[Candidate], *, num_buckets: int = 2, num_partitions: int = 3, has_labels: bool = True
) -> dict[str, tuple[str, str]]:
    """Return for the input of each row that goes the reason and the input of the row that it repeats."""
    sketching = Sketching(threshold=0.8, num_partitions=num_partitions, has_labels=has_labels)
    shards = [shard_of(folder / f"{number}.arrow", rows[number::3]) for number in range(3) if rows[number::3]]
    found, _ = gathered(shards, folder / "buckets", num_buckets=num_buckets, sketching=sketching)
    lost: dict[str, tuple[str, str]] = {}
    for bucket, text in matched(found, folder / "pairs", sketching).items():
        for place, reason, kept in json.loads(text):
            numbers = np.array([found.starts[bucket] + place, kept], np.int64)
            ((gone, stays),) = found.values(numbers, ["input"])
            lost[gone] = (reason, stays)
    return lost


def test_a_train_row_goes_if_it_repeats_a_held_out_row_of_whatever_label(tmp_path: Path) -> None:
    rows = near_rows()
    lost = lost_rows(tmp_path, rows)
    assert lost == {row.input: ("near_holdout", rows[4].input) for row in rows[:4]}


def test_without_a_holdout_dev_rows_are_what_train_rows_may_not_repeat(tmp_path: Path) -> None:
    rows = near_rows()
    lost = lost_rows(tmp_path, rows[:4] + rows[5:])
    assert lost == {row.input: ("near_dev", rows[5].input) for row in rows[:4]}


def test_among_train_rows_one_of_each_label_stays_the_first_by_id(tmp_path: Path) -> None:
    rows = near_rows()
    first, *others = sorted(rows[:3])
    lost = lost_rows(tmp_path, rows[:4] + rows[6:])
    assert lost == {row.input: ("near_duplicate", first.input) for row in others}


def test_held_out_rows_never_go(tmp_path: Path) -> None:
    held_out = [row._replace(split="dev" if number else "holdout") for number, row in enumerate(near_rows()[:6])]
    assert lost_rows(tmp_path, held_out) == {}


def test_a_users_correction_stays_and_the_corpus_row_goes(tmp_path: Path) -> None:
    rows = sorted(near_rows()[:3])
    rows[-1] = rows[-1]._replace(corpus="feedback")
    assert lost_rows(tmp_path, rows) == {row.input: ("near_duplicate", rows[-1].input) for row in rows[:-1]}


def test_stretches_of_rows_compare_each_pair_once_and_find_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = lost_rows(tmp_path, near_rows())
    monkeypatch.setattr(compare, "STRETCH_ROWS", 7)
    (tmp_path / "again").mkdir()
    assert lost_rows(tmp_path / "again", near_rows()) == whole


@pytest.mark.parametrize(("num_buckets", "num_partitions"), [(2, 1), (2, 7), (16, 3), (64, 40)])
def test_what_goes_does_not_depend_on_buckets_and_partitions(
    tmp_path: Path, num_buckets: int, num_partitions: int
) -> None:
    lost = lost_rows(tmp_path, near_rows(), num_buckets=num_buckets, num_partitions=num_partitions)
    (tmp_path / "again").mkdir()
    assert lost == lost_rows(tmp_path / "again", near_rows()[::-1])
    assert len(lost) == 4


def pair(text: str, translation: str, target_locale: str = "de") -> Candidate:
    return candidate(text, translation, task="t", target_locale=target_locale)


def test_pairs_are_alike_if_both_sides_are_and_their_target_locales_are_the_same(tmp_path: Path) -> None:
    german = "Der lange Weg nach Hause führte an der alten Mühle vorbei, über die Brücke und durch den {}wald heim."
    first, second = TEMPLATE.format("fir wood"), TEMPLATE.format("ash wood")
    rows = [pair(first, german.format("Tannen")), pair(second, german.format("Eschen"))]
    assert len(lost_rows(tmp_path, rows, has_labels=False)) == 1
    other = "Ganz anders: die Katze schläft seit gestern Mittag auf dem warmen Ofen in der Küche und steht nicht auf."
    for name, unlike in (("other", pair(second, other)), ("french", pair(second, german.format("Eschen"), "fr"))):
        (tmp_path / name).mkdir()
        assert lost_rows(tmp_path / name, [rows[0], unlike], has_labels=False) == {}


def test_a_build_without_rows_has_nothing_to_match(tmp_path: Path) -> None:
    assert lost_rows(tmp_path, []) == {}


def test_rows_are_numbered_through_all_buckets(tmp_path: Path) -> None:
    rows = [candidate(f"text {number}") for number in range(50)]
    found, _ = gathered([shard_of(tmp_path / "a.arrow", rows)], tmp_path / "buckets", num_buckets=8)
    assert found.num_rows == 50
    places = [found.place(number) for number in range(50)]
    assert places == sorted(places)
    assert all(found.starts[bucket] + place == number for number, (bucket, place) in enumerate(places))
    numbers = np.array([49, 0, 7, 7, 23], np.int64)
    texts, wheres = found.values(numbers, ("input", "where"))
    ordered = sorted(rows)
    assert texts == [ordered[number].input for number in numbers]
    assert wheres == [ordered[number].where for number in numbers]
    assert found.values(np.zeros(0, np.int64), ("input",)) == [[]]


def test_an_empty_bucket_between_others_has_no_number() -> None:
    rows = Rows(buckets=("a", "b", "c"), starts=(0, 2, 2, 3))
    assert [rows.place(number) for number in range(3)] == [(0, 0), (0, 1), (2, 0)]


def test_more_rows_need_more_partitions() -> None:
    assert partition_count(0, 20) == 1
    assert partition_count(PARTITION_ENTRIES, 1) == 1
    assert partition_count(PARTITION_ENTRIES, 20) == 20
    assert partition_count(PARTITION_ENTRIES + 1, 1) == 2
