"""Near duplicates in one process."""

import numpy as np
import pytest

import polyloop.data.near.search as module
from polyloop.data.near.compare import Contents, alike_pairs
from polyloop.data.near.search import find_near_duplicates, near_pairs

TEXTS = [
    "The committee will meet on Thursday afternoon to discuss the budget of next year.",
    "Nothing in this line has anything to do with any other one.",
    "The committee will meet on Thursday afternoon to discuss the budget of next year",
    "THE COMMITTEE will meet on Thursday afternoon, to discuss the budgets of next year.",
    "委员会将于星期四下午开会讨论明年的预算",
    "委员会将于星期四下午开会，讨论明年的预算！",
]


def test_later_texts_are_said_to_repeat_earlier_ones() -> None:
    assert find_near_duplicates(TEXTS, 0.8).tolist() == [-1, -1, 0, 0, -1, 4]


def test_nothing_repeats_nothing() -> None:
    assert find_near_duplicates([], 0.8).tolist() == []


def test_pairs_must_be_alike_on_both_sides() -> None:
    source = [TEXTS[0], TEXTS[2], TEXTS[3]]
    target = [
        TEXTS[4],
        "一句完全不同的话，和别的没有任何关系，说的是天气和足球比赛的结果，以及昨天晚饭吃了什么",
        TEXTS[5],
    ]
    assert near_pairs(source, 0.8, targets=target).tolist() == [[0, 2]]


def test_a_pair_is_compared_once_however_many_bands_it_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PARTITION_ENTRIES", 5)
    compared = []

    def counting(pairs: np.ndarray, contents: Contents, threshold: float) -> np.ndarray:
        compared.extend(pairs.tolist())
        return alike_pairs(pairs, contents, threshold)

    monkeypatch.setattr(module, "alike_pairs", counting)
    near_pairs(TEXTS, 0.8)
    assert [0, 2] in compared
    assert len(compared) == len(set(map(tuple, compared)))


def test_partitions_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{text} {'!' * number}" for number in range(40) for text in TEXTS]
    whole = near_pairs(texts, 0.8)
    monkeypatch.setattr(module, "PARTITION_ENTRIES", 100)
    monkeypatch.setattr(module, "BATCH_CHARACTERS", 1000)
    assert np.array_equal(near_pairs(texts, 0.8), whole)
