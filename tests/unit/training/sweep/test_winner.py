"""The winner's spec: the original with the winner's values, and nothing else changed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polyloop.errors import SpecError, TrainingError
from polyloop.spec.loader import load_spec
from polyloop.training.scores import EpochScore
from polyloop.training.sweep.results import SweepResult, decide_winner, outcome_of
from polyloop.training.sweep.space import Settings, Trial
from polyloop.training.sweep.winner import default_path, write_winner

SPEC = """\
# My project
project: example
locales: [en]
corpora:
  moods:  # all of them
    paths: [data/moods.jsonl]
    columns: {input: text, target: label}
    locale: en
    licence: CC0-1.0
tasks:
  mood:
    kind: classify
    labels: [good, bad]
    corpora: [moods]
    model: {recipe: nano, vocab_size: 300}  # small
"""


def result(settings: Settings) -> SweepResult:
    own: Settings = {**dict.fromkeys(settings), "training.seed": 17, "model.recipe": "nano"}
    outcomes = []
    for number, (values, score) in enumerate(((own, -0.5), (settings, -0.25))):
        one = EpochScore(epoch=2, score=score, dev_loss=-score, dev_accuracy=0.9, elapsed_s=1.0)
        trial = Trial(number=number, settings=values)
        outcomes.append(outcome_of(trial, (one,), "loss", state="finished", elapsed_s=1.0))
    return decide_winner("mood", "loss", outcomes)


def test_the_winner_s_values_stand_in_the_file_and_comments_stay(
    tmp_path: Path, write_spec: Callable[[str], Path]
) -> None:
    loaded = load_spec(write_spec(SPEC))
    settings: Settings = {"training.learning_rate": 0.002, "model.recipe": "tiny", "training.seed": 99}
    written = write_winner(loaded, result(settings), default_path(loaded.path))
    assert written.path == tmp_path / "polyloop.swept.yaml"
    assert written.keeps_comments
    lines = written.path.read_text().splitlines()
    assert lines[0].startswith("# From polyloop.yaml by `polyloop model sweep mood`: trial-0001 of 2 trials")
    assert "dev loss 0.2500 after epoch 2" in lines[0]
    old = SPEC.replace("recipe: nano", "recipe: tiny").splitlines()
    assert lines[1:] == [*old, "    training:", "      learning_rate: 0.002", "      seed: 99"]
    task = load_spec(written.path).task("mood")
    assert (task.training.learning_rate, task.training.seed, task.model.recipe) == (0.002, 99, "tiny")


@pytest.mark.parametrize(
    ("name", "words"),
    [("polyloop.yaml", "is the spec itself"), ("other/polyloop.yaml", "relative paths of a spec start at its folder")],
)
def test_a_place_that_would_lose_or_break_something_is_refused(
    tmp_path: Path, write_spec: Callable[[str], Path], name: str, words: str
) -> None:
    loaded = load_spec(write_spec(SPEC))
    with pytest.raises(SpecError, match=words):
        write_winner(loaded, result({"training.dropout": 0.2}), tmp_path / name)
    assert loaded.path.read_text() == SPEC


def test_values_that_the_spec_refuses_leave_no_file(tmp_path: Path, write_spec: Callable[[Any], Path]) -> None:
    loaded = load_spec(write_spec(SPEC))
    with pytest.raises(TrainingError, match="do not go together"):
        write_winner(loaded, result({"training.dropout": 7.0}), tmp_path / "new.yaml")
    assert [path.name for path in tmp_path.iterdir()] == ["polyloop.yaml"]
