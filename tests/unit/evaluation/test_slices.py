"""Slices of a table by each dimension, pooling, and what is left out."""

from datetime import UTC, date, datetime, timedelta, timezone

import pyarrow as pa
import pytest

from polyloop.evaluation.slices import OTHER, UNKNOWN, length_bounds, month, slice_rows


def named(table: pa.Table, dimension: str, *, min_rows: int = 1, labels: tuple[str, ...] = ()) -> dict[str, list[int]]:
    found = slice_rows(table, min_rows=min_rows, labels=labels, dimensions=(dimension,))
    assert {one.dimension for one in found} <= {dimension}
    return {one.name: list(one.rows) for one in found}


def test_locales_are_those_of_the_target():
    table = pa.table({"target_locale": ["de", "zh-Hans", "de"], "locale": ["en"] * 3})
    assert named(table, "locale") == {"de": [0, 2], "zh-Hans": [1]}


def test_lengths_are_quarters_of_each_locale_of_its_own():
    lengths = [("en", length) for length in range(10, 90, 10)] + [("zh-Hans", length) for length in range(1, 9)]
    table = pa.table({"locale": [one for one, _ in lengths], "input": ["字" * length for _, length in lengths]})
    found = named(table, "length")
    assert list(found) == ["quarter 1 (shortest)", "quarter 2", "quarter 3", "quarter 4 (longest)"]
    assert found["quarter 1 (shortest)"] == [0, 1, 8, 9]
    assert found["quarter 4 (longest)"] == [6, 7, 14, 15]


def test_bounds_are_lengths_of_the_sample_and_equal_lengths_stay_together():
    assert length_bounds([1, 2, 3, 4, 5, 6, 7, 8]) == (2, 4, 6)
    table = pa.table({"input": ["aa"] * 9 + ["bbbb"]})
    assert [len(rows) for rows in named(table, "length").values()] == [9, 1]


def test_sources_are_sites_where_they_are_addresses_and_else_the_corpus_counts():
    table = pa.table(
        {"source": ["https://a.org/x", "https://a.org/y", "survey", None, "http://[::1"], "corpus": ["c"] * 5}
    )
    assert named(table, "source") == {"a.org": [0, 1], "http://[::1": [4], "survey": [2], UNKNOWN: [3]}
    table = pa.table({"source": [""] * 3, "corpus": ["reviews", "chat", "chat"]})
    assert named(table, "source") == {"chat": [1, 2], "reviews": [0]}


def test_a_row_stands_in_the_slice_of_each_of_its_labels():
    table = pa.table({"target": ['["refund", "delivery"]', "refund", "delivery", "[]"]})
    labels = ("delivery", "refund")
    assert named(table, "label", labels=labels) == {"delivery": [0, 2], "refund": [0, 1]}
    assert named(table, "label") == {}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2026, 3, 1, 0, 30), "2026-03"),
        (datetime(2026, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=2))), "2026-02"),
        (date(2026, 12, 31), "2026-12"),
        ("2026-03-01T00:30:00+02:00", "2026-02"),
        ("2026-03-01", "2026-03"),
        ("0001-01-01T00:00:00+08:00", UNKNOWN),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))), UNKNOWN),
        ("last week", UNKNOWN),
        (17, UNKNOWN),
    ],
)
def test_months_are_told_in_utc(value, expected):
    assert month(value) == expected


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_months_come_from_timestamps_of_any_unit(unit):
    moments = [datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC), None]
    table = pa.table({"timestamp": pa.array(moments, pa.timestamp(unit, tz="UTC"))})
    assert named(table, "month") == {"2026-01": [0], "2026-02": [1], UNKNOWN: [2]}


def test_small_slices_are_pooled_and_each_row_counts_once_in_the_pool():
    table = pa.table({"target": ["a", "a", "a", '["b", "c"]', "c"]})
    assert named(table, "label", min_rows=3, labels=("a", "b", "c")) == {"a": [0, 1, 2], OTHER: [3, 4]}


def test_a_dimension_that_does_not_divide_the_rows_is_left_out():
    table = pa.table({"target_locale": ["de"] * 4, "corpus": ["a", "b", "c", "d"], "input": ["x"] * 4})
    assert slice_rows(table, min_rows=2, labels=("x",)) == ()


def test_the_same_table_gives_the_same_slices():
    table = pa.table({"input": [f"{number * 7919 % 101}" * (number % 13 + 1) for number in range(200)]})
    assert slice_rows(table, min_rows=5) == slice_rows(table, min_rows=5)
    assert sum(len(one.rows) for one in slice_rows(table, min_rows=5)) == 200
