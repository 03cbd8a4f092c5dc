"""Results are kept as JSON, quick looks apart, and become figures with their bars."""

from pathlib import Path

import pytest
from tests.unit.bench.quality.conftest import MakeResult

from polyloop.bench.quality.results import kept_result, kept_results, result_path, save_result
from polyloop.errors import EvaluationError


def test_a_kept_result_is_read_back_as_it_was(make_result: MakeResult, tmp_path: Path):
    result = make_result()
    save_result(result, tmp_path / "results")

    assert kept_result(tmp_path / "results", "sst2", quick=False) == result
    assert "好看" in result_path(tmp_path / "results", "sst2", quick=False).read_text(encoding="utf-8")


def test_a_quick_look_never_stands_among_results(make_result: MakeResult, tmp_path: Path):
    save_result(make_result(quick=True), tmp_path)

    assert kept_results(tmp_path, ["sst2"]) == []
    assert kept_result(tmp_path, "sst2", quick=True) is not None


def test_results_come_in_the_order_of_the_sets_and_gaps_are_left_out(make_result: MakeResult, tmp_path: Path):
    for name in ("cold", "sst2"):
        save_result(make_result(name), tmp_path)

    assert [one.name for one in kept_results(tmp_path, ["sst2", "topics", "cold"])] == ["sst2", "cold"]


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"measures": [{"value": 1}], "samples": []}'])
def test_a_damaged_result_is_named(text: str, tmp_path: Path):
    result_path(tmp_path, "sst2", quick=False).write_text(text)

    with pytest.raises(EvaluationError, match=r"sst2\.json: this is not a quality result"):
        kept_result(tmp_path, "sst2", quick=False)


def test_a_missed_bar_or_too_many_weights_make_a_result_not_ok(make_result: MakeResult):
    assert make_result().ok
    assert make_result(value=50.0, bar=None).ok
    assert not make_result(value=81.4).ok
    assert not make_result(max_parameters=1_000_000).ok


def test_figures_hold_the_bar_the_interval_and_the_number_of_weights(make_result: MakeResult):
    accuracy, parameters = make_result(value=81.4, max_parameters=3_000_000).figures()

    assert (accuracy.name, accuracy.ratio, accuracy.ok) == ("sst2: accuracy, overall", 81.4, False)
    assert accuracy.details["published"] == 83.5
    assert (parameters.value, parameters.ok) == (1_250_000, True)
