"""Tests of what a Ray Train worker writes down when it fails."""

import errno
import os
from pathlib import Path

import pytest

from polyloop.errors import DataError, StorageFullError, TrainingError
from polyloop.training.ray_session import read_failure, write_failure


@pytest.mark.parametrize("kind", [DataError, StorageFullError, TrainingError])
def test_a_failure_is_read_back_with_its_type(tmp_path: Path, kind: type[TrainingError]) -> None:
    write_failure(tmp_path, kind("why it failed"))
    found = read_failure(tmp_path)
    assert type(found) is kind
    assert str(found) == "why it failed"


def test_a_failure_that_cannot_be_written_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_up(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fill_up)
    with pytest.raises(OSError, match="No space left"):
        write_failure(tmp_path, TrainingError("why it failed"))
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_a_failure_has_none(tmp_path: Path) -> None:
    assert read_failure(tmp_path) is None
