"""When a call is tried again and after what pause: the decision, at its edges and for whatever numbers come."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyloop.client.retries import RETRIED_STATUSES, Retries, Tries, pause_s, read_retry_after

NOW = datetime(2026, 11, 30, 12, 0, 0, tzinfo=UTC)


def most(_low: float, high: float) -> float:
    return high


def least(low: float, _high: float) -> float:
    return low


def pause(num_tries: int = 1, *, retry_after_s: float = 0, left_s: float = 1_000, draw=most, **retries) -> float | None:
    return pause_s(Retries(**retries), num_tries=num_tries, retry_after_s=retry_after_s, left_s=left_s, draw=draw)


def test_the_longest_pause_doubles_up_to_a_limit():
    assert [pause(tries, max_tries=9) for tries in range(1, 9)] == [0.25, 0.5, 1, 2, 4, 8, 8, 8]


def test_a_pause_may_be_as_short_as_nothing():
    assert [pause(tries, draw=least) for tries in (1, 5)] == [0, 0]


def test_retry_after_is_waited_for_up_to_a_limit():
    assert pause(retry_after_s=3, draw=least) == 3
    assert pause(retry_after_s=3, first_pause_s=5) == 5
    assert pause(retry_after_s=3_600) == 30


def test_a_pause_beyond_the_deadline_is_not_begun():
    assert pause(retry_after_s=3, left_s=3.1) == 3
    assert pause(retry_after_s=3, left_s=3) is None
    assert pause(left_s=-1, draw=least) is None


def test_tries_come_to_an_end():
    assert pause(7, draw=least) == 0
    assert pause(8, draw=least) is None
    assert pause(1, max_tries=1, draw=least) is None


@given(
    num_tries=st.integers(1, 10_000),
    retry_after_s=st.floats(0, 1e9),
    left_s=st.floats(-10, 1e6),
    part=st.floats(0, 1),
    first=st.floats(0, 100),
    longest=st.floats(0, 100),
)
def test_no_pause_is_negative_above_its_limits_or_past_the_deadline(
    num_tries, retry_after_s, left_s, part, first, longest
):
    retries = Retries(first_pause_s=first, longest_pause_s=longest, max_tries=10_001)
    found = pause_s(
        retries,
        num_tries=num_tries,
        retry_after_s=retry_after_s,
        left_s=left_s,
        draw=lambda low, high: low + part * (high - low),
    )
    if found is not None:
        assert 0 <= found <= max(longest, retries.longest_retry_after_s)
        assert found < left_s
        assert found >= min(retry_after_s, retries.longest_retry_after_s)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("2", 2),
        ("0.5", 0.5),
        ("-3", 0),
        ("nan", 0),
        ("inf", 0),
        ("soon", 0),
        ("Mon, 30 Nov 2026 12:00:07 GMT", 7),
        ("Mon, 30 Nov 2026 11:00:00 GMT", 0),
        ("Mon, 30 Nov 2026 12:00:07 -0000", 7),
    ],
)
def test_retry_after_is_read_in_both_forms(value, seconds):
    assert read_retry_after(value, NOW) == seconds


@given(value=st.text(max_size=40))
def test_whatever_retry_after_holds_is_a_time_to_wait(value):
    assert read_retry_after(value, NOW) >= 0


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 408, 409, 413, 422, 500, 501])
def test_statuses_that_would_come_again_are_not_tried_again(status):
    assert Tries(Retries()).pause_s(status) is None


@pytest.mark.parametrize("status", [None, *sorted(RETRIED_STATUSES)])
def test_statuses_that_say_not_now_are_tried_again(status):
    assert {429, 502, 503, 504} == RETRIED_STATUSES
    tries = Tries(Retries(max_tries=2))
    assert tries.pause_s(status) is not None
    assert tries.pause_s(status) is None
