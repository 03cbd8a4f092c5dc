"""Reliability of users, from control items and from peers."""

import pytest

from polyloop.feedback.trust import (
    Prior,
    Statement,
    UserEvidence,
    Verdict,
    estimate_reliability,
    judge_by_control,
    judge_by_peers,
    read_statement,
    reliability,
)

PRIOR = Prior(agreements=4, disagreements=1)


def stated(user: str, key: str, target: str, *, is_correction: bool = True) -> Statement:
    return Statement(user=user, key=key, target=target, is_correction=is_correction)


@pytest.mark.parametrize(
    ("agreements", "disagreements", "expected"), [(0, 0, 0.8), (5, 0, 0.9), (0, 5, 0.4), (1, 1, 5 / 7)]
)
def test_reliability_is_the_mean_of_the_beta_posterior(agreements: int, disagreements: int, expected: float) -> None:
    assert reliability(
        UserEvidence(user="a", agreements=agreements, disagreements=disagreements), PRIOR
    ) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("rating", "correction", "output", "target", "denied"),
    [
        (None, " gut ", "schlecht", "gut", None),
        (-1, "gut", "schlecht", "gut", None),
        (1, "gut", "gut", "gut", None),
        (1, "gut", None, "gut", None),
        (1, None, "schlecht ", "schlecht", None),
        (-1, None, "schlecht", None, "schlecht"),
    ],
)
def test_feedback_states_or_denies_a_target(
    rating: int | None, correction: str | None, output: str | None, target: str | None, denied: str | None
) -> None:
    statement = read_statement(user="a", key="k", rating=rating, correction=correction, output=output)
    is_correction = correction is not None
    assert statement == Statement(user="a", key="k", target=target, denied=denied, is_correction=is_correction)


@pytest.mark.parametrize(
    ("rating", "correction", "output"),
    [(1, "gut", "schlecht"), (None, "  ", "x"), (None, None, "x"), (1, None, None), (-1, None, None)],
)
def test_feedback_that_says_nothing_clear_states_nothing(
    rating: int | None, correction: str | None, output: str | None
) -> None:
    assert read_statement(user="a", key="k", rating=rating, correction=correction, output=output) is None


def verdicts(found: list[Verdict]) -> list[tuple[str, bool]]:
    return [(verdict.statement.user, verdict.agrees) for verdict in found]


def test_control_items_judge_every_kind_of_statement() -> None:
    statements = [
        stated("right", "1", "x"),
        stated("wrong", "1", "y"),
        Statement(user="denies-right", key="1", denied="x"),
        Statement(user="denies-wrong", key="1", denied="y"),
        stated("elsewhere", "unknown", "x"),
    ]
    found = judge_by_control(statements, {"1": " x"})
    assert verdicts(found) == [("right", True), ("wrong", False), ("denies-right", False), ("denies-wrong", True)]


def test_the_majority_of_the_others_accuses() -> None:
    statements = [stated("a", "1", "x"), stated("b", "1", "x"), stated("c", "1", "y")]
    assert verdicts(judge_by_peers(statements, {"a", "b", "c"})) == [("c", False)]


def test_two_who_agree_confirm_each_other_and_two_who_do_not_accuse_nobody() -> None:
    agreeing = [stated("a", "1", "x"), stated("b", "1", "x")]
    assert verdicts(judge_by_peers(agreeing, {"a", "b"})) == [("a", True), ("b", True)]
    assert judge_by_peers([stated("a", "1", "x"), stated("b", "1", "y")], {"a", "b"}) == []


def test_only_voters_confirm() -> None:
    statements = [stated("a", "1", "x"), stated("b", "1", "x")]
    assert verdicts(judge_by_peers(statements, {"b"})) == [("a", True)]


def test_denials_are_judged_by_the_majority_but_do_not_vote() -> None:
    statements = [
        stated("a", "1", "x"),
        stated("b", "1", "x"),
        Statement(user="c", key="1", denied="x"),
        Statement(user="d", key="1", denied="y"),
    ]
    found = judge_by_peers(statements, {"a", "b", "c", "d"})
    assert verdicts(found) == [("a", True), ("b", True), ("c", False), ("d", True)]


def test_rightly_praised_answers_do_not_make_up_for_wrong_corrections() -> None:
    known = {str(number): "x" for number in range(20)}
    praise = [stated("a", str(number), "x", is_correction=False) for number in range(15)]
    wrong = [stated("a", str(number), "y") for number in range(15, 20)]
    found = estimate_reliability(praise + wrong, known, prior=PRIOR, min_trust=0.6)
    assert found["a"] == pytest.approx(4 / 10)


def test_users_who_fail_control_items_vouch_for_nobody() -> None:
    lies = [stated(user, f"control-{number}", "lie") for user in ("x", "y", "z") for number in range(5)]
    vote = [stated(user, "open", "lie") for user in ("x", "y", "z")] + [stated("honest", "open", "truth")]
    known = {f"control-{number}": "truth" for number in range(5)}
    found = estimate_reliability(lies + vote, known, prior=PRIOR, min_trust=0.6)
    assert found["honest"] == pytest.approx(0.8)
    assert found["x"] == found["y"] == found["z"] == pytest.approx(0.4)


def test_without_control_items_the_odd_one_out_loses_trust() -> None:
    keys = [str(number) for number in range(6)]
    statements = [stated(user, key, "x") for user in ("a", "b", "c") for key in keys]
    statements += [stated("odd", key, "y") for key in keys]
    found = estimate_reliability(statements, {}, prior=PRIOR, min_trust=0.6)
    assert found["a"] > 0.9
    assert found["odd"] < 0.4
