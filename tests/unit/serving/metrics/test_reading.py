"""What two reads of Prometheus pages say: rates, restarts, nodes that come and go, and quantiles as PromQL has them."""

import math

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from polyloop.serving.metrics.reading import Reading, figures_of, increases, mean_of_whole, quantile, read_page
from polyloop.serving.metrics.table import BATCH_ROWS, QUEUE_SECONDS, REQUEST_SECONDS, REQUESTS


class Node:
    """A page that a real Prometheus client writes, under the names that Ray exports."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(f"ray_{REQUESTS.name}", "x", [*REQUESTS.tags, "WorkerId"], registry=self._registry)
        self._histograms = {
            metric.name: Histogram(
                f"ray_{metric.name}", "x", [*metric.tags, "WorkerId"], buckets=metric.buckets, registry=self._registry
            )
            for metric in (REQUEST_SECONDS, QUEUE_SECONDS, BATCH_ROWS)
        }

    def requests(self, task: str, outcome: str, count: int, *, took_s: float = 0.02, worker: str = "a") -> None:
        """Answer requests."""
        self._requests.labels(task, "v1", "en", outcome, worker).inc(count)
        for _ in range(count if outcome == "answered" else 0):
            self._histograms[REQUEST_SECONDS.name].labels(task, "v1", "en", worker).observe(took_s)

    def batch(self, task: str, rows: int, waited_s: float) -> None:
        """Call the model."""
        self._histograms[BATCH_ROWS.name].labels(task, "v1", "a").observe(rows)
        self._histograms[QUEUE_SECONDS.name].labels(task, "a").observe(waited_s)

    @property
    def page(self) -> str:
        """The page as a scraper gets it, with figures of others on it."""
        others = '# HELP ray_tasks x\n# TYPE ray_tasks gauge\nray_tasks{State="RUN",Name="a b\\"c"} 3.0\n'
        return others + generate_latest(self._registry).decode()


def reading(at_s: float, **nodes: Node) -> Reading:
    return Reading(at_s=at_s, pages={name: read_page(node.page) for name, node in nodes.items()})


def test_rates_are_increases_over_the_time_between() -> None:
    node = Node()
    node.requests("mood", "answered", 100)
    before = reading(10.0, a=node)
    node.requests("mood", "answered", 40, took_s=0.02)
    node.requests("mood", "timeout", 6)
    node.requests("mood", "cancelled", 4)
    node.requests("other", "answered", 7)
    found = figures_of(before, reading(20.0, a=node), ["mood", "other", "idle"])
    assert found["mood"].requests_per_s == pytest.approx(5.0)
    assert found["mood"].failures_per_s == pytest.approx(0.6)
    assert found["other"].requests_per_s == pytest.approx(0.7)
    assert (found["idle"].requests_per_s, found["idle"].p50_s, found["idle"].rows_per_batch) == (0.0, None, None)


def test_times_are_those_of_the_requests_in_between() -> None:
    node = Node()
    node.requests("mood", "answered", 1_000, took_s=20.0)
    before = reading(0.0, a=node)
    node.requests("mood", "answered", 98, took_s=0.004)
    node.requests("mood", "answered", 2, took_s=0.4)
    found = figures_of(before, reading(10.0, a=node), ["mood"])["mood"]
    assert found.p50_s is not None
    assert found.p99_s is not None
    assert 0.0025 < found.p50_s < 0.005
    assert 0.25 < found.p99_s < 0.5


def test_batches_tell_their_rows_and_their_wait() -> None:
    node = Node()
    node.batch("mood", 32, 9.0)
    before = reading(0.0, a=node)
    for rows in (1, 3, 8):
        node.batch("mood", rows, 0.002)
    found = figures_of(before, reading(10.0, a=node), ["mood"])["mood"]
    assert found.rows_per_batch == pytest.approx((1 + 3.5 + 6.5) / 3)
    assert found.queue_p99_s is not None
    assert 0.001 < found.queue_p99_s <= 0.0025


def test_a_counter_that_fell_began_anew() -> None:
    old, new = Node(), Node()
    old.requests("mood", "answered", 500)
    new.requests("mood", "answered", 30)
    found = figures_of(reading(0.0, a=old), reading(10.0, a=new), ["mood"])["mood"]
    assert found.requests_per_s == pytest.approx(3.0)
    assert found.p50_s is not None


def test_a_process_that_is_new_counts_from_nought_and_one_that_is_gone_counts_no_more() -> None:
    node, after = Node(), Node()
    node.requests("mood", "answered", 500, worker="gone")
    before = reading(0.0, a=node)
    after.requests("mood", "answered", 20, worker="new")
    assert figures_of(before, reading(10.0, a=after), ["mood"])["mood"].requests_per_s == pytest.approx(2.0)


def test_all_nodes_count_and_one_that_was_not_read_before_counts_for_nothing() -> None:
    first, second, late = Node(), Node(), Node()
    before = reading(0.0, a=first, b=second)
    first.requests("mood", "answered", 10)
    second.requests("mood", "answered", 20)
    late.requests("mood", "answered", 100_000)
    after = reading(10.0, a=first, b=second, c=late)
    assert figures_of(before, after, ["mood"])["mood"].requests_per_s == pytest.approx(3.0)
    assert figures_of(before, reading(10.0, b=second), ["mood"])["mood"].requests_per_s == pytest.approx(2.0)


def test_pages_without_our_figures_are_empty() -> None:
    assert read_page("") == {}
    assert read_page('# TYPE ray_tasks gauge\nray_tasks{State="RUN"} 3.0\n') == {}
    assert increases(Reading(at_s=0, pages={"a": {}}), Reading(at_s=1, pages={"a": {}})) == {}


def test_readings_must_be_in_order() -> None:
    now = Reading(at_s=1.0, pages={})
    with pytest.raises(ValueError, match="give the earlier one first"):
        figures_of(now, now, ["mood"])


@pytest.mark.parametrize(
    ("share", "buckets", "expected"),
    [
        (0.5, {}, None),
        (0.5, {1.0: 0.0, math.inf: 0.0}, None),
        (0.5, {1.0: 10.0, math.inf: 10.0}, 0.5),
        (0.5, {1.0: 0.0, 2.0: 10.0, math.inf: 10.0}, 1.5),
        (0.99, {1.0: 50.0, 2.0: 100.0, math.inf: 100.0}, 1.98),
        (0.99, {1.0: 1.0, 2.0: 2.0, math.inf: 100.0}, 2.0),
        (1.0, {1.0: 4.0, 2.0: 4.0, math.inf: 4.0}, 1.0),
    ],
)
def test_quantiles(share: float, buckets: dict[float, float], expected: float | None) -> None:
    found = quantile(share, buckets)
    assert found == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        ({}, None),
        ({1.0: 0.0, math.inf: 0.0}, None),
        ({1.0: 7.0, 2.0: 7.0, math.inf: 7.0}, 1.0),
        ({1.0: 1.0, 2.0: 2.0, math.inf: 2.0}, 1.5),
        ({1.0: 0.0, 2.0: 0.0, 4.0: 2.0, math.inf: 2.0}, 3.5),
        ({1.0: 0.0, 128.0: 0.0, math.inf: 2.0}, 128.0),
    ],
)
def test_means_of_whole_numbers(buckets: dict[float, float], expected: float | None) -> None:
    found = mean_of_whole(buckets)
    assert found == (None if expected is None else pytest.approx(expected))
