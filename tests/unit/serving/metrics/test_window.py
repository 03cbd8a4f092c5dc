"""What a router remembers of the last minutes: exact counts, latencies of the newest answers, nothing older."""

import pytest
from tests.support.memory_recorder import MemoryRecorder

from polyloop.serving.metrics.table import ANSWERED, CANCELLED, LOG_DROPPED, REQUEST_SECONDS, REQUESTS
from polyloop.serving.metrics.window import MAX_LATENCIES, WINDOW_S, RecentRequests, nearest_rank


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def behind() -> MemoryRecorder:
    return MemoryRecorder()


@pytest.fixture
def window(behind: MemoryRecorder, clock: Clock) -> RecentRequests:
    return RecentRequests(behind, now=clock)


def answered(window: RecentRequests, seconds: float, version: str = "v1") -> None:
    window.add(REQUEST_SECONDS, seconds, task="mood", version=version, locale="en")
    ended(window, ANSWERED, version)


def ended(window: RecentRequests, outcome: str, version: str = "v1") -> None:
    window.add(REQUESTS, 1, task="mood", version=version, locale="en", outcome=outcome)


def test_answers_failures_and_those_who_left_are_told_apart(window: RecentRequests) -> None:
    for outcome in ("timeout", "timeout", "overloaded", CANCELLED):
        ended(window, outcome)
    answered(window, 0.5)
    (told,) = window.recent().values()
    assert (told.num_requests, told.num_failures, dict(told.failures)) == (5, 3, {"overloaded": 1, "timeout": 2})
    assert (told.p50_s, told.p99_s) == (0.5, 0.5)


def test_versions_are_kept_apart_and_requests_without_one_too(window: RecentRequests) -> None:
    answered(window, 0.1)
    answered(window, 0.9, "v2")
    ended(window, "unknown_locale", "")
    told = window.recent()
    assert told.keys() == {("mood", "v1"), ("mood", "v2"), ("mood", "")}
    assert (told["mood", "v1"].p50_s, told["mood", "v2"].p50_s) == (0.1, 0.9)
    assert told["mood", ""].p50_s is None


def test_what_is_older_than_the_window_is_forgotten(window: RecentRequests, clock: Clock) -> None:
    answered(window, 9.0)
    clock.now_s += WINDOW_S - 1
    answered(window, 0.1)
    assert window.recent()["mood", "v1"].num_requests == 2
    clock.now_s += 12
    told = window.recent()["mood", "v1"]
    assert (told.num_requests, told.p99_s) == (1, 0.1)
    clock.now_s += WINDOW_S + 12
    assert window.recent() == {}


def test_counts_stay_exact_and_latencies_bounded_however_many_requests_come(window: RecentRequests) -> None:
    for number in range(MAX_LATENCIES * 3):
        answered(window, 0.001 * number)
    told = window.recent()["mood", "v1"]
    assert told.num_requests == MAX_LATENCIES * 3
    newest = [0.001 * number for number in range(MAX_LATENCIES * 2, MAX_LATENCIES * 3)]
    assert (told.p50_s, told.p99_s) == (nearest_rank(newest, 0.5), nearest_rank(newest, 0.99))


def test_old_versions_take_no_memory(window: RecentRequests, clock: Clock) -> None:
    for number in range(200):
        answered(window, 0.1, f"v{number}")
        clock.now_s += 60
    assert len(window._series) <= WINDOW_S / 60 + 2


def test_every_figure_goes_on(window: RecentRequests, behind: MemoryRecorder) -> None:
    answered(window, 0.25)
    window.add(LOG_DROPPED, 7)
    found = [behind.of(metric) for metric in (REQUEST_SECONDS, REQUESTS, LOG_DROPPED)]
    assert found == [[0.25], [1], [7]]


def test_it_covers_the_time_since_the_start_until_that_is_the_window(window: RecentRequests, clock: Clock) -> None:
    clock.now_s += 42
    assert window.covered_s == 42
    clock.now_s += 10 * WINDOW_S
    assert window.covered_s == WINDOW_S


@pytest.mark.parametrize(
    ("values", "part", "expected"),
    [([], 0.5, None), ([3.0], 0.99, 3.0), ([1.0, 2.0], 0.5, 1.0), ([1.0, 2.0, 3.0], 0.5, 2.0)],
)
def test_a_quantile_is_the_value_of_its_rank(values: list[float], part: float, expected: float | None) -> None:
    assert nearest_rank(values, part) == expected


def test_the_99th_of_a_hundred_leaves_one_above_it() -> None:
    assert nearest_rank([float(number) for number in range(1, 101)], 0.99) == 99.0
