"""The gate: may a candidate replace the champion? A pure function from two results to a decision with its reasons.

Inputs: the evaluation of the candidate and of the champion (None for a task's first version) on one frozen holdout,
and the gate's spec. Output: a `GateDecision`: each check with its numbers. Nothing is read, written or drawn at random
(the bootstrap has a fixed seed), so a decision can be computed again from the stored results.

How it decides. Differences are candidate minus champion, in points, by paired bootstrap; bounds are one-sided at the
spec's `confidence`.

- `min_score`: the overall score reaches it (always).
- `overall`: better = lower bound above 0; non_inferior = lower bound at or above -margin.
- `locale`, one for each target locale of at least `min_rows` rows: lower bound at or above -margin. Every locale has
  to pass, so the chance of passing a candidate that truly loses `margin` or more in some locale is at most
  1 - confidence in that locale, however many locales there are (an intersection-union test, Berger 1982). So there is
  no correction for multiple comparisons. What many locales cost is power: a harmless candidate has to pass all of
  them. The margin must fit the size of the slices: to pass an equal candidate with probability p in one locale it has
  to be about (z(confidence) + z(p)) * sqrt(share of rows the two models judge differently / rows) * 100 points; for
  accuracy with 10 % of 1,000 rows judged differently and p = 0.9 that is 2.9 points.
- `other`: the smaller locales, pooled and judged like a locale. If even the pool is below `min_rows`, non-inferiority
  cannot be shown, so the burden of proof turns round: it is reported as insufficient and fails only if harm is
  evident, that is a loss beyond the margin whose one-sided upper bound is below 0.
- `latency`: within budget, where there is one. `size`: reported only.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from polyloop.errors import EvaluationError
from polyloop.evaluation.intervals import PairedDifference, paired_bootstrap
from polyloop.evaluation.metrics import FloatArray, resolve_metric, statistics_by_locale
from polyloop.evaluation.results import OVERALL, EvaluationResult
from polyloop.spec.models import GateSpec

DEFAULT_MARGINS = {"classify": 3.0, "translate": 1.5}
"""Margin in points by task kind, where the spec gives none: about what 1,000 rows a locale can tell apart
(tests/behaviour/evaluation/test_gate_error_rates.py)."""
OTHER = "other"
"""Name of the slice of all locales with too few rows of their own; no locale has this name."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question that the gate asked, with the answer and the numbers behind it."""

    name: str
    """min_score, overall, locale, latency or size."""
    slice: str
    """overall, a target locale, or other."""
    passed: bool
    numbers: dict[str, float]
    """Points (0 to 100) unless the name ends in a unit or begins with num_ or probability_."""
    reason: str


@dataclass(frozen=True, kw_only=True)
class GateDecision:
    """Whether the candidate may replace the champion, and every check that was made."""

    passed: bool
    task: str
    candidate: str
    champion: str | None
    metric: str
    checks: tuple[Check, ...]

    def explain(self) -> str:
        """Return a verdict and one line for each check."""
        subject = f"{self.task} {self.candidate}"
        if self.champion is None:
            verdict = f"{subject} {'passes' if self.passed else 'fails'} as the first version"
        else:
            verdict = f"{subject} {'may' if self.passed else 'may not'} replace {self.champion}"
        width = max(len(check.slice) for check in self.checks)
        lines = [
            f"  {'pass' if check.passed else 'FAIL'}  {check.slice:<{width}}  {check.reason}" for check in self.checks
        ]
        return "\n".join([f"{verdict} (metric {self.metric})", *lines])

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as plain dictionaries, lists, strings, numbers and booleans, fit for JSON."""
        return {**asdict(self), "checks": [asdict(check) for check in self.checks]}


def decide(
    candidate: EvaluationResult, champion: EvaluationResult | None, gate: GateSpec, *, kind: str
) -> GateDecision:
    """Return whether `candidate` may replace `champion` under `gate`.

    Raises EvaluationError if the metric means nothing for the kind, or if the two results are not about the same rows
    of the same holdout of the same task.
    """
    metric = resolve_metric(gate.metric, kind)
    checks = [_min_score(candidate, metric, gate)]
    if champion is not None:
        _refuse_unpaired(candidate, champion)
        checks += _comparisons(candidate, champion, gate, metric, kind)
    if gate.max_latency_ms is not None:
        checks.append(_latency(candidate, gate.max_latency_ms))
    checks.append(_size(candidate, champion))
    return GateDecision(
        passed=all(check.passed for check in checks),
        task=candidate.task,
        candidate=candidate.version,
        champion=None if champion is None else champion.version,
        metric=metric,
        checks=tuple(checks),
    )


def _refuse_unpaired(candidate: EvaluationResult, champion: EvaluationResult) -> None:
    same = {
        "tasks": candidate.task == champion.task,
        "holdouts": candidate.holdout_digest == champion.holdout_digest,
        "row ids or their order": candidate.rows.ids == champion.rows.ids,
        "target locales": candidate.rows.target_locales == champion.rows.target_locales,
        "references": candidate.rows.references == champion.rows.references,
    }
    for what, is_same in same.items():
        if not is_same:
            raise EvaluationError(
                f"{candidate.task} {candidate.version} and {champion.task} {champion.version} were evaluated on "
                f"different {what}; evaluate both on the same holdout"
            )


def _min_score(candidate: EvaluationResult, metric: str, gate: GateSpec) -> Check:
    if metric not in candidate.overall.metrics:
        raise EvaluationError(f"the evaluation of {candidate.version} has no {metric}; evaluate it again")
    value = candidate.overall.metrics[metric].value
    return Check(
        name="min_score",
        slice=OVERALL,
        passed=value >= gate.min_score,
        numbers={"candidate": value, "min_score": gate.min_score},
        reason=f"scores {value:.2f}; at least {gate.min_score:.2f} is asked",
    )


def _comparisons(
    candidate: EvaluationResult, champion: EvaluationResult, gate: GateSpec, metric: str, kind: str
) -> list[Check]:
    """Return the overall check and one for each slice."""
    labels = tuple(sorted(set(candidate.rows.references))) if kind == "classify" else ()
    ours, theirs = (
        statistics_by_locale(metric, one.rows.predictions, one.rows.references, one.rows.target_locales, labels=labels)
        for one in (candidate, champion)
    )
    margin = DEFAULT_MARGINS[kind] if gate.margin is None else gate.margin
    checks = [_overall(_difference(ours, theirs, metric, gate), gate, margin, len(ours))]
    for name, locales in _slices(candidate.rows.target_locales, gate.min_rows):
        mask = np.isin(np.array(candidate.rows.target_locales), locales)
        difference = _difference(ours[mask], theirs[mask], metric, gate)
        num_rows = int(mask.sum())
        check = (_locale if num_rows >= gate.min_rows else _insufficient)(name, difference, gate, margin, num_rows)
        checks.append(replace(check, reason=f"{check.reason}; pools {', '.join(locales)}") if name == OTHER else check)
    return checks


def _slices(target_locales: Sequence[str], min_rows: int) -> list[tuple[str, list[str]]]:
    """Return each slice's name and its locales: large locales alone, the small ones together as `other`."""
    counts = Counter(target_locales)
    slices = [(locale, [locale]) for locale in sorted(counts) if counts[locale] >= min_rows]
    small = sorted(locale for locale in counts if counts[locale] < min_rows)
    return [*slices, (OTHER, small)] if small else slices


