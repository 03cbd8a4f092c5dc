"""Tests of turning Ray Train's failures into one line, and of runs that need no cluster."""

import errno
from pathlib import Path

import pytest
from ray.train.v2._internal.exceptions import UserExceptionWithTraceback
from ray.train.v2.api.exceptions import ControllerError, WorkerGroupError
from tests.support.small_tasks import small_task

from polyloop.errors import DataError, StorageFullError, TrainingError
from polyloop.training.config import TrainConfig
from polyloop.training.driver import named_failure, root_cause, run_training

CONFIG = TrainConfig(
    task_name="numbers", task=small_task("classify"), dataset_dir=Path("/data"), run_dir=Path("/runs/r1")
)


def _wrapped(error: Exception) -> UserExceptionWithTraceback:
    return UserExceptionWithTraceback(error, traceback_str="Traceback (most recent call last): ...")


def test_the_workers_own_exception_is_found() -> None:
    inner = ValueError("inner")
    outer = RuntimeError("outer")
    outer.__cause__ = inner
    assert root_cause(_wrapped(outer)) is inner


def test_a_named_error_of_any_worker_is_raised_as_it_is() -> None:
    named = DataError("the train split is empty")
    failure = WorkerGroupError("many lines", {0: _wrapped(ConnectionError("peer closed")), 1: _wrapped(named)})
    assert named_failure(failure, CONFIG) is named


def test_a_full_disk_is_named() -> None:
    failure = WorkerGroupError("x", {0: _wrapped(OSError(errno.ENOSPC, "No space left on device"))})
    found = named_failure(failure, CONFIG)
    assert isinstance(found, StorageFullError)
    assert "/runs/r1" in found.message


def test_any_other_failure_is_one_line_with_the_workers_words() -> None:
    found = named_failure(WorkerGroupError("x", {0: _wrapped(RuntimeError("first\nsecond"))}), CONFIG)
    assert isinstance(found, TrainingError)
    assert found.message.startswith("training 'numbers' failed: RuntimeError: first second;")


def test_a_failure_of_the_controller_is_told() -> None:
    found = named_failure(ControllerError(TimeoutError("no resources")), CONFIG)
    assert "no resources" in found.message
    assert "\n" not in found.message


def test_a_run_that_is_over_needs_no_cluster(tmp_path: Path) -> None:
    model = tmp_path / "runs" / "r1" / "model"
    model.mkdir(parents=True)
    found = run_training(
        task_name="n", task=CONFIG.task, dataset_dir=tmp_path, run_name="r1", storage_path=tmp_path / "runs"
    )
    assert found == model


def test_a_folder_that_cannot_be_made_for_lack_of_space_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_up(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", fill_up)
    with pytest.raises(StorageFullError, match="no space left while writing to"):
        run_training(
            task_name="n", task=CONFIG.task, dataset_dir=tmp_path, run_name="r", storage_path=tmp_path / "runs"
        )
