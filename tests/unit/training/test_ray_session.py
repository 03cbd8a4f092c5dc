"""Tests of what a Ray Train worker writes down when it fails."""

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


def test_a_run_without_a_failure_has_none(tmp_path: Path) -> None:
    assert read_failure(tmp_path) is None
