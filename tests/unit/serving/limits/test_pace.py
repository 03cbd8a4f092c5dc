"""The expected wait of a new request, on queues whose true waits are known."""

import math
from collections import deque

import pytest

from polyloop.serving.limits.pace import Pace


def simulate(pace: Pace, *, num_servers: int, service_s: float, gap_s: float, until_s: float) -> float:
    """Let requests come at even gaps to servers of equal speed, and return how long one that comes at the end waits."""
    free_at = deque([0.0] * num_servers)
    ends: deque[float] = deque()
    now_s = 0.0
    while now_s < until_s:
        while ends and ends[0] <= now_s:
            pace.done(ends.popleft(), service_s)
        pace.come(now_s)
        begins_s = max(now_s, free_at.popleft())
        free_at.append(begins_s + service_s)
        ends.append(begins_s + service_s)
        now_s += gap_s
    while ends and ends[0] <= until_s:
        pace.done(ends.popleft(), service_s)
    return max(0.0, free_at[0] - until_s)


@pytest.mark.parametrize(("num_servers", "service_s"), [(1, 0.05), (8, 0.4), (64, 20.0)])
def test_without_a_queue_nobody_waits_however_long_the_work_is(num_servers: int, service_s: float) -> None:
    pace = Pace()
    simulate(pace, num_servers=num_servers, service_s=service_s, gap_s=service_s / num_servers, until_s=200.0)
    assert pace.wait_s(200.0) < 0.1 * service_s


@pytest.mark.parametrize("overload", [1.2, 2.0, 5.0])
@pytest.mark.parametrize(("num_servers", "service_s"), [(1, 0.05), (4, 0.5)])
def test_the_wait_of_a_growing_queue_is_told_before_it_is_suffered(
    num_servers: int, service_s: float, overload: float
) -> None:
    pace = Pace()
    gap_s = service_s / num_servers / overload
    true_s = simulate(pace, num_servers=num_servers, service_s=service_s, gap_s=gap_s, until_s=40.0)
    assert pace.wait_s(40.0) == pytest.approx(true_s, rel=0.15)


def test_where_nothing_was_answered_yet_nobody_knows() -> None:
    pace = Pace()
    pace.come(0.0)
    assert pace.wait_s(1.0) == math.inf


def test_an_idle_night_is_not_taken_for_slowness() -> None:
    pace = Pace()
    for at_s in range(10):
        pace.come(float(at_s))
        pace.done(at_s + 0.5, 0.5)
    before = pace.wait_s(10.0)
    assert pace.wait_s(36_000.0) == before == 0.0
    pace.come(36_000.0)
    assert pace.wait_s(36_000.0) < 0.1


def test_replicas_that_stand_still_make_the_wait_grow() -> None:
    pace = Pace()
    for at_s in range(20):
        pace.come(float(at_s))
        pace.done(at_s + 0.5, 0.5)
    for _ in range(10):
        pace.come(20.0)
    waits = [pace.wait_s(20.0 + later_s) for later_s in (0.0, 5.0, 20.0, 60.0)]
    assert waits == sorted(waits)
    assert waits[-1] > 10 * waits[0]


def test_requests_that_end_without_an_answer_take_no_part() -> None:
    pace = Pace()
    pace.come(0.0)
    pace.done(1.0, 1.0)
    for _ in range(5):
        pace.come(1.0)
        pace.leave(1.0)
    assert (pace.num_in_flight, pace.wait_s(1.0)) == (0, 0.0)
