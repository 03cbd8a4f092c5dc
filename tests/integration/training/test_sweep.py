"""A sweep on a Ray cluster: trials side by side, failing ones, and processes that die in the middle."""

import gc
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tests.support.small_tasks import small_dataset, small_task

from polyloop.data.dataset import Dataset
from polyloop.errors import TrainingError
from polyloop.spec.sweep import SweepSpec
from polyloop.training.progress import read_progress
from polyloop.training.session import PROGRESS_FILE
from polyloop.training.sweep.files import OUTCOME_FILE
from polyloop.training.sweep.run import SweepRequest, run_sweep, write_report

pytestmark = [
    pytest.mark.usefixtures("ray_cluster"),
    # Ray Train copies the settings of Ray Data, which then warns of its own defaults.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context"),
    # Ray Tune leaves its own log files open where it is broken off.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def _request(tmp_path: Path, keys: dict[str, Any], **fields: Any) -> SweepRequest:
    training = {"epochs": 3, "cpus_per_worker": 1, "threads_per_worker": 1}
    task = small_task("classify", training=training)
    dataset: Dataset = small_dataset(tmp_path / "dataset", task, range(200))
    return SweepRequest(
        task_name="numbers",
        task=task,
        sweep=SweepSpec.model_validate({"keys": keys, **fields}),
        dataset_dir=dataset.path,
        dataset_digest=dataset.digest,
        storage_path=tmp_path / "sweeps",
    )


def test_three_trials_give_a_winner_and_a_second_call_trains_nothing(tmp_path: Path) -> None:
    request = _request(tmp_path, {"training.learning_rate": {"low": 0.3, "high": 0.9}}, trials=3)
    told: list[str] = []
    result = run_sweep(request, progress=told.append)
    assert [trial.name for trial in result.trials] == ["trial-0000", "trial-0001", "trial-0002"]
    assert result.winner.number == 0  # such rates learn nothing
    assert result.winner.num_epochs == 3
    assert result.trials[0].score is not None
    assert all((other.score or -9.0) < result.trials[0].score for other in result.trials[1:])
    assert told[-1].startswith("numbers: sweep, 3 of 3 trials ended 100%")
    assert not list(request.folder.glob(".tune-*"))
    assert not list(request.folder.rglob("state.pt"))
    assert "trial-0000" in write_report(request, result).read_text()
    begun_s = time.monotonic()
    assert run_sweep(request, progress=told.append) == result
    assert time.monotonic() - begun_s < 1.0


def test_trials_that_fail_are_named_and_the_sweep_goes_on(tmp_path: Path) -> None:
    keys = {"training.label_smoothing": {"choices": [0.1]}, "training.ema_decay": {"choices": [0.0, 0.9]}}
    request = _request(tmp_path, keys | {"training.average_epochs": {"choices": [1, 2]}}, stop_early=False)
    result = run_sweep(request, progress=lambda _: None)
    assert (result.count("finished"), result.count("failed")) == (3, 1)
    (failed,) = [trial for trial in result.trials if trial.state == "failed"]
    assert "`ema_decay` and `average_epochs` both average weights" in failed.message


def test_a_sweep_whose_trials_all_fail_says_why(tmp_path: Path) -> None:
    request = _request(tmp_path, {"training.dropout": {"choices": [0.1]}})
    for path in (request.dataset_dir / "train").glob("*.parquet"):
        path.unlink()
    with pytest.raises(TrainingError, match=r"none of the 1 trials of 'numbers' gave a model; trial-0000: "):
        run_sweep(request, progress=lambda _: None)


class BreaksOff:
    """Ends the driver's work when the first trial has ended."""

    def __call__(self, message: str) -> None:
        if ", 1 of 3 trials ended" in message:
            raise KeyboardInterrupt


def test_a_sweep_that_broke_off_goes_on_to_the_scores_of_an_unbroken_one(tmp_path: Path) -> None:
    keys = {"training.learning_rate": {"low": 1e-3, "high": 1e-2, "scale": "log"}}
    request = _request(tmp_path, keys, trials=3, stop_early=False, max_concurrent=1)
    with pytest.raises(KeyboardInterrupt):
        run_sweep(request, progress=BreaksOff())
    gc.collect()
    first = (request.folder / "trial-0000" / OUTCOME_FILE).read_bytes()
    told: list[str] = []
    resumed = run_sweep(request, progress=told.append)
    assert told[0].startswith("numbers: sweep, 1 of 3 trials ended")
    assert (request.folder / "trial-0000" / OUTCOME_FILE).read_bytes() == first
    unbroken = run_sweep(replace(request, storage_path=tmp_path / "unbroken"), progress=lambda _: None)
    assert [trial.score for trial in resumed.trials] == pytest.approx([trial.score for trial in unbroken.trials])
    assert resumed.winner.number == unbroken.winner.number


def test_a_trial_whose_process_dies_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    request = _request(tmp_path, {"training.dropout": {"choices": [0.1]}}, stop_early=False)
    training = request.task.training.model_copy(update={"epochs": 40.0, "batch_tokens": 64, "checkpoint_every_s": 0.2})
    request = replace(request, task=request.task.model_copy(update={"training": training}))
    folder = request.folder / "trial-0000"
    killed: list[int] = []

    def kill_once_there_is_a_checkpoint() -> None:
        deadline = time.monotonic() + 60
        while not killed and time.monotonic() < deadline:
            looks = read_progress(folder / PROGRESS_FILE)
            if looks and any(folder.glob("checkpoint-*")):
                killed.append(looks[-1][0].pid)
                os.kill(killed[0], signal.SIGKILL)
            time.sleep(0.02)

    killer = Thread(target=kill_once_there_is_a_checkpoint)
    killer.start()
    result = run_sweep(request, progress=lambda _: None)
    killer.join()
    looks = [look for look, _ in read_progress(folder / PROGRESS_FILE)]
    assert killed
    assert looks[-1].resumed
    assert looks[-1].pid != killed[0]
    assert (result.winner.state, result.winner.num_epochs) == ("finished", 40)
