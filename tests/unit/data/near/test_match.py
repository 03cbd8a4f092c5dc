"""Which rows of a partition are alike."""

import random

import numpy as np
import pytest

from polyloop.data.near.clusters import SPLIT_RANKS, Traits
from polyloop.data.near.compare import Contents, Judge, Pairs, alike_pairs, distinct_pairs
from polyloop.data.near.match import MAX_LEADERS, match
from polyloop.data.near.minhash import signatures, sketches
from polyloop.data.near.search import all_train
from polyloop.data.near.shingles import Shingles, shingle_hashes

BASE = "a quick brown fox jumps over the lazy dog while the old cat sleeps in the warm afternoon sun"


class Rows:
    """Texts and how often they were fetched."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self.num_fetched = 0
        shingles = shingle_hashes(texts)
        self.contents = Contents(
            sizes=np.diff(shingles.offsets),
            sketches=sketches(signatures(shingles, 50)),
            shingles_of=self.shingles_of,
        )

    def shingles_of(self, rows: np.ndarray) -> Shingles:
        self.num_fetched += len(rows)
        return shingle_hashes([self.texts[row] for row in rows.tolist()])

    def pairs(self, hashes: list[int], traits: Traits | None = None, rows: list[int] | None = None) -> list[list[int]]:
        numbers = np.array(rows if rows is not None else range(len(self.texts)), dtype=np.int64)
        traits = traits or all_train(len(self.texts))
        found = match(np.array(hashes, dtype=np.uint64), numbers, traits, self.contents, 0.8)
        compared = alike_pairs(found.likely, self.contents, 0.8)
        pairs: list[list[int]] = distinct_pairs(np.concatenate([found.alike, compared])).tolist()
        return pairs


def traits_of(splits: list[str], groups: list[int]) -> Traits:
    return Traits(
        split=np.array([SPLIT_RANKS[split] for split in splits], dtype=np.uint8),  # type: ignore[index]
        group=np.array(groups, dtype=np.int32),
        order=np.arange(len(splits), dtype=np.int64),
    )


def test_rows_that_share_a_hash_and_are_alike_are_paired_once() -> None:
    rows = Rows([BASE, BASE + "!", "something else", BASE + " ok"])
    assert rows.pairs([7, 7, 7, 8, 9, 9], rows=[0, 1, 2, 3, 1, 0]) == [[0, 1]]


def test_hashes_that_agree_in_their_upper_half_only_are_different() -> None:
    rows = Rows([BASE, BASE + "!"])
    assert rows.pairs([1 << 40, (1 << 40) + 1]) == []
    assert rows.num_fetched == 0


def test_the_row_that_comes_first_is_first() -> None:
    traits = Traits(split=np.full(2, 2, np.uint8), group=np.zeros(2, np.int32), order=np.array([5, 1]))
    assert Rows([BASE, BASE + "!"]).pairs([7, 7], traits) == [[1, 0]]


def test_only_pairs_of_which_one_may_go_are_compared() -> None:
    rows = Rows([BASE, BASE + "!", BASE + "?"])
    assert rows.pairs([7] * 3, traits_of(["train", "train", "train"], [0, 1, 2])) == []
    assert rows.pairs([7] * 3, traits_of(["dev", "holdout", "dev"], [0, 0, 0])) == []
    assert rows.num_fetched == 0


def test_a_train_row_is_paired_with_the_first_held_out_row_of_any_group() -> None:
    rows = Rows([BASE, BASE + "!", "quite another text", BASE + "?"])
    assert rows.pairs([7] * 4, traits_of(["train", "dev", "holdout", "holdout"], [0, 1, 2, 3])) == [[3, 0]]


@pytest.mark.parametrize("size", [2, 8, 9, 300])
def test_a_row_of_a_group_of_any_size_is_paired(size: int) -> None:
    rows = Rows([f"{BASE} {'!' * number}" for number in range(size)])
    assert {later for _, later in rows.pairs([7] * size)} == set(range(1, size))


def test_a_large_group_of_a_few_kinds_is_told_apart() -> None:
    generator = random.Random(0)
    kinds = [" ".join(f"word{generator.randrange(1000)}" for _ in range(12)) for _ in range(5)]
    texts = [kinds[row % 5] + "!" * row for row in range(200)]
    pairs = Rows(texts).pairs([7] * 200)
    assert {later for _, later in pairs} == set(range(5, 200))
    assert all(first % 5 == later % 5 for first, later in pairs)


def test_the_work_on_a_group_without_alike_rows_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = random.Random(0)
    words = [f"word{number}" for number in range(500)]
    # half of each text is the same: alike enough to share bands, not to be duplicates
    texts = [BASE + " " + " ".join(generator.sample(words, 10)) for _ in range(1000)]
    rows = Rows(texts)
    compared = []
    original = Judge.tell

    def counting(self: Judge, pairs: Pairs) -> np.ndarray:
        compared.append(len(pairs.first))
        return original(self, pairs)

    monkeypatch.setattr(Judge, "tell", counting)
    assert rows.pairs([7] * 1000) == []
    assert sum(compared) <= MAX_LEADERS * 1000


def test_texts_of_a_small_group_are_not_read_to_match_it() -> None:
    rows = Rows([BASE, BASE + "!", BASE + "?"])
    found = match(np.full(3, 7, np.uint64), np.arange(3), all_train(3), rows.contents, 0.8)
    assert found.likely.tolist() == [[0, 1], [0, 2], [1, 2]]
    assert found.alike.tolist() == []
    assert rows.num_fetched == 0


def test_an_empty_partition_has_no_pairs() -> None:
    assert Rows(["a"]).pairs([], rows=[]) == []
