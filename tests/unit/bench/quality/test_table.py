"""The table has a row for each measure, and says what is about the run once."""

from dataclasses import replace

from tests.unit.bench.quality.conftest import MakeResult

from polyloop.bench.quality.table import table_rows


def test_a_row_tells_value_interval_bar_published_figure_size_and_time(make_result: MakeResult):
    (row,) = table_rows([make_result()])

    assert row == {
        "set": "sst2",
        "metric": "accuracy",
        "slice": "overall",
        "rows": "1,821",
        "value": "82.00",
        "interval": "81.00 to 83.00",
        "bar": "81.5",
        "aim": "83.6",
        "published": "83.5",
        "parameters": "1.25 M",
        "minutes": "2.0",
        "ok": "yes",
    }


def test_a_second_measure_repeats_nothing_of_the_run(make_result: MakeResult):
    result = make_result()
    told = replace(result.measures[0], metric="macro_f1", bar=None, aim=None, published=None)
    _, row = table_rows([replace(result, measures=(*result.measures, told))])

    assert (row["set"], row["parameters"], row["minutes"]) == ("", "", "")
    assert (row["bar"], row["published"], row["ok"]) == ("", "", "")


def test_quick_looks_misses_and_large_models_are_marked(make_result: MakeResult):
    (row,) = table_rows([make_result(value=60.0, quick=True, max_parameters=1_000_000)])

    assert row["set"] == "sst2 (quick)"
    assert row["ok"] == "no"
    assert row["parameters"] == "1.25 M (too many)"


def test_retrieval_has_no_weights(make_result: MakeResult):
    assert table_rows([make_result("xquad", num_parameters=0)])[0]["parameters"] == ""