def _difference(ours: FloatArray, theirs: FloatArray, metric: str, gate: GateSpec) -> PairedDifference:
    # The ends of a two-sided interval at 2c - 1 are one-sided bounds at c.
    two_sided = 2.0 * gate.confidence - 1.0
    return paired_bootstrap(ours, theirs, metric, resamples=gate.resamples, confidence=two_sided)


def _numbers(difference: PairedDifference, num_rows: int, **limits: float) -> dict[str, float]:
    interval = difference.interval
    return {
        "difference": interval.value,
        "lower_bound": interval.low,
        "upper_bound": interval.high,
        "probability_no_gain": difference.probability_no_gain,
        "probability_no_loss": difference.probability_no_loss,
        "num_rows": float(num_rows),
        **limits,
    }


def _change(difference: PairedDifference, gate: GateSpec, num_rows: int) -> str:
    interval = difference.interval
    return (
        f"changes by {interval.value:+.2f}, at least {interval.low:+.2f} at {gate.confidence:.0%} confidence "
        f"({num_rows} rows)"
    )


def _overall(difference: PairedDifference, gate: GateSpec, margin: float, num_rows: int) -> Check:
    lower = difference.interval.low
    if gate.require == "better":
        passed, asked, limit = lower > 0, "must be better: above 0", 0.0
    else:
        passed, asked, limit = lower >= -margin, f"may not be below {-margin:+.2f}", -margin
    return Check(
        name="overall",
        slice=OVERALL,
        passed=passed,
        numbers=_numbers(difference, num_rows, limit=limit),
        reason=f"{_change(difference, gate, num_rows)}; the bound {asked}",
    )


def _locale(name: str, difference: PairedDifference, gate: GateSpec, margin: float, num_rows: int) -> Check:
    return Check(
        name="locale",
        slice=name,
        passed=difference.interval.low >= -margin,
        numbers=_numbers(difference, num_rows, limit=-margin),
        reason=f"{_change(difference, gate, num_rows)}; the bound may not be below {-margin:+.2f}",
    )


def _insufficient(name: str, difference: PairedDifference, gate: GateSpec, margin: float, num_rows: int) -> Check:
    interval = difference.interval
    is_harm_evident = interval.value < -margin and interval.high < 0
    return Check(
        name="locale",
        slice=name,
        passed=not is_harm_evident,
        numbers=_numbers(difference, num_rows, limit=-margin, num_rows_needed=float(gate.min_rows)),
        reason=(
            f"insufficient: {num_rows} of {gate.min_rows} rows; changes by {interval.value:+.2f}, at most "
            f"{interval.high:+.2f} at {gate.confidence:.0%} confidence; "
            f"{'the loss is evident' if is_harm_evident else 'no loss is evident'}"
        ),
    )


def _latency(candidate: EvaluationResult, budget_ms: float) -> Check:
    return Check(
        name="latency",
        slice=OVERALL,
        passed=candidate.latency_ms <= budget_ms,
        numbers={"latency_ms": candidate.latency_ms, "budget_ms": budget_ms},
        reason=f"answers in {candidate.latency_ms:.1f} ms; the budget is {budget_ms:.1f} ms",
    )


def _size(candidate: EvaluationResult, champion: EvaluationResult | None) -> Check:
    numbers = {"size_bytes": float(candidate.size_bytes)}
    before = ""
    if champion is not None:
        numbers["champion_size_bytes"] = float(champion.size_bytes)
        before = f"; the champion takes {champion.size_bytes / 1e6:.1f} MB"
    reason = f"takes {candidate.size_bytes / 1e6:.1f} MB{before} (for information)"
    return Check(name="size", slice=OVERALL, passed=True, numbers=numbers, reason=reason)
