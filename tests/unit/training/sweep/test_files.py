"""The folder of a sweep."""

from pathlib import Path

from tests.support.looks import epoch_end

from polyloop.training.scores import epoch_scores
from polyloop.training.session import LocalSession
from polyloop.training.sweep.files import SweepFiles
from polyloop.training.sweep.results import outcome_of
from polyloop.training.sweep.space import Trial

TRIAL = Trial(number=3, settings={"training.dropout": 0.25, "model.recipe": "nano", "training.patience": None})


def test_an_outcome_reads_back_and_what_only_the_run_needed_is_gone(tmp_path: Path) -> None:
    files = SweepFiles(tmp_path)
    session = LocalSession(run_dir=files.trial_dir(TRIAL))
    session.report(epoch_end(0, 0.4, 0.9))
    session.save(lambda folder: (folder / "state.pt").touch())
    (files.trial_dir(TRIAL) / "model").mkdir()
    assert files.outcome(TRIAL) is None
    scores = epoch_scores(files.looks(TRIAL), "loss")
    outcome = outcome_of(TRIAL, scores, "loss", state="stopped", elapsed_s=1.0)
    files.record(TRIAL, outcome)
    assert files.outcome(TRIAL) == outcome
    assert sorted(path.name for path in files.trial_dir(TRIAL).iterdir()) == ["outcome.json", "progress.jsonl"]
    assert epoch_scores(files.looks(TRIAL), "loss") == scores
