"""The gate's question to the suites: is the candidate no worse than the champion? A pure function.

Inputs: the results of both on the same suites. Output: checks in the form of the gate's own, with all numbers.

How it decides. Cases are paired by id, so that only those that flipped count: a case is worse if it lost more points
than the suite's tolerance, better if it gained more. There is a check for each test in each slice, and, where a slice
has several tests, one of all of them (test `all tests`), in which a subject counts once: worse or better by the balance
of its cases. Each is an exact one-sided binomial test of worse against better flips (McNemar). As a suite is small, no
worse cannot be proven; so the burden of proof is on harm: a check fails if so many worse flips are no accident. All
checks of a decision share one error of 1 - confidence (Tarone's correction): a candidate that is as good as the
champion everywhere is stopped by suites at most so often.

A suite whose goal is half (stereotypes) fails only if the candidate is also further from 50 than the champion; worse
are then the flips towards the candidate's side of 50.

Limits: cases made from one template are not quite independent; new cases would flip differently.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from polyloop.errors import EvaluationError
from polyloop.evaluation.checks import Check
from polyloop.evaluation.suites.proportions import joint_limit, probability_of_flips
from polyloop.evaluation.suites.results import CaseResult, SuiteResult

NAME = "suite"
"""Name of the checks."""
ALL_TESTS = "all tests"


@dataclass(frozen=True, kw_only=True)
class Flips:
    """What became of the cases of one test in one slice, from champion to candidate."""

    suite: str
    test: str
    slice: str
    is_half: bool
    num_cases: int
    num_worse: int
    num_better: int
    candidate: float
    """Points of the candidate, mean over the cases; also where its pass rate stands if points are 0 and 100."""
    champion: float

    @property
    def probability(self) -> float:
        """How likely so many worse flips are by accident."""
        return probability_of_flips(self.num_worse, self.num_better)

    @property
    def is_further_off(self) -> bool:
        """Whether the candidate is further from the goal than the champion."""
        if self.is_half:
            return abs(self.candidate - 50.0) > abs(self.champion - 50.0)
        return self.num_worse > self.num_better


def suite_checks(
    candidate: Sequence[SuiteResult], champion: Sequence[SuiteResult] | None, *, confidence: float = 0.95
) -> tuple[Check, ...]:
    """Return whether the candidate is no worse in any test; for a first version (no champion), what it reaches.

    Raises EvaluationError if the two were not tried with the same suites, or not with the same cases of them.
    """
    if champion is None:
        return tuple(
            Check(
                name=NAME,
                slice=one.slice,
                passed=True,
                numbers={"candidate": one.rate.value, "num_cases": float(one.num_cases)},
                reason=f"{result.suite}, {one.test}: {one.rate.value:.1f} % of {one.num_cases} pass (for information)",
            )
            for result in candidate
            for one in result.slices
        )
    found = [flips for ours, theirs in _paired(candidate, champion) for flips in all_flips(ours, theirs)]
    limit = joint_limit([one.num_worse + one.num_better for one in found], 1.0 - confidence)
    return tuple(
        Check(
            name=NAME,
            slice=one.slice,
            passed=not is_harm(one, limit),
            numbers=_numbers(one, limit),
            reason=_reason(one, limit),
        )
        for one in found
    )


def is_harm(flips: Flips, limit: float) -> bool:
    """Return whether the candidate is worse beyond accident, at the probability `limit`."""
    return flips.is_further_off and flips.probability <= limit


def all_flips(candidate: SuiteResult, champion: SuiteResult) -> Iterator[Flips]:
    """Yield the flips of each test in each slice, and of all tests of a slice that has several."""
    theirs = {(case.test, case.slice, case.id): case for case in champion.cases}
    groups: dict[tuple[str, str], list[tuple[CaseResult, CaseResult]]] = {}
    for case in candidate.cases:
        groups.setdefault((case.slice, case.test), []).append((case, theirs[case.test, case.slice, case.id]))
    for slice in sorted({slice for slice, _ in groups}):
        tests = sorted(test for one, test in groups if one == slice)
        for test in tests:
            yield _flips(candidate, test, slice, groups[slice, test])
        if len(tests) > 1:
            pooled = [pair for test in tests for pair in groups[slice, test]]
            yield _flips(candidate, ALL_TESTS, slice, pooled)


def worse_cases(candidate: SuiteResult, champion: SuiteResult) -> Iterator[tuple[CaseResult, CaseResult]]:
    """Yield the cases that got worse, the champion's and the candidate's; none of a suite whose goal is half."""
    if candidate.goal == "half":
        return
    theirs = {(case.test, case.slice, case.id): case for case in champion.cases}
    for case in candidate.cases:
        before = theirs[case.test, case.slice, case.id]
        if case.points < before.points - candidate.tolerance:
            yield before, case


def _paired(
    candidate: Sequence[SuiteResult], champion: Sequence[SuiteResult]
) -> Iterator[tuple[SuiteResult, SuiteResult]]:
    ours, theirs = ({one.suite: one for one in results} for results in (candidate, champion))
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in ours or name not in theirs:
            side = "candidate" if name not in ours else "champion"
            raise EvaluationError(f"the {side} was not tried with the suite {name}; run the suite on both")
        keys = [{(case.test, case.slice, case.id) for case in one.cases} for one in (ours[name], theirs[name])]
        if ours[name].digest != theirs[name].digest or keys[0] != keys[1]:
            raise EvaluationError(
                f"{ours[name].version} and {theirs[name].version} were tried with different cases of the suite {name}; "
                "run the suite on both again"
            )
        yield ours[name], theirs[name]


def _flips(result: SuiteResult, test: str, slice: str, pairs: Sequence[tuple[CaseResult, CaseResult]]) -> Flips:
    candidate, champion = (sum(pair[side].points for pair in pairs) / len(pairs) for side in (0, 1))
    is_half = result.goal == "half"
    # With a balance to keep, points above 50 are as far off as points below.
    sign = -1.0 if is_half and candidate > 50.0 else 1.0
    balance: dict[str, int] = {}
    for ours, theirs in pairs:
        gain = sign * (ours.points - theirs.points)
        flip = 1 if gain > result.tolerance else -1 if gain < -result.tolerance else 0
        balance[ours.subject] = balance.get(ours.subject, 0) + flip
    return Flips(
        suite=result.suite,
        test=test,
        slice=slice,
        is_half=is_half,
        num_cases=len(pairs),
        num_worse=sum(one < 0 for one in balance.values()),
        num_better=sum(one > 0 for one in balance.values()),
        candidate=candidate,
        champion=champion,
    )


def _numbers(flips: Flips, limit: float) -> dict[str, float]:
    return {
        "candidate": flips.candidate,
        "champion": flips.champion,
        "num_cases": float(flips.num_cases),
        "num_worse": float(flips.num_worse),
        "num_better": float(flips.num_better),
        "probability_by_chance": flips.probability,
        "probability_limit": limit,
    }


def _reason(flips: Flips, limit: float) -> str:
    goal = ", where 50 is the goal" if flips.is_half else ""
    verdict = "the loss is evident" if is_harm(flips, limit) else "no loss is evident"
    return (
        f"{flips.suite}, {flips.test}: {flips.candidate:.1f} points after {flips.champion:.1f}{goal}; "
        f"{flips.num_worse} worse and {flips.num_better} better of {flips.num_cases} cases "
        f"(p = {flips.probability:.3g}, limit {limit:.3g}); {verdict}"
    )
