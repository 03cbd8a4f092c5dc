"""Rates leave the first seconds out, and looks of a run become tokens."""

from dataclasses import replace

import pytest
from tests.support.looks import LOOK

from polyloop.bench.train.rates import Point, points_of, rate_of
from polyloop.errors import TrainingError


def test_the_rate_is_that_after_the_first_seconds():
    points = [Point(elapsed_s=at, num_tokens=tokens) for at, tokens in ((1.0, 10), (2.0, 10), (3.0, 50), (5.0, 50))]

    rate = rate_of(points, skip_s=2.0)

    assert rate.tokens_per_s == pytest.approx(100 / 3)
    assert rate.measured_s == pytest.approx(3.0)


def test_without_seconds_to_leave_out_everything_counts():
    assert rate_of([Point(elapsed_s=2.0, num_tokens=30)], skip_s=0.0).tokens_per_s == pytest.approx(15.0)


@pytest.mark.parametrize("skip_s", [4.0, 5.0])
def test_a_run_without_anything_after_the_first_seconds_is_refused(skip_s: float):
    points = [Point(elapsed_s=at, num_tokens=10) for at in (1.0, 4.0)]

    with pytest.raises(TrainingError, match=r"a run of 4\.0 s is too short"):
        rate_of(points, skip_s=skip_s)


def test_looks_tell_the_tokens_since_the_look_before():
    looks = [replace(LOOK, tokens_per_s=100.0), replace(LOOK, elapsed_s=3.0, tokens_per_s=50.0)]

    assert [point.num_tokens for point in points_of(looks)] == [100.0, 100.0]
