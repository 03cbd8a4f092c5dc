"""`polyloop bench`: names, options that belong together, and the table of kept quality results."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from polyloop.bench import feedback
from polyloop.bench.figures import Figure
from polyloop.bench.quality.results import Measure, QualityResult, save_result
from polyloop.cli.bench import MODULES
from polyloop.cli.main import app


def polyloop(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def keep(folder: Path, *, value: float) -> None:
    measure = Measure(metric="accuracy", slice="overall", value=value, low=80.0, high=84.0, num_rows=1821, bar=81.5)
    save_result(
        QualityResult(
            name="sst2",
            quick=False,
            date="2026-11-27T08:00:00+00:00",
            measures=(measure,),
            num_parameters=1_000,
            max_parameters=None,
            seconds={"train": 60.0},
            num_rows={"holdout": 1821},
            digests={},
            machine={},
        ),
        folder,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["speed"], "there is no benchmark 'speed'; there are: corpus, feedback, quality, serve, train"),
        (["feedback", "sst2"], "belong to the benchmark quality"),
        (["feedback", "--all"], "belong to the benchmark quality"),
        (["quality", "imdb"], "there is no set 'imdb'"),
        (["quality", "sst2", "--all"], "--all is every set"),
        (["quality", "--results", "nowhere"], "nowhere holds no results yet"),
    ],
)
def test_what_cannot_be_run_is_refused_with_what_can(arguments: list[str], message: str):
    result = polyloop("bench", *arguments)

    assert result.exit_code != 0
    assert message in str(result.exception)


def test_the_kept_results_are_one_table_and_a_missed_bar_is_the_exit_code(tmp_path: Path):
    keep(tmp_path, value=82.0)
    reached = polyloop("bench", "quality", "--results", str(tmp_path))
    keep(tmp_path, value=81.0)
    missed = polyloop("bench", "quality", "--results", str(tmp_path), "--json")

    assert reached.exit_code == 0
    assert "82.00" in reached.stdout
    assert missed.exit_code == 1
    (told,) = json.loads(missed.stdout)
    assert told["benchmark"] == "quality sst2"
    assert told["figures"][0]["ok"] is False
    assert told["result"]["num_rows"] == {"holdout": 1821}


def test_one_benchmark_is_run_by_its_name(monkeypatch: pytest.MonkeyPatch):
    def run(*, quick: bool) -> list[Figure]:
        return [Figure(name="speed", value=1.0 if quick else 3.0, unit="1/s", bar=2.0)]

    monkeypatch.setattr(feedback, "run", run)

    assert polyloop("bench", "feedback").exit_code == 0
    assert polyloop("bench", "feedback", "--quick").exit_code == 1


def test_every_benchmark_of_the_list_has_figures_to_give():
    from importlib import import_module

    assert all(callable(import_module(module).run) for module in MODULES.values())
