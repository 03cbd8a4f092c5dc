"""Samples of a holdout."""

import pyarrow as pa
import pytest

from polyloop.errors import EvaluationError
from polyloop.evaluation.suites.sample import sample


def table(*columns):
    rows = [
        {
            "id": f"{number:03}",
            "locale": "en",
            "target_locale": target,
            "input": f"text {number}",
            "target": "x",
            "more": 1,
        }
        for number in range(50)
        for target in ("de", "en")
    ]
    return pa.Table.from_pylist(rows).select(columns or ["more", "id", "locale", "target_locale", "input", "target"])


def test_each_place_has_its_own_bounded_sample_in_order():
    rows = sample(table(), max_rows=10)
    places = [row.place for row in rows]
    assert places == ["en"] * 10 + ["en>de"] * 10
    assert [row.id for row in rows[:10]] == sorted(row.id for row in rows[:10])
    assert len(sample(table())) == 100


def test_the_sample_depends_on_the_seed_and_not_on_the_order_of_the_table():
    reordered = table().take(list(range(99, -1, -1)))
    assert sample(reordered, max_rows=10) == sample(table(), max_rows=10)
    assert sample(table(), max_rows=10, seed=1) != sample(table(), max_rows=10, seed=2)


def test_an_empty_table_or_one_without_a_column_is_refused():
    with pytest.raises(EvaluationError, match="the holdout is empty"):
        sample(table().slice(0, 0))
    with pytest.raises(EvaluationError, match="the holdout has no column 'locale'"):
        sample(table("id", "input"))
