"""The checks of a gate: one question each, its answer, and the numbers and the reason behind it. Pure.

Inputs: results, or a `Comparison` of two models on one slice. Output: a `Check`. A comparison knows which direction is
better: a gain is a rise of a metric of which more is better and a fall of one of which less is.
"""

from dataclasses import dataclass

from polyloop.errors import EvaluationError
from polyloop.evaluation.intervals import PairedDifference
from polyloop.evaluation.metrics import Metric, metric_named
from polyloop.evaluation.results import OVERALL, EvaluationResult
from polyloop.spec.models import GateSpec


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question that the gate asked, with the answer and the numbers behind it."""

    name: str
    """min_score, overall, locale, suite, latency or size."""
    slice: str
    """overall, a target locale or a pair such as en>de, or other."""
    passed: bool
    numbers: dict[str, float]
    """In the metric's unit, mostly points (0 to 100), unless the name ends in a unit or begins with num_ or
    probability_. A difference is candidate minus champion, whichever direction is better."""
    reason: str


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Candidate and champion on one slice, and what the gate asks of them."""

    metric: Metric
    difference: PairedDifference
    """Bounds are one-sided at the gate's confidence."""
    num_rows: int
    num_differing: int
    """Rows on which the two differ at all, as far as the metric sees."""
    margin: float
    gate: GateSpec

    @property
    def gain(self) -> float:
        """The observed gain; below 0 for a loss."""
        return self.metric.sign * self.difference.interval.value

    @property
    def least_gain(self) -> float:
        """The bound that a gain is at least."""
        interval = self.difference.interval
        return interval.low if self.metric.direction == "more" else -interval.high

    @property
    def most_gain(self) -> float:
        """The bound that a gain is at most."""
        interval = self.difference.interval
        return interval.high if self.metric.direction == "more" else -interval.low

    @property
    def can_show_harm(self) -> bool:
        """Whether a loss on all rows that differ is rarer by accident than the confidence allows."""
        return 0.5**self.num_differing <= 1.0 - self.gate.confidence

    def numbers(self, **limits: float) -> dict[str, float]:
        """Return the numbers of a check, with its limits."""
        interval = self.difference.interval
        return {
            "difference": interval.value,
            "lower_bound": interval.low,
            "upper_bound": interval.high,
            "probability_no_gain": self.difference.probability_no_gain,
            "probability_no_loss": self.difference.probability_no_loss,
            "num_rows": float(self.num_rows),
            **limits,
        }

    def change(self) -> str:
        """Return the change and its worse bound in words."""
        bound = self.metric.sign * self.least_gain
        side = "least" if self.metric.direction == "more" else "most"
        return (
            f"changes by {self.difference.interval.value:+.2f}, at {side} {bound:+.2f} at {self.gate.confidence:.0%} "
            f"confidence ({self.num_rows} rows)"
        )

    @property
    def limit(self) -> float:
        """The change that is still no loss, as a difference: -margin where more is better, else +margin."""
        return -self.metric.sign * self.margin

    @property
    def beyond(self) -> str:
        """The side of the limit on which a change is a loss, in a word."""
        return "below" if self.metric.direction == "more" else "above"


def min_score(candidate: EvaluationResult, metric: str, gate: GateSpec) -> Check:
    """Return whether the overall score is good enough; where less is better, a min_score of 0 asks for nothing."""
    if metric not in candidate.overall.metrics:
        raise EvaluationError(f"the evaluation of {candidate.version} has no {metric}; evaluate it again")
    value = candidate.overall.metrics[metric].value
    if metric_named(metric).direction == "more":
        passed, asked = value >= gate.min_score, f"at least {gate.min_score:.2f} is asked"
    elif gate.min_score > 0.0:
        passed, asked = value <= gate.min_score, f"at most {gate.min_score:.2f} is allowed"
    else:
        passed, asked = True, "less is better, and no highest score is set"
    return Check(
        name="min_score",
        slice=OVERALL,
        passed=passed,
        numbers={"candidate": value, "min_score": gate.min_score},
        reason=f"scores {value:.2f}; {asked}",
    )


def overall(comparison: Comparison) -> Check:
    """Return whether the whole is better, or no worse, as the spec asks."""
    beyond = "above" if comparison.beyond == "below" else "below"
    if comparison.gate.require == "better":
        passed, asked, limit = comparison.least_gain > 0, f"must be better: {beyond} 0", 0.0
    else:
        limit = comparison.limit
        passed, asked = comparison.least_gain >= -comparison.margin, f"may not be {comparison.beyond} {limit:+.2f}"
    return Check(
        name="overall",
        slice=OVERALL,
        passed=passed,
        numbers=comparison.numbers(limit=limit),
        reason=f"{comparison.change()}; the bound {asked}",
    )


def locale(name: str, comparison: Comparison) -> Check:
    """Return whether a slice of enough rows is shown to be no worse."""
    return Check(
        name="locale",
        slice=name,
        passed=comparison.least_gain >= -comparison.margin,
        numbers=comparison.numbers(limit=comparison.limit),
        reason=f"{comparison.change()}; the bound may not be {comparison.beyond} {comparison.limit:+.2f}",
    )


def insufficient(name: str, comparison: Comparison) -> Check:
    """Return whether a slice of too few rows shows no evident harm."""
    is_loss = comparison.gain < -comparison.margin and comparison.most_gain < 0
    is_harm_evident = is_loss and comparison.can_show_harm
    gate, interval = comparison.gate, comparison.difference.interval
    bound = comparison.metric.sign * comparison.most_gain
    side = "most" if comparison.metric.direction == "more" else "least"
    return Check(
        name="locale",
        slice=name,
        passed=not is_harm_evident,
        numbers=comparison.numbers(
            limit=comparison.limit,
            num_rows_needed=float(gate.min_rows),
            num_rows_that_differ=float(comparison.num_differing),
        ),
        reason=(
            f"insufficient: {comparison.num_rows} of {gate.min_rows} rows, {comparison.num_differing} differ; changes "
            f"by {interval.value:+.2f}, at {side} {bound:+.2f} at {gate.confidence:.0%} confidence; "
            f"{'the loss is evident' if is_harm_evident else 'no loss is evident'}"
        ),
    )


def latency(candidate: EvaluationResult, budget_ms: float) -> Check:
    """Return whether one answer comes within the budget."""
    return Check(
        name="latency",
        slice=OVERALL,
        passed=candidate.latency_ms <= budget_ms,
        numbers={"latency_ms": candidate.latency_ms, "budget_ms": budget_ms},
        reason=f"answers in {candidate.latency_ms:.1f} ms; the budget is {budget_ms:.1f} ms",
    )


def size(candidate: EvaluationResult, champion: EvaluationResult | None, budget_mb: float | None) -> Check:
    """Return whether the model's files are within the budget; without one, their size is told and passes."""
    numbers = {"size_bytes": float(candidate.size_bytes)}
    before = ""
    if champion is not None:
        numbers["champion_size_bytes"] = float(champion.size_bytes)
        before = f"; the champion takes {champion.size_bytes / 1e6:.1f} MB"
    limit = "(for information)"
    if budget_mb is not None:
        numbers["budget_bytes"] = budget_mb * 1e6
        limit = f"(the budget is {budget_mb:.1f} MB)"
    reason = f"takes {candidate.size_bytes / 1e6:.1f} MB{before} {limit}"
    is_within = budget_mb is None or candidate.size_bytes <= budget_mb * 1e6
    return Check(name="size", slice=OVERALL, passed=is_within, numbers=numbers, reason=reason)
