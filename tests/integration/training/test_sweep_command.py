"""`polyloop model sweep` in a project of `polyloop init`: trials, the winner's spec and the report."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from polyloop.cli.main import app
from polyloop.spec.loader import load_spec
from polyloop.spec.template import starter_files

pytestmark = [
    pytest.mark.usefixtures("ray_cluster"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context"),
]

SPACE = """\
trials: 3
keys:
  training.learning_rate: {low: 0.0005, high: 0.01, scale: log}
  training.epochs: {choices: [2, 3]}
"""


def test_three_trials_end_as_a_spec_with_the_winner_s_settings(tmp_path: Path) -> None:
    for name, content in starter_files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "space.yaml").write_text(SPACE)
    spec = tmp_path / "polyloop.yaml"
    arguments = ["--spec", str(spec), "model", "sweep", "sentiment", "--space", str(tmp_path / "space.yaml"), "--json"]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    found = json.loads(done.stdout)
    assert found["counts"]["finished"] >= 1
    assert sum(found["counts"].values()) == len(found["trials"]) == 3
    assert found["trials"][0]["name"] == found["winner"]
    swept = load_spec(found["spec"])
    assert swept.path == tmp_path / "polyloop.swept.yaml"
    for key, value in found["settings"].items():
        assert getattr(swept.task("sentiment").training, key.removeprefix("training.")) == value
    comments = [line for line in starter_files()["polyloop.yaml"].splitlines() if line.startswith("#")]
    assert set(comments) <= set(swept.path.read_text().splitlines())
    assert "All trials" in Path(found["report"]).read_text(encoding="utf-8")
    assert spec.read_text() == starter_files()["polyloop.yaml"]
