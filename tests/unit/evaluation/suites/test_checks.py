"""The gate's checks of suites, with flips known by hand."""

import random

import pytest

from polyloop.errors import EvaluationError
from polyloop.evaluation.gate import Check
from polyloop.evaluation.suites.checks import suite_checks
from polyloop.evaluation.suites.results import CaseResult, SuiteResult, summarise


def result(points, *, version="v2", suite="moods", digest="d", goal="all", tolerance=0.0, subjects=None):
    """Return a result of points by (test, slice), each a list by case."""
    cases = tuple(
        CaseResult(
            id=str(number),
            subject=subjects(test, number) if subjects else f"{test}/{number}",
            test=test,
            slice=slice,
            input="",
            input_before=None,
            output="",
            output_before=None,
            wanted="",
            points=float(one),
            passed=one > 50,
        )
        for (test, slice), of_test in points.items()
        for number, one in enumerate(of_test)
    )
    return SuiteResult(
        suite=suite, type="behaviour", digest=digest, task="mood", version=version, goal=goal, tolerance=tolerance,
        slices=summarise(cases), cases=cases,
    )  # fmt: skip


def compare(ours, theirs, **options):
    confidence = options.pop("confidence", 0.95)
    return suite_checks([result(ours, **options)], [result(theirs, version="v1", **options)], confidence=confidence)


def one_check(ours, theirs, **options):
    (found,) = compare({("a", "en"): ours}, {("a", "en"): theirs}, **options)
    return found


def test_equal_results_pass_and_keep_their_numbers():
    found = one_check([100, 0, 100], [100, 0, 100])
    assert isinstance(found, Check)
    assert (found.name, found.slice, found.passed) == ("suite", "en", True)
    assert found.numbers == {
        "candidate": pytest.approx(200 / 3), "champion": pytest.approx(200 / 3), "num_cases": 3.0, "num_worse": 0.0,
        "num_better": 0.0, "probability_by_chance": 1.0, "probability_limit": pytest.approx(0.05),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("worse", "better", "passed"), [(4, 0, True), (5, 0, False), (6, 1, True), (8, 1, False), (0, 9, True)]
)
def test_harm_is_what_flips_cannot_explain(worse, better, passed):
    champion = [100] * worse + [0] * better + [100] * 20
    candidate = [0] * worse + [100] * better + [100] * 20
    found = one_check(candidate, champion)
    assert found.passed is passed
    assert (found.numbers["num_worse"], found.numbers["num_better"]) == (worse, better)
    assert ("the loss is evident" in found.reason) is not passed
    assert found.reason.startswith("moods, a: ")


def test_gains_elsewhere_do_not_hide_a_loss_in_one_locale():
    champion = {("a", "en"): [0] * 40, ("a", "de"): [100] * 40}
    candidate = {("a", "en"): [100] * 40, ("a", "de"): [0] * 20 + [100] * 20}
    assert {check.slice: check.passed for check in compare(candidate, champion)} == {"de": False, "en": True}


def test_many_small_losses_are_found_in_all_tests_together():
    champion = {(test, "en"): [100] * 20 for test in "abcdefgh"}
    candidate = {(test, "en"): [0] * 2 + [100] * 18 for test in "abcdefgh"}
    found = compare(candidate, champion)
    assert [check.passed for check in found] == [True] * 8 + [False]
    assert found[-1].reason.startswith("moods, all tests: ")
    assert found[-1].numbers["num_worse"] == 16.0


def test_one_subject_counts_once_in_all_tests_together():
    champion = {(test, "en"): [100] * 20 for test in "abcdefgh"}
    candidate = {(test, "en"): [0] * 2 + [100] * 18 for test in "abcdefgh"}
    found = compare(candidate, champion, subjects=lambda test, number: str(number))
    assert all(check.passed for check in found)
    assert found[-1].numbers["num_worse"] == 2.0


def test_losses_within_the_tolerance_are_no_flips():
    found = one_check([70, 60, 95], [80, 80, 90], tolerance=10.0)
    assert (found.numbers["num_worse"], found.numbers["num_better"]) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("champion", "candidate", "passed"),
    [(50, 20, False), (50, 80, False), (20, 50, True), (80, 50, True), (40, 60, True), (45, 80, False), (90, 20, True)],
)
def test_a_balance_is_worse_when_further_from_half(champion, candidate, passed):
    theirs, ours = ([100] * number + [0] * (100 - number) for number in (champion, candidate))
    found = one_check(ours, theirs, goal="half")
    assert found.passed is passed
    assert (found.numbers["champion"], found.numbers["candidate"]) == (champion, candidate)


def test_a_first_version_is_told_of_and_passes():
    (found,) = suite_checks([result({("a", "en"): [100, 0]})], None)
    assert found.passed
    assert found.numbers == {"candidate": 50.0, "num_cases": 2.0}


def test_suites_that_cannot_be_paired_are_refused():
    ours, theirs = result({("a", "en"): [100, 0]}), result({("a", "en"): [100, 0]}, version="v1")
    with pytest.raises(EvaluationError, match="the champion was not tried with the suite moods"):
        suite_checks([ours], [])
    with pytest.raises(EvaluationError, match="the candidate was not tried with the suite moods"):
        suite_checks([], [theirs])
    for other in (
        result({("a", "en"): [100, 0]}, digest="e"),
        result({("a", "en"): [100]}),
        result({("b", "en"): [1, 2]}),
    ):
        with pytest.raises(EvaluationError, match="tried with different cases of the suite moods"):
            suite_checks([ours], [other])


def versions(chance, num_versions=2, *, num_tests=12, num_cases=40, noise=0.08):
    """Return points of versions that pass 80 % of the cases alike, but for the noise of each."""
    common = {
        (f"t{test}", "en"): [100 * (chance.random() < 0.8) for _ in range(num_cases)] for test in range(num_tests)
    }
    return [
        {key: [100 - one if chance.random() < noise else one for one in points] for key, points in common.items()}
        for _ in range(num_versions)
    ]


def test_a_loss_of_a_half_in_one_test_is_nearly_always_found():
    chance = random.Random(3)
    found = 0
    for _ in range(60):
        champion, candidate = versions(chance)
        candidate["t0", "en"] = [0 if chance.random() < 0.5 else one for one in candidate["t0", "en"]]
        found += not all(check.passed for check in compare(candidate, champion))
    assert found >= 54


def test_an_equal_candidate_is_seldom_stopped():
    chance = random.Random(4)
    stopped = sum(not all(check.passed for check in compare(*versions(chance))) for _ in range(200))
    assert stopped <= 10
