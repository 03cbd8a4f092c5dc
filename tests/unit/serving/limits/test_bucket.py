"""A bucket gives its rate in the long run, a minute's worth at once, and may be overdrawn by what is served whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyloop.serving.limits.bucket import Bucket


def test_a_full_bucket_gives_a_minutes_worth_at_once_and_then_its_rate() -> None:
    bucket = Bucket(60)
    for _ in range(60):
        assert bucket.wait_s(1_000.0) == 0
        bucket.take(1, 1_000.0)
    assert bucket.wait_s(1_000.0) == pytest.approx(1.0)
    assert bucket.wait_s(1_000.75) == pytest.approx(0.25)
    assert bucket.wait_s(1_001.0) == 0


def test_what_is_larger_than_the_bucket_is_served_once_and_paid_for_afterwards() -> None:
    bucket = Bucket(60)
    bucket.take(180, 0.0)
    assert bucket.wait_s(0.0) == pytest.approx(121.0)
    assert bucket.wait_s(120.0) == pytest.approx(1.0)


def test_an_idle_hour_gives_no_more_than_a_minutes_worth() -> None:
    bucket = Bucket(10)
    bucket.take(10, 0.0)
    bucket.take(10, 3_600.0)
    assert bucket.wait_s(3_600.0) == pytest.approx(6.0)


def test_one_a_minute_can_be_taken_once_a_minute() -> None:
    bucket = Bucket(1)
    bucket.take(1, 0.0)
    assert bucket.wait_s(0.0) == pytest.approx(60.0)
    assert bucket.wait_s(60.0) == pytest.approx(0.0)


def test_a_clock_that_stands_still_or_goes_back_gives_nothing() -> None:
    bucket = Bucket(60)
    bucket.take(60, 100.0)
    assert bucket.wait_s(50.0) == pytest.approx(1.0)
    assert bucket.wait_s(100.0) == pytest.approx(1.0)


@given(
    per_minute=st.integers(1, 10_000),
    gaps_s=st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=200),
)
def test_who_waits_when_told_to_never_takes_more_than_the_rate_and_one_burst(
    per_minute: int, gaps_s: list[float]
) -> None:
    bucket, now_s, taken = Bucket(per_minute), 0.0, 0
    for gap_s in gaps_s:
        now_s += gap_s
        if bucket.wait_s(now_s) == 0:
            bucket.take(1, now_s)
            taken += 1
    assert taken <= per_minute + per_minute * now_s / 60 + 1e-6
