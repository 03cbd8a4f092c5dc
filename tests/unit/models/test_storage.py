"""Tests of whole files, and of telling a full disk from other failures."""

import errno
import os
from pathlib import Path

import pytest
from safetensors import SafetensorError

from polyloop.errors import StorageFullError
from polyloop.models.storage import is_storage_full, named_storage_errors, write_bytes


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (OSError(errno.EACCES, "Permission denied"), False),
        (SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"), True),
        (SafetensorError("Error while deserializing header: header too large"), False),
        (ValueError("os error 28"), False),
    ],
)
def test_only_a_full_disk_or_quota_counts(error: Exception, full: bool) -> None:
    assert is_storage_full(error) is full


def test_the_named_error_tells_what_was_written_and_keeps_the_cause() -> None:
    cause = OSError(errno.ENOSPC, "No space left on device")
    with (
        pytest.raises(StorageFullError, match="no space left while writing a checkpoint") as caught,
        named_storage_errors("a checkpoint"),
    ):
        raise cause
    assert caught.value.__cause__ is cause


def test_other_errors_pass() -> None:
    with pytest.raises(PermissionError), named_storage_errors("a checkpoint"):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"one")
    write_bytes(tmp_path / "a", b"two")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"two")]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    write_bytes(tmp_path / "a", b"one")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_bytes(tmp_path / "a", b"two")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"one")]
