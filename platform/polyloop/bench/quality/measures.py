"""From an evaluation to the measures that a set asks for. Pure.

Input: an `EvaluationResult`. Output: values with their intervals at the gate's confidence.
"""

import math

from polyloop.bench.quality.results import Measure, Sample
from polyloop.bench.quality.sets import MEAN, Goal
from polyloop.errors import EvaluationError
from polyloop.evaluation.intervals import Interval
from polyloop.evaluation.results import OVERALL, EvaluationResult

NUM_SAMPLES = 6
SAMPLE_CHARACTERS = 400


def measures_of(result: EvaluationResult, goals: tuple[Goal, ...]) -> tuple[Measure, ...]:
    """Return a measure for each goal; EvaluationError for a metric or slice that the evaluation does not have."""
    return tuple(measure_of(goal, *_found(result, goal)) for goal in goals)


def measure_of(goal: Goal, interval: Interval, num_rows: int) -> Measure:
    """Return what was found beside what was aimed at."""
    published = goal.published
    return Measure(
        metric=goal.metric,
        slice=goal.slice,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        num_rows=num_rows,
        bar=goal.bar,
        aim=goal.aim,
        published=published.value if published else None,
        published_what=published.what if published else None,
        published_source=published.source if published else None,
    )


def _found(result: EvaluationResult, goal: Goal) -> tuple[Interval, int]:
    slices = {OVERALL: result.overall, **{one.locale: one for one in result.slices}}
    chosen = list(result.slices) if goal.slice == MEAN else [slices[goal.slice]] if goal.slice in slices else []
    intervals = [one.metrics[goal.metric] for one in chosen if goal.metric in one.metrics]
    if not intervals or len(intervals) != len(chosen):
        told = sorted({f"{metric} of {name}" for name, one in slices.items() for metric in one.metrics})
        raise EvaluationError(
            f"the evaluation of {result.task} does not tell {goal.metric} of {goal.slice}; it tells {', '.join(told)}"
        )
    interval = mean_interval(intervals) if goal.slice == MEAN else intervals[0]
    return interval, sum(one.num_rows for one in chosen)


def mean_interval(intervals: list[Interval]) -> Interval:
    """Return the mean of independent values with its interval.

    The locales share no row, so the distances to either end add up as those of independent errors do: by their squares.
    """
    size = len(intervals)
    value = sum(one.value for one in intervals) / size
    below = math.sqrt(sum((one.value - one.low) ** 2 for one in intervals)) / size
    above = math.sqrt(sum((one.high - one.value) ** 2 for one in intervals)) / size
    return Interval(value=value, low=value - below, high=value + above)


def samples_of(result: EvaluationResult, inputs: list[str]) -> tuple[Sample, ...]:
    """Return a few rows spread over the holdout, whose order is that of hashes; `inputs` are in the result's order."""
    step = max(1, len(inputs) // NUM_SAMPLES)
    rows = result.rows
    return tuple(
        Sample(
            input=inputs[at][:SAMPLE_CHARACTERS],
            answer=rows.predictions[at][:SAMPLE_CHARACTERS],
            reference=rows.references[at][:SAMPLE_CHARACTERS],
        )
        for at in range(0, len(inputs), step)[:NUM_SAMPLES]
    )
