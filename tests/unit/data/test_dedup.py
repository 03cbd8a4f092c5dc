"""Which of the rows of one id stay."""

from itertools import permutations

import pytest

from polyloop.data.dedup import Claim, drop_reasons


def claim(split: str, target: str, corpus: str = "c", weight: float = 1.0) -> Claim:
    return Claim(split, corpus, target, weight)


def winner(claims: list[Claim]) -> Claim:
    (index,) = [index for index, reason in enumerate(drop_reasons(claims)) if reason is None]
    return claims[index]


def test_a_row_alone_stays() -> None:
    assert drop_reasons([claim("train", "a")]) == [None]


def test_the_same_row_twice_is_a_duplicate() -> None:
    assert drop_reasons([claim("train", "a"), claim("train", "a")]) == [None, "duplicate"]


def test_holdout_wins_over_dev_and_dev_over_train_whatever_the_targets() -> None:
    train, dev, holdout = claim("train", "a"), claim("dev", "b"), claim("holdout", "c")
    assert drop_reasons([train, train, dev, holdout]) == ["in_holdout", "in_holdout", "in_holdout", None]
    assert drop_reasons([train, dev]) == ["in_dev", None]


def test_the_target_of_most_rows_wins() -> None:
    claims = [claim("train", "a"), claim("train", "b"), claim("train", "b")]
    assert drop_reasons(claims) == ["conflicting_target", None, "duplicate"]


def test_equally_frequent_targets_are_told_apart_by_code_point() -> None:
    assert drop_reasons([claim("train", "b"), claim("train", "a")]) == ["conflicting_target", None]


def test_a_correction_replaces_corpus_rows_of_train_even_when_they_are_more() -> None:
    claims = [claim("train", "a"), claim("train", "a"), claim("train", "b", "feedback")]
    assert drop_reasons(claims) == ["replaced_by_feedback", "replaced_by_feedback", None]


@pytest.mark.parametrize(("split", "reason"), [("holdout", "in_holdout"), ("dev", "in_dev")])
def test_a_correction_never_reaches_what_versions_are_judged_on(split: str, reason: str) -> None:
    assert drop_reasons([claim("train", "b", "feedback"), claim(split, "a")]) == [reason, None]


def test_of_equal_rows_the_heaviest_stays_then_the_smallest_corpus_name() -> None:
    assert winner([claim("train", "a", "z"), claim("train", "a", "b"), claim("train", "a", "c")]).corpus == "b"
    light, heavy = claim("train", "a", "feedback", 1.0), claim("train", "a", "feedback", 3.0)
    assert winner([light, heavy]) == heavy


def test_the_winner_does_not_depend_on_the_order() -> None:
    claims = [
        claim("train", "a", "x"),
        claim("train", "b", "y"),
        claim("train", "b", "w"),
        claim("train", "c", "feedback", 2.0),
        claim("train", "d", "feedback", 2.0),
    ]
    assert {winner(list(order)) for order in permutations(claims)} == {claims[3]}
