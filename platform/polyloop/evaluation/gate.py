"""The gate: may a candidate replace the champion? A pure function from two results to a decision with its reasons.

Inputs: the evaluation of the candidate and of the champion (None for a task's first version) on one frozen holdout,
their results on the same suites, and the gate's spec. Output: a `GateDecision`: each check with its numbers. Nothing is
read, written or drawn at random (the bootstrap has a fixed seed), so a decision can be computed again from the stored
results.

How it decides. Differences are candidate minus champion, in points, by paired bootstrap (jackknife for metrics of a
whole corpus); bounds are one-sided at the spec's `confidence`.

- `min_score`: the overall score reaches it (always; where less is better it is the highest score allowed, and 0 asks
  for nothing).
- `overall`: better = lower bound above 0; non_inferior = lower bound at or above -margin.
  Where less is better, a loss is a rise: the upper bound is below 0, or at or below +margin; likewise below.
- `locale`, one for each target locale of at least `min_rows` rows: lower bound at or above -margin. Every locale has
  to pass, so the chance of passing a candidate that truly loses `margin` or more in some locale is at most that of
  its bound there, however many locales there are (an intersection-union test, Berger 1982), and there is no correction
  for multiple comparisons. That chance is 1 - confidence where many rows differ. Where few do, the bootstrap promises
  too much: a candidate whose every difference is a loss, 3 points of accuracy in truth, passed margin 3.0 in .21 of
  400 drawn holdouts of 50 or of 100 rows and in .08 of those of 1,000; with 5 % more rows that differ either way, in
  .09 and .05. `test: discordant` keeps its promise there. What many locales cost is power: a harmless candidate has
  to pass all of them. The margin must fit the size of the slices: to pass an equal candidate with probability p in
  one locale it has to be about (z(confidence) + z(p)) * sqrt(share of rows the two models judge differently / rows)
  * 100 points; for accuracy with 10 % of 1,000 rows judged differently and p = 0.9 that is 2.9 points.
- `other`: the smaller locales, pooled and judged like a locale. If even the pool is below `min_rows`, non-inferiority
  cannot be shown, so the burden of proof turns round: it is reported as insufficient and fails only if harm is
  evident, that is a loss beyond the margin whose one-sided upper bound is below 0, on enough rows that differ: n of
  them all get worse by accident once in 2^n (a sign test), whatever the bootstrap says of so few.
  Rows that the metric does not count (in-scope rows for out-of-scope recall) show nothing, so they are no rows here.
- `suite`: no test of a suite shows a loss that is no accident (`suites.checks`); told only for a first version.
- `latency` and `size`: within budget, where there is one; the size is told in any case.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import compress
from math import inf
from typing import Any

import numpy as np

from polyloop.errors import EvaluationError
from polyloop.evaluation.checks import Check, Comparison, insufficient, latency, locale, min_score, overall, size
from polyloop.evaluation.measure import measured
from polyloop.evaluation.metrics import Metric, labels_in, resolve_metric
from polyloop.evaluation.metrics.arrays import BoolArray
from polyloop.evaluation.pairing import paired_difference, refuse_unpaired
from polyloop.evaluation.results import EvaluationResult
from polyloop.evaluation.suites.checks import NAME as SUITE_CHECK
from polyloop.evaluation.suites.checks import suite_checks
from polyloop.evaluation.suites.results import SuiteResult
from polyloop.spec.models import GateSpec

__all__ = ["Check", "GateDecision", "decide"]

DEFAULT_MARGINS = {"classify": 3.0, "translate": 1.5, "summarize": 1.5, "chat": 1.5, "answer": 3.0}
"""Margin in points by task kind, where the spec gives none: about what 1,000 rows a locale can tell apart
(tests/behaviour/evaluation/test_gate_error_rates.py)."""
DISCORDANT_MARGIN = 2.0
"""Margin in points of the discordant test, where the spec gives none (docs/decisions/0013)."""
UNIT_MARGINS = {"bits_per_character": 0.05, "perplexity_per_character": 1.0}
"""Margin of metrics with a unit of their own: 0.05 bits are 3.5 % of perplexity."""
MAX_PASSING_SUITE_LINES = 8
"""Passing tests of suites that an explanation tells one by one."""
OTHER = "other"
"""Name of the slice of all locales with too few rows of their own; no locale has this name."""


@dataclass(frozen=True, kw_only=True)
class GateDecision:
    """Whether the candidate may replace the champion, and every check that was made."""

    passed: bool
    task: str
    candidate: str
    champion: str | None
    metric: str
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> str:
        """What was decided, in a clause."""
        subject = f"{self.task} {self.candidate}"
        if self.champion is None:
            return f"{subject} {'passes' if self.passed else 'fails'} as the first version"
        return f"{subject} {'may' if self.passed else 'may not'} replace {self.champion}"

    def explain(self) -> str:
        """Return a verdict and one line for each check; many tests of suites that pass share one line."""
        passing = [check for check in self.checks if check.name == SUITE_CHECK and check.passed]
        folded = passing if len(passing) > MAX_PASSING_SUITE_LINES else []
        width = max(len(check.slice) for check in self.checks)
        lines = [
            f"  {'pass' if check.passed else 'FAIL'}  {check.slice:<{width}}  {check.reason}"
            for check in self.checks
            if check not in folded
        ]
        if folded:
            lines.append(f"  pass  {'suites':<{width}}  {len(folded)} tests of suites show no evident loss")
        return "\n".join([f"{self.verdict} (metric {self.metric})", *lines])

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as plain dictionaries, lists, strings, numbers and booleans, fit for JSON."""
        return {**asdict(self), "checks": [asdict(check) for check in self.checks]}


