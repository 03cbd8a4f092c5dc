"""Votes on one input, and the largest part of one user."""

import pytest

from polyloop.feedback.trust import Statement
from polyloop.feedback.votes import Candidate, keep_within_share, winners


def vote(targets: list[str], reliabilities: list[float] | None = None, denied: str | None = None) -> str | None:
    users = [f"u{number}" for number in range(len(targets))]
    statements = [Statement(user=user, key="k", target=target) for user, target in zip(users, targets, strict=True)]
    weights = dict(zip(users, reliabilities or [0.8] * len(users), strict=True))
    if denied is not None:
        statements.append(Statement(user="denier", key="k", denied=denied))
        weights["denier"] = 0.8
    return winners(statements, weights).get("k")


@pytest.mark.parametrize(
    ("targets", "winner"),
    [
        (["x"], "x"),
        (["x", "x"], "x"),
        (["x", "y"], None),
        (["x", "x", "y"], "x"),
        (["x", "x", "x", "y", "y"], "x"),
        (["x", "x", "y", "y"], None),
        (["x", "y", "z"], None),
        (["x", "x", "x", "x", "y", "y", "y"], None),
    ],
)
def test_a_target_needs_three_fifths_of_equal_votes(targets: list[str], winner: str | None) -> None:
    assert vote(targets) == winner


def test_a_user_proven_reliable_outweighs_a_newcomer() -> None:
    assert vote(["x", "y"], [0.96, 0.7]) == "x"
    assert vote(["x", "y"], [0.82, 0.8]) is None


def test_a_denial_votes_against_what_it_denies_only() -> None:
    assert vote(["x"], denied="x") is None
    assert vote(["x"], denied="y") == "x"
    assert vote(["x", "x"], denied="x") == "x"


def test_denials_alone_elect_nothing() -> None:
    assert winners([Statement(user="a", key="k", denied="x")], {"a": 0.8}) == {}


def test_a_user_no_better_than_a_coin_still_has_a_small_vote() -> None:
    assert vote(["x"], [0.5]) == "x"
    assert vote(["x", "y"], [0.5, 0.6]) == "y"


def candidates(**counts: int) -> list[Candidate]:
    return [
        Candidate(key=f"{user}{number}", users=(user,)) for user, count in counts.items() for number in range(count)
    ]


@pytest.mark.parametrize(
    ("counts", "max_share", "num_kept"),
    [
        ({"a": 10}, 0.25, {"a": 10}),
        ({"a": 10, "b": 1}, 0.25, {"a": 1, "b": 1}),
        ({"a": 4, "b": 4, "c": 4, "d": 4}, 0.25, {"a": 4, "b": 4, "c": 4, "d": 4}),
        ({"flood": 1000, "b": 5, "c": 5, "d": 5, "e": 5}, 0.25, {"flood": 6, "b": 5, "c": 5, "d": 5, "e": 5}),
        ({"flood": 1000, "b": 5}, 1.0, {"flood": 1000, "b": 5}),
    ],
)
def test_nobody_gives_more_than_the_share(counts: dict[str, int], max_share: float, num_kept: dict[str, int]) -> None:
    kept = list(keep_within_share(candidates(**counts), max_share).values())
    assert {user: kept.count(user) for user in counts} == num_kept


def test_earlier_candidates_are_kept() -> None:
    kept = keep_within_share(candidates(a=5, b=1, c=1, d=1), 0.25)
    assert sorted(kept) == ["a0", "b0", "c0", "d0"]


def test_a_candidate_of_several_users_is_counted_for_one_with_room() -> None:
    shared = Candidate(key="shared", users=("a", "b"))
    kept = keep_within_share([*candidates(a=1), shared, *candidates(c=1)], 0.25)
    assert kept == {"a0": "a", "shared": "b", "c0": "c"}


def test_no_candidates_are_no_trouble() -> None:
    assert keep_within_share([], 0.25) == {}
