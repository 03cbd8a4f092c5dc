"""Percentiles are values that were measured, and a summary counts what ended within its time."""

import pytest

from polyloop.bench.serve.tally import Sample, latencies, percentile, summary


@pytest.mark.parametrize(("percent", "value"), [(50, 50), (99, 99), (99.5, 100), (100, 100), (1, 1), (0.5, 1)])
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(percent: float, value: float):
    assert percentile(list(range(100, 0, -1)), percent) == value


def test_a_percentile_of_one_value_is_that_value():
    assert percentile([3.0], 99) == 3.0


def test_without_samples_there_are_no_percentiles():
    assert latencies([]) == {"num_requests": 0}


def test_a_summary_counts_answers_within_its_time_and_all_failures():
    samples = [Sample(number / 10, 100.0, "v1" if number % 2 else "v2") for number in range(30)]

    told = summary(samples, {"status 503": 2, "other": 1}, started_s=1.0, ended_s=2.0)

    assert told["num_requests"] == 11
    assert told["requests_per_s"] == 11.0
    assert told["num_failed"] == 3
    assert told["failures"] == {"status 503": 2, "other": 1}
    assert told["versions"]["v1"]["num_requests"] + told["versions"]["v2"]["num_requests"] == 11


def test_latencies_of_versions_are_apart_and_answers_without_one_belong_to_none():
    samples = [Sample(0.0, 5.0, "v1"), Sample(0.0, 50.0, "v2"), Sample(0.0, 1.0, "")]

    told = summary(samples, {}, started_s=0.0, ended_s=1.0)

    assert {version: one["p99_ms"] for version, one in told["versions"].items()} == {"v1": 5.0, "v2": 50.0}
    assert told["max_ms"] == 50.0
