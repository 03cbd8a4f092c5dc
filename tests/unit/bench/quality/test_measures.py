"""Goals are looked up in an evaluation; means over locales have intervals of independent parts."""

import math

import pytest

from polyloop.bench.quality.measures import NUM_SAMPLES, mean_interval, measures_of, samples_of
from polyloop.bench.quality.sets import MEAN, Goal, Published
from polyloop.errors import EvaluationError
from polyloop.evaluation.intervals import Interval
from polyloop.evaluation.results import EvaluationResult, EvaluationRows, SliceResult


def interval(value: float, *, half: float = 1.0) -> Interval:
    return Interval(value=value, low=value - half, high=value + half)


def evaluation(num_rows: int = 4) -> EvaluationResult:
    locales = tuple("de" if number % 4 else "en" for number in range(num_rows))
    slices = tuple(
        SliceResult(locale=locale, num_rows=locales.count(locale), metrics={"macro_f1": interval(value)})
        for locale, value in (("de", 60.0), ("en", 40.0))
    )
    return EvaluationResult(
        task="sentiment",
        version="quality",
        dataset_digest="d",
        holdout_digest="h",
        metric="macro_f1",
        overall=SliceResult(locale="overall", num_rows=num_rows, metrics={"macro_f1": interval(55.0)}),
        slices=slices,
        latency_ms=1.0,
        size_bytes=1,
        rows=EvaluationRows(
            ids=tuple(map(str, range(num_rows))),
            target_locales=locales,
            predictions=tuple(f"p{number}" for number in range(num_rows)),
            references=tuple(f"r{number}" for number in range(num_rows)),
        ),
    )


def test_overall_and_a_locale_are_taken_as_they_are():
    published = Published(value=51.0, what="FastText", source="a paper")
    overall, english = measures_of(
        evaluation(), (Goal(metric="macro_f1", bar=52.0, published=published), Goal(metric="macro_f1", slice="en"))
    )

    assert (overall.value, overall.low, overall.high, overall.num_rows, overall.ok) == (55.0, 54.0, 56.0, 4, True)
    assert (overall.published, overall.published_source) == (51.0, "a paper")
    assert (english.value, english.num_rows, english.published) == (40.0, 1, None)


def test_a_mean_gives_each_locale_the_same_weight():
    (mean,) = measures_of(evaluation(), (Goal(metric="macro_f1", slice=MEAN, bar=52.0),))

    assert (mean.value, mean.num_rows, mean.ok) == (50.0, 4, False)
    assert mean.low == pytest.approx(50.0 - math.sqrt(2) / 2)


def test_the_interval_of_a_mean_shrinks_with_the_root_of_the_number_of_parts():
    four = mean_interval([interval(50.0, half=2.0)] * 4)

    assert (four.value, four.low, four.high) == (50.0, 49.0, 51.0)
    assert mean_interval([interval(50.0, half=2.0)]) == interval(50.0, half=2.0)


@pytest.mark.parametrize("goal", [Goal(metric="bleu"), Goal(metric="macro_f1", slice="fr")])
def test_what_the_evaluation_does_not_tell_is_an_error_that_names_what_it_does(goal: Goal):
    with pytest.raises(EvaluationError, match=rf"does not tell {goal.metric} of {goal.slice}; it tells macro_f1 of de"):
        measures_of(evaluation(), (goal,))


def test_samples_are_spread_over_the_holdout_and_hold_input_answer_and_reference():
    samples = samples_of(evaluation(60), [f"i{number}" for number in range(60)])

    assert len(samples) == NUM_SAMPLES
    assert [(one.input, one.answer, one.reference) for one in samples[:2]] == [
        ("i0", "p0", "r0"),
        ("i10", "p10", "r10"),
    ]
    assert len(samples_of(evaluation(2), ["a", "b"])) == 2