def decide(
    candidate: EvaluationResult,
    champion: EvaluationResult | None,
    gate: GateSpec,
    *,
    kind: str,
    candidate_suites: Sequence[SuiteResult] = (),
    champion_suites: Sequence[SuiteResult] = (),
) -> GateDecision:
    """Return whether `candidate` may replace `champion` under `gate`; both were tried with the same suites.

    `gate.test` is how differences get their bounds: by paired bootstrap, or by the score test on the rows that only
    one of the two gets right (`discordant`; for accuracy and its like, see docs/decisions/0013).

    Raises EvaluationError if the metric means nothing for the kind or has no right and wrong rows for the discordant
    test, or if the two results are not about the same rows of the same holdout of the same task, or not about the same
    cases of the same suites.
    """
    metric = resolve_metric(gate.metric, kind)
    checks = [min_score(candidate, metric, gate)]
    if champion is not None:
        refuse_unpaired(candidate, champion)
        checks += _comparisons(candidate, champion, gate, metric, kind)
    checks += suite_checks(candidate_suites, None if champion is None else champion_suites, confidence=gate.confidence)
    if gate.max_latency_ms is not None:
        checks.append(latency(candidate, gate.max_latency_ms))
    checks.append(size(candidate, champion, gate.max_size_mb))
    return GateDecision(
        passed=all(check.passed for check in checks),
        task=candidate.task,
        candidate=candidate.version,
        champion=None if champion is None else champion.version,
        metric=metric,
        checks=tuple(checks),
    )


def _comparisons(
    candidate: EvaluationResult,
    champion: EvaluationResult,
    gate: GateSpec,
    metric: str,
    kind: str,
) -> list[Check]:
    """Return the overall check and one for each slice."""
    labels = labels_in(metric, candidate.rows.references)
    ours, theirs = (
        measured(
            metric,
            one.rows.predictions_for(metric),
            one.rows.references_for(metric),
            one.rows.target_locales,
            labels=labels,
        )
        for one in (candidate, champion)
    )
    margin = _margin(gate, kind, ours.metric)
    locales = np.array(candidate.rows.target_locales)
    counted = ours.counted(np.ones(len(locales), dtype=bool))
    # The ends of a two-sided interval at 2c - 1 are one-sided bounds at c.
    two_sided = 2.0 * gate.confidence - 1.0

    def compared(mask: BoolArray) -> Comparison:
        return Comparison(
            metric=ours.metric,
            difference=paired_difference(ours, theirs, mask, gate, confidence=two_sided),
            num_rows=int((mask & counted).sum()),
            num_differing=ours.num_differing(theirs, mask),
            margin=margin,
            gate=gate,
        )

    checks = [overall(compared(np.ones(len(locales), dtype=bool)))]
    for name, members in _slices(candidate.rows.target_locales, counted, gate.min_rows):
        comparison = compared(np.isin(locales, members))
        check = (locale if comparison.num_rows >= gate.min_rows else insufficient)(name, comparison)
        checks.append(replace(check, reason=f"{check.reason}; pools {', '.join(members)}") if name == OTHER else check)
    return checks


def _margin(gate: GateSpec, kind: str, metric: Metric) -> float:
    if gate.margin is not None:
        return gate.margin
    if gate.test == "discordant":
        return DISCORDANT_MARGIN
    margin = UNIT_MARGINS.get(metric.name, None if metric.high == inf else DEFAULT_MARGINS.get(kind))
    if margin is None:
        raise EvaluationError(f"there is no default margin for {metric.name} of {kind} tasks; set `gate.margin`")
    return margin


def _slices(target_locales: Sequence[str], counted: BoolArray, min_rows: int) -> list[tuple[str, list[str]]]:
    """Return each slice's name and its locales: those of many rows that count alone, the others together as `other`."""
    counts = Counter(compress(target_locales, counted))
    locales = sorted(set(target_locales))
    slices = [(locale, [locale]) for locale in locales if counts[locale] >= min_rows]
    small = [locale for locale in locales if counts[locale] < min_rows]
    return [*slices, (OTHER, small)] if small else slices
