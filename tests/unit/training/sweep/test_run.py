"""How a trial is taken to have ended that Ray Tune has let go of, without Ray's cluster."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.support.looks import epoch_end
from tests.support.small_tasks import small_task

from polyloop.errors import TrainingError
from polyloop.spec.sweep import SweepSpec
from polyloop.training.progress import ProgressFile
from polyloop.training.ray_session import write_failure
from polyloop.training.session import PROGRESS_FILE
from polyloop.training.sweep.files import SweepFiles
from polyloop.training.sweep.recorder import Recorder
from polyloop.training.sweep.run import SweepRequest, ended_outcome
from polyloop.training.sweep.space import Trial

TRIAL = Trial(number=1, settings={"training.seed": 3})


@pytest.fixture
def request_of(tmp_path: Path) -> SweepRequest:
    return SweepRequest(
        task_name="numbers",
        task=small_task("classify", training={"max_failures": 2}),
        sweep=SweepSpec.model_validate({"keys": {"training.dropout": {"choices": [0.0, 0.1]}}}),
        dataset_dir=tmp_path,
        dataset_digest="d" * 64,
        storage_path=tmp_path,
    )


@pytest.fixture
def files(request_of: SweepRequest) -> SweepFiles:
    """Return the folder of a sweep whose trial has told one epoch."""
    found = SweepFiles(request_of.folder)
    found.trial_dir(TRIAL).mkdir(parents=True)
    ProgressFile(found.trial_dir(TRIAL) / PROGRESS_FILE).write(epoch_end(0, 0.9))
    return found


def test_a_trial_whose_process_died_too_often_has_failed_and_was_not_stopped(
    request_of: SweepRequest, files: SweepFiles
) -> None:
    died = ended_outcome(request_of, files, TRIAL, has_died=True)
    assert died.state == "failed"
    assert died.message.startswith("its process died 3 times")
    assert ended_outcome(request_of, files, TRIAL, has_died=False).state == "stopped"


def test_what_a_trial_wrote_down_counts_more(request_of: SweepRequest, files: SweepFiles) -> None:
    write_failure(files.trial_dir(TRIAL), TrainingError("memory is too small"))
    found = ended_outcome(request_of, files, TRIAL, has_died=True)
    assert (found.state, found.message) == ("failed", "memory is too small")


def test_a_trial_that_left_a_model_has_finished(request_of: SweepRequest, files: SweepFiles) -> None:
    (files.trial_dir(TRIAL) / "model").mkdir()
    assert ended_outcome(request_of, files, TRIAL, has_died=False).state == "finished"


def test_who_died_is_told_apart_from_who_ended() -> None:
    told: list[tuple[str, bool]] = []
    recorder = Recorder(lambda folder, has_died: told.append((folder, has_died)))
    recorder.on_trial_complete(0, [], SimpleNamespace(config={"folder": "one"}))
    recorder.on_trial_error(0, [], SimpleNamespace(config={"folder": "two"}))
    assert told == [("one", False), ("two", True)]
