"""Tests of the progress file."""

import errno
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import pytest
from tests.support.looks import look

from polyloop.errors import StorageFullError
from polyloop.training.progress import Progress, ProgressFile, ProgressFollower, read_progress


def test_looks_are_read_back_from_where_one_stopped(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path / "progress.jsonl")
    assert read_progress(tmp_path / "progress.jsonl") == []
    file.write(look(num_steps=1))
    file.write(look(num_steps=2))
    (first, offset), (second, _) = read_progress(tmp_path / "progress.jsonl")
    assert (first, second) == (look(num_steps=1), look(num_steps=2))
    assert [seen for seen, _ in read_progress(tmp_path / "progress.jsonl", offset)] == [look(num_steps=2)]


def test_half_a_line_is_left_for_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    line = json.dumps(asdict(look(num_steps=1))) + "\n"
    path.write_text(line + line[:20])
    assert len(read_progress(path)) == 1


@pytest.mark.parametrize("length", [1, 100, 10_000])
def test_half_a_line_that_a_full_disk_has_left_is_gone_once_there_is_room(tmp_path: Path, length: int) -> None:
    path = tmp_path / "progress.jsonl"
    file = ProgressFile(path)
    file.write(look(num_steps=1))
    with path.open("a") as torn:
        torn.write("x" * length)
    file.write(look(num_steps=2))
    assert [seen for seen, _ in read_progress(path)] == [look(num_steps=1), look(num_steps=2)]


def test_the_first_line_may_be_half_a_line_too(tmp_path: Path) -> None:
    (tmp_path / "progress.jsonl").write_text("{")
    ProgressFile(tmp_path / "progress.jsonl").write(look(num_steps=1))
    assert [seen for seen, _ in read_progress(tmp_path / "progress.jsonl")] == [look(num_steps=1)]


class FullFile:
    """A file on a disk that has no room left."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __enter__(self) -> "FullFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, _: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = FullFile((tmp_path / "progress.jsonl").open("w+b"))
    monkeypatch.setattr(Path, "open", lambda *_, **__: file)
    with pytest.raises(StorageFullError, match=r"no space left while writing to .*progress\.jsonl"):
        ProgressFile(tmp_path / "progress.jsonl").write(look(num_steps=1))


def test_a_follower_sees_only_new_looks_each_once_and_the_last_before_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    file = ProgressFile(path)
    seen: list[Progress] = []
    file.write(look(num_steps=1))
    with ProgressFollower(path, seen.append):
        file.write(look(num_steps=2))
        deadline = time.monotonic() + 10
        while not seen and time.monotonic() < deadline:
            time.sleep(0.01)
        assert seen == [look(num_steps=2)]
        file.write(look(num_steps=3))
    assert seen == [look(num_steps=2), look(num_steps=3)]


def test_a_follower_may_begin_before_there_is_a_file(tmp_path: Path) -> None:
    seen: list[Progress] = []
    with ProgressFollower(tmp_path / "progress.jsonl", seen.append):
        ProgressFile(tmp_path / "progress.jsonl").write(look(num_steps=1))
    assert seen == [look(num_steps=1)]
